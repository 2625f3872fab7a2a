// The pool: open regions in fixed places, helpers that claim their chunks, spin briefly and sleep.
#include "pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "placement.h"
#include "thread.h"

#ifdef __linux__
#include <sched.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace evengrad {
namespace {

using Clock = std::chrono::steady_clock;
using Body = void (*)(void* state, int64_t chunk, int worker);

// Waking a sleeper costs some 5 to 50 us, so an idle thread first looks around for about as long.
constexpr auto kMaxSpin = std::chrono::microseconds(50);
constexpr auto kMinSpin = std::chrono::microseconds(1);
constexpr auto kUnyielding = std::chrono::microseconds(5);
constexpr int kRegions = 64;  // bits of a mask; a caller that finds none free works alone

void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");  // "yield" returns at once on most cores
#endif
}

// Polls `ready` until it is true or the time is up. After a few microseconds it offers its core at
// every turn, as the thread that it waits for may be queued behind it.
template <class Ready>
bool spin(Clock::duration limit, Ready ready) {
  const auto start = Clock::now();
  for (;;) {
    for (int i = 0; i < 8; ++i) {
      if (ready()) return true;
      relax();
    }
    const auto waited = Clock::now() - start;
    if (waited >= limit) return false;
    if (waited >= kUnyielding) std::this_thread::yield();
  }
}

int lowestBit(uint64_t mask) {
  int bit = 0;
#if defined(__GNUC__) || defined(__clang__)
  bit = __builtin_ctzll(mask);
#else
  while (!(mask >> bit & 1)) ++bit;
#endif
  return bit;
}

// A place for one parallel region at a time. Places are never freed, and `next` and `done` count up
// through all regions that ever use the place, so a helper that was preempted while it looked at an
// old region cannot mistake a new one for it: its compare-and-swap on `next` fails.
struct alignas(64) Region {
  std::atomic<int64_t> next{0};  // the ticket to be claimed next; chunk = ticket - first
  alignas(64) std::atomic<int64_t> done{0};
  alignas(64) std::atomic<int64_t> end{0};  // published last: next < end means open
  std::atomic<int64_t> first{0};
  std::atomic<Body> body{nullptr};
  std::atomic<void*> state{nullptr};
  std::atomic<int> threads{0};
  std::atomic<bool> waiting{false};
  std::mutex mutex;
  std::condition_variable finished;
  Placement* caller = nullptr;  // while it waits
};

struct Helper {
  Thread thread;
  int id = 0;
  std::mutex mutex;
  std::condition_variable wake;
  bool woken = false;
  Placement placement;
};

class Pool {
 public:
  // Leaked: helpers outlive static destructors when the process ends in the middle of a run.
  static Pool& instance() {
    static Pool* pool = new Pool;
    return *pool;
  }

  void run(int threads, int64_t chunks, Body body, void* state);

  std::atomic<int> threads{usableCores()};

 private:
  static constexpr int kWords = kMaxThreads / 64;

  int takePlace();
  void ensureHelpers(int count);
  // Claims and runs chunks of the region until none is left; returns how many.
  int64_t work(int place, int worker);
  bool help(int id);
  int64_t unclaimed(int id) const;
  void wake(int threads, int64_t wanted);
  void helperLoop(Helper& helper);
  void sleep(Helper& helper);

  Region regions_[kRegions];
  alignas(64) std::atomic<uint64_t> open_{0};  // regions that have unclaimed chunks
  alignas(64) std::atomic<uint64_t> free_{~uint64_t{0}};
  alignas(64) std::atomic<uint64_t> asleep_[kWords] = {};
  std::atomic<Clock::rep> opened_{0};  // when the latest region opened
  std::atomic<int> started_{0};
  std::mutex startMutex_;
  std::atomic<Helper*> helpers_[kMaxThreads] = {};
};

int Pool::takePlace() {
  uint64_t free = free_.load(std::memory_order_relaxed);
  while (free) {
    const int place = lowestBit(free);
    if (free_.compare_exchange_weak(free, free & ~(uint64_t{1} << place),
                                    std::memory_order_acquire)) {
      return place;
    }
  }
  return -1;
}

