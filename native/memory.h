// Large aligned blocks of memory and how much of it the machine has.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <malloc.h>
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace evengrad {

// Bytes of physical memory that this process may use, a Linux cgroup's limit included.
inline int64_t physicalBytes() {
  static const int64_t bytes = [] {
    int64_t result = INT64_MAX;
#ifdef _WIN32
    MEMORYSTATUSEX status;
    status.dwLength = sizeof status;
    if (GlobalMemoryStatusEx(&status)) result = static_cast<int64_t>(status.ullTotalPhys);
#else
    const int64_t pages = sysconf(_SC_PHYS_PAGES);
    const int64_t pageBytes = sysconf(_SC_PAGESIZE);
    if (pages > 0 && pageBytes > 0) result = pages * pageBytes;
#endif
#ifdef __linux__
    for (const char* path :
         {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
      if (FILE* file = std::fopen(path, "r")) {
        long long limit = 0;
        if (std::fscanf(file, "%lld", &limit) == 1 && limit > 0) {
          result = std::min<int64_t>(result, limit);
        }
        std::fclose(file);
      }
    }
#endif
    return result;
  }();
  return bytes;
}

// Uninitialized memory, 64-byte aligned; large blocks are aligned and sized for huge pages.
class Block {
 public:
  Block() = default;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { release(); }

  // What reserve(bytes) takes.
  static int64_t rounded(int64_t bytes) {
    const int64_t alignment = bytes >= kHugePage ? kHugePage : kLine;
    return bytes / alignment * alignment + (bytes % alignment ? alignment : 0);
  }

  // Makes room for `bytes`, discarding the contents if it has to grow. False if there is no memory.
  bool reserve(int64_t bytes) {
    if (bytes <= this->bytes()) return true;
    release();
    if (bytes > physicalBytes()) return false;
    const int64_t size = rounded(bytes);
    const int64_t alignment = size >= kHugePage ? kHugePage : kLine;
#ifdef _WIN32
    data_ = _aligned_malloc(static_cast<size_t>(size), static_cast<size_t>(alignment));
#else
    if (posix_memalign(&data_, static_cast<size_t>(alignment), static_cast<size_t>(size)) != 0) {
      data_ = nullptr;
    }
#endif
    if (!data_) return false;
#ifdef MADV_HUGEPAGE
    if (alignment == kHugePage) madvise(data_, static_cast<size_t>(size), MADV_HUGEPAGE);
#endif
    bytes_.store(size, std::memory_order_relaxed);
    return true;
  }

  void release() {
#ifdef _WIN32
    _aligned_free(data_);
#else
    std::free(data_);
#endif
    data_ = nullptr;
    bytes_.store(0, std::memory_order_relaxed);
  }

  char* data() const { return static_cast<char*>(data_); }
  // May be read from another thread than the one that reserves.
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr int64_t kLine = 64;
  static constexpr int64_t kHugePage = 2 << 20;

  void* data_ = nullptr;
  std::atomic<int64_t> bytes_{0};
};

}  // namespace evengrad
