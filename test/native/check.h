// What the native tests share: checks that count failures, kernels called on vectors, and a pool of
// plain threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cpu.h"

namespace test {

using namespace evengrad;

inline int failures = 0;

#define CHECK(condition, ...)                            \
  do {                                                   \
    if (!(condition)) test::fail(__LINE__, __VA_ARGS__); \
  } while (0)

[[gnu::format(printf, 2, 3)]] inline void fail(int line, const char* format, ...) {
  if (++failures > 40) return;
  va_list arguments;
  va_start(arguments, format);
  std::fprintf(stderr, "line %d: ", line);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
}

inline int report() {
  if (failures) std::fprintf(stderr, "%d failed\n", failures);
  return failures ? 1 : 0;
}

enum KernelId {
#define KERNEL(name) name##Kernel,
#include "ops.def"
};
enum MapOp {
#define MAP(name, signature) op_##name,
#include "ops.def"
  mapOpCount
};
inline constexpr const char* mapOpNames[] = {
#define MAP(name, signature) #name,
#include "ops.def"
};
inline constexpr const char* mapOpSignatures[] = {
#define MAP(name, signature) signature,
#include "ops.def"
};
enum ReduceKind {
#define REDUCE(name) reduce_##name,
#include "ops.def"
};

// Every chunk on some thread, claimed as threads come free.
class Threads : public Parallel {
 public:
  explicit Threads(int n) : n_(n) {}
  int threads() const override { return n_; }
  void run(int64_t chunks, void (*body)(void*, int64_t, int), void* state) override {
    std::atomic<int64_t> next{0};
    auto work = [&](int worker) {
      for (int64_t i; (i = next++) < chunks;) body(state, i, worker);
    };
    std::vector<std::thread> others;
    for (int w = 1; w < n_; w++) others.emplace_back(work, w);
    work(0);
    for (auto& t : others) t.join();
  }

 private:
  int n_;
};

// A buffer with its own memory, exactly as large as it must be and aligned to its elements only.
struct Data {
  DType dtype;
  int64_t count;
  std::vector<char> bytes;

  Data(DType type, int64_t n) : dtype(type), count(n), bytes(n * bytesOf(type) + 4) {}
  Data(const std::vector<float>& v) : Data(DType::f32, (int64_t)v.size()) { fill(v.data()); }
  Data(const std::vector<int32_t>& v) : Data(DType::i32, (int64_t)v.size()) { fill(v.data()); }
  Data(const std::vector<uint8_t>& v, DType type = DType::u8) : Data(type, (int64_t)v.size()) {
    fill(v.data());
  }

  void fill(const void* from) {
    if (count) std::memcpy(data(), from, count * bytesOf(dtype));
  }
  void* data() { return bytes.data() + 4; }
  float* f() { return (float*)data(); }
  int32_t* i() { return (int32_t*)data(); }
  uint8_t* u() { return (uint8_t*)data(); }
  std::vector<float> floats() { return {f(), f() + count}; }
  bool same(Data& o) {
    return count == o.count && (!count || !std::memcmp(data(), o.data(), count * bytesOf(dtype)));
  }
};

// "" or why it was refused (`refused: …`) or failed. An output that is also an input is the same
// memory.
inline std::string call(const KernelTable& table, int kernel, std::vector<Data*> in,
                        std::vector<Data*> out, std::vector<double> params, int threads = 1) {
  const Kernel& k = table.kernels[kernel];
  std::vector<Buffer> ins, outs;
  for (Data* d : in) ins.push_back({nullptr, d->count, d->dtype});
  for (Data* d : out) outs.push_back({nullptr, d->count, d->dtype});
  // Exactly as long as it says, so that a sanitizer sees a read beyond.
  std::unique_ptr<double[]> exact(new double[params.size()]);
  std::copy(params.begin(), params.end(), exact.get());
  Call c{ins.data(),       (int)ins.size(), outs.data(),
         (int)outs.size(), exact.get(),     (int)params.size()};
  if (const char* error = k.check(c)) return std::string("refused: ") + error;
  void* plan = k.plan ? k.plan(c) : nullptr;
  int64_t bytes = k.scratchBytes ? k.scratchBytes(c, threads) : 0;
  void* scratch = std::aligned_alloc(64, (bytes + 127) / 64 * 64);
  std::memset(scratch, 0x7f, bytes);
  for (size_t i = 0; i < in.size(); i++) ins[i].data = in[i]->data();
  for (size_t i = 0; i < out.size(); i++) outs[i].data = out[i]->data();
  Threads pool(threads);
  Context context{pool, scratch};
  k.run(c, plan, context);
  std::free(scratch);
  if (k.freePlan) k.freePlan(plan);
  return context.error;
}

template <class Body>
void everyIsa(Body body) {
  int count;
  const KernelTable* const* tables = availableTables(&count);
  for (int i = 0; i < count; i++) body(*tables[i]);
}

// Distance in representable floats, counting from one end of the line to the other; NaNs agree.
inline double ulps(float got, double want) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : 1e30;
  float rounded = (float)want;
  if (std::isinf(rounded) || std::isinf(got)) {
    if (rounded == got) return 0;
    if (std::isinf(want)) return 1e30;
  }
  int exponent;
  std::frexp(want, &exponent);
  double ulp = std::ldexp(1.0, std::max(exponent - 24, -149));
  return std::fabs((double)got - want) / ulp;
}

inline const std::vector<float>& specials() {
  static const float inf = std::numeric_limits<float>::infinity();
  static const std::vector<float> values = {
      0.0f,          -0.0f,          1.0f,        -1.0f,  0.5f,    -0.5f,      inf,    -inf,
      NAN,           1e-45f,         -1e-45f,     1e-38f, -1e-38f, 3e38f,      -3e38f, 88.0f,
      -88.0f,        89.0f,          -104.0f,     2.0f,   -2.0f,   3.0f,       -3.0f,  1e10f,
      -1e10f,        2.5f,           -2.5f,       1.5f,   1e-6f,   -1e-6f,     255.5f, 300.0f,
      2147483648.0f, -2147483648.0f, 16777216.0f, 1e20f,  1e-20f,  0.99999994f};
  return values;
}

// What references are computed in: x86 has 80 bits in hardware, others would emulate 128.
#if defined(__x86_64__)
using Real = long double;
#else
using Real = double;
#endif

inline std::vector<float> gaussian(int64_t n, uint32_t seed, float scale = 1, float offset = 0) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> v((size_t)n);
  for (float& x : v) x = offset + scale * normal(engine);
  return v;
}

inline const std::vector<int64_t>& sizes() {
  static const std::vector<int64_t> values = {0,  1,  2,  3,  4,  5,  7,  8,   9,   13,  14,  15,
                                              16, 17, 26, 31, 33, 50, 97, 129, 511, 512, 513, 1031};
  return values;
}

}  // namespace test