void Pool::ensureHelpers(int count) {
  if (started_.load(std::memory_order_acquire) >= count) return;
  std::lock_guard<std::mutex> lock(startMutex_);
  for (int i = started_.load(std::memory_order_relaxed); i < count; ++i) {
    Helper* helper = new Helper;
    helper->id = i + 1;
    helpers_[i + 1].store(helper, std::memory_order_release);
    struct Argument {
      Pool* pool;
      Helper* helper;
    };
    auto* argument = new Argument{this, helper};
    const bool ok = helper->thread.start(
        [](void* opaque) {
          Argument argument = *static_cast<Argument*>(opaque);
          delete static_cast<Argument*>(opaque);
          argument.pool->helperLoop(*argument.helper);
        },
        argument);
    if (!ok) {  // fewer helpers are as correct; the next region tries again
      delete argument;
      helpers_[i + 1].store(nullptr, std::memory_order_release);
      delete helper;
      return;
    }
    helper->thread.detach();
    started_.store(i + 1, std::memory_order_release);
  }
}

int64_t Pool::work(int place, int worker) {
  Region& region = regions_[place];
  int64_t worked = 0;
  int64_t ticket = region.next.load(std::memory_order_acquire);
  for (;;) {
    const int64_t end = region.end.load(std::memory_order_acquire);
    if (ticket >= end) break;
    const int64_t first = region.first.load(std::memory_order_relaxed);
    const Body body = region.body.load(std::memory_order_relaxed);
    void* const state = region.state.load(std::memory_order_relaxed);
    if (worker >= region.threads.load(std::memory_order_relaxed)) break;
    // Success proves that all of the above belong to the region that `ticket` belongs to.
    if (!region.next.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                           std::memory_order_acquire)) {
      continue;
    }
    if (ticket + 1 == end) open_.fetch_and(~(uint64_t{1} << place), std::memory_order_relaxed);
    body(state, ticket - first, worker);
    ++worked;
    ticket = region.next.load(std::memory_order_acquire);
  }
  if (worked == 0) return 0;
  // The region cannot have ended while this thread's work is not counted, but may at once after.
  const int64_t end = region.end.load(std::memory_order_relaxed);
  const int64_t done = region.done.fetch_add(worked, std::memory_order_seq_cst) + worked;
  if (done == end && region.waiting.load(std::memory_order_seq_cst)) {
    std::lock_guard<std::mutex> lock(region.mutex);
    if (region.caller) region.caller->keepOff();
    region.finished.notify_all();
  }
  return worked;
}

void Pool::run(int threads, int64_t chunks, Body body, void* state) {
  ensureHelpers(threads - 1);
  const int place = takePlace();
  if (place < 0) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) body(state, chunk, 0);
    return;
  }
  Region& region = regions_[place];
  const int64_t first = region.end.load(std::memory_order_relaxed);
  const int64_t end = first + chunks;
  region.first.store(first, std::memory_order_relaxed);
  region.body.store(body, std::memory_order_relaxed);
  region.state.store(state, std::memory_order_relaxed);
  region.threads.store(threads, std::memory_order_relaxed);
  region.waiting.store(false, std::memory_order_relaxed);
  // Before the region opens: whoever claims the last chunk clears the bit.
  open_.fetch_or(uint64_t{1} << place, std::memory_order_seq_cst);
  region.end.store(end, std::memory_order_seq_cst);
  opened_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  wake(threads, chunks - 1);

  work(place, 0);
  const auto finished = [&] { return region.done.load(std::memory_order_seq_cst) == end; };
  if (!finished() && !spin(kMaxSpin, finished)) {
    std::unique_lock<std::mutex> lock(region.mutex);
    Placement placement;
    placement.adopt();
    region.caller = &placement;
    region.waiting.store(true, std::memory_order_seq_cst);
    region.finished.wait(lock, finished);
    region.caller = nullptr;
    placement.release();
  }
  free_.fetch_or(uint64_t{1} << place, std::memory_order_release);
}

// Chunks that helper `id` could claim now.
int64_t Pool::unclaimed(int id) const {
  int64_t chunks = 0;
  for (uint64_t open = open_.load(std::memory_order_seq_cst); open; open &= open - 1) {
    const Region& region = regions_[lowestBit(open)];
    const int64_t end = region.end.load(std::memory_order_seq_cst);
    if (id < region.threads.load(std::memory_order_relaxed)) {
      chunks += std::max<int64_t>(end - region.next.load(std::memory_order_relaxed), 0);
    }
  }
  return chunks;
}

// Two at a time: each woken helper wakes two more while chunks are left, so the caller of a region
// on a large machine does not spend its own time on system calls.
void Pool::wake(int threads, int64_t wanted) {
  int left = static_cast<int>(std::min<int64_t>(wanted, 2));
  for (int word = 0; word < kWords && word * 64 < threads && left > 0; ++word) {
    const uint64_t mine =
        threads - word * 64 >= 64 ? ~uint64_t{0} : (uint64_t{1} << (threads - word * 64)) - 1;
    uint64_t sleepers = asleep_[word].load(std::memory_order_seq_cst) & mine;
    while (sleepers && left > 0) {
      const uint64_t bit = sleepers & (~sleepers + 1);
      sleepers &= ~bit;
      if (!(asleep_[word].fetch_and(~bit, std::memory_order_acq_rel) & bit)) continue;
      Helper& helper = *helpers_[word * 64 + lowestBit(bit)].load(std::memory_order_acquire);
      {
        std::lock_guard<std::mutex> lock(helper.mutex);
        helper.placement.keepOff();
        helper.woken = true;
      }
      helper.wake.notify_one();
      --left;
    }
  }
}

bool Pool::help(int id) {
  bool helped = false;
  uint64_t open = open_.load(std::memory_order_relaxed);
  // Helpers start at different regions, so that several callers share them.
  const int turn = id % kRegions;
  if (turn) open = open >> turn | open << (kRegions - turn);
  for (; open; open &= open - 1) {
    helped |= work((lowestBit(open) + turn) % kRegions, id) > 0;
  }
  return helped;
}

void Pool::sleep(Helper& helper) {
  std::atomic<uint64_t>& word = asleep_[helper.id / 64];
  const uint64_t bit = uint64_t{1} << helper.id % 64;
  word.fetch_or(bit, std::memory_order_seq_cst);
  // Against a region that opened before the bit was seen. If a waker has taken the bit meanwhile,
  // its `woken` only makes the next sleep return early.
  if (unclaimed(helper.id) > 0) {
    word.fetch_and(~bit, std::memory_order_acq_rel);
    return;
  }
  std::unique_lock<std::mutex> lock(helper.mutex);
  helper.wake.wait(lock, [&] { return helper.woken; });
  helper.woken = false;
  helper.placement.release();
}

void Pool::helperLoop(Helper& helper) {
  helper.placement.adopt();
  Clock::duration budget = kMaxSpin;
  for (;;) {
    while (help(helper.id)) {
    }
    const auto idle = Clock::now();
    if (!spin(budget, [&] { return unclaimed(helper.id) > 0; })) {
      sleep(helper);
      // One wake-up brings two more helpers while there is more than this one can take.
      if (unclaimed(helper.id) > 1) wake(threads.load(std::memory_order_relaxed), 2);
    }
    // Spinning pays if the work came soon. When it came counts, not when this helper saw it: waking
    // alone may take longer than the longest spin.
    const Clock::time_point opened{Clock::duration{opened_.load(std::memory_order_relaxed)}};
    budget = opened - idle < kMaxSpin ? std::min<Clock::duration>(budget * 2, kMaxSpin)
                                      : std::max<Clock::duration>(budget / 2, kMinSpin);
  }
}

#ifdef __linux__
// ceil(quota / period), or a large number without a limit.
int cgroupCores() {
  long long quota = -1, period = 0;
  if (FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {  // version 2; "max" does not parse
    if (std::fscanf(file, "%lld %lld", &quota, &period) != 2) quota = -1;
    std::fclose(file);
  } else {
    const auto read = [](const char* path, long long* value) {
      if (FILE* file = std::fopen(path, "r")) {
        if (std::fscanf(file, "%lld", value) != 1) *value = -1;
        std::fclose(file);
      }
    };
    read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &quota);
    read("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period);
  }
  if (quota <= 0 || period <= 0) return kMaxThreads;
  return static_cast<int>(std::min<long long>((quota + period - 1) / period, kMaxThreads));
}
#endif

}  // namespace

int usableCores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
#ifdef __linux__
  cpu_set_t set;  // fails on more than 1024 cores, where the above will do
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  cores = std::min(cores, cgroupCores());
#endif
  return std::clamp(cores, 1, kMaxThreads);
}

int threadCount() { return Pool::instance().threads.load(std::memory_order_relaxed); }

void setThreadCount(int threads) {
  Pool::instance().threads.store(threads, std::memory_order_relaxed);
}

void Team::run(int64_t chunks, Body body, void* state) {
  if (threads_ > 1 && chunks > 1) {
    Pool::instance().run(threads_, chunks, body, state);
  } else {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) body(state, chunk, 0);
  }
}

}  // namespace evengrad
