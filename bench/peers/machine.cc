// The machine's limits: fused multiply-adds from registers, and streams through memory.
#include "driver.h"

namespace {

#if defined(__AVX512F__)
constexpr int width = 16;
#elif defined(__AVX__)
constexpr int width = 8;
#else
constexpr int width = 4;
#endif
#if defined(__aarch64__)
#define VECTORS "w"
#else
#define VECTORS "v"
#endif
typedef float Vec __attribute__((vector_size(width * sizeof(float)), aligned(4)));

constexpr long rounds = 38'400'000 / (width * 12);

/// Multiplies and adds in twelve independent chains, enough to hide the latency and few enough for
/// the registers: 76.8 million operations.
__attribute__((noinline)) float multiplyAdd() {
  Vec x, y;
  for (int i = 0; i < width; i++) x[i] = 0.999f, y[i] = 1e-3f;
  Vec a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
  for (long round = 0; round < rounds; round++) {
    a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y, e = e * x + y, f = f * x + y;
    g = g * x + y, h = h * x + y, i = i * x + y, j = j * x + y, k = k * x + y, l = l * x + y;
    asm volatile(""
                 : "+" VECTORS(a), "+" VECTORS(b), "+" VECTORS(c), "+" VECTORS(d), "+" VECTORS(e),
                   "+" VECTORS(f));  // twelve equal chains would be one
    asm volatile(""
                 : "+" VECTORS(g), "+" VECTORS(h), "+" VECTORS(i), "+" VECTORS(j), "+" VECTORS(k),
                   "+" VECTORS(l));
  }
  return (a + b + c + d + e + f + g + h + i + j + k + l)[0];
}

/// Reads R arrays and writes their sum to W arrays, from element `from` up to `to`.
template <int R, int W>
void streams(float* const* arrays, size_t from, size_t to) {
  for (size_t i = from; i < to; i += width) {
    Vec sum{};
    for (int r = 0; r < R; r++) sum += *reinterpret_cast<const Vec*>(arrays[r] + i);
    for (int w = 0; w < W; w++) *reinterpret_cast<Vec*>(arrays[R + w] + i) = sum;
    if (W == 0) asm volatile("" ::VECTORS(sum));
  }
}

using Stream = void (*)(float* const*, size_t, size_t);

Stream streamOf(size_t reads, size_t writes) {
  switch (reads * 10 + writes) {
    case 1: return streams<0, 1>;
    case 10: return streams<1, 0>;
    case 11: return streams<1, 1>;
    case 21: return streams<2, 1>;
    case 32: return streams<3, 2>;
    case 43: return streams<4, 3>;
    default: throw std::runtime_error("no such streams");
  }
}

/// Calls part(i, count) on each of `count` threads.
template <class Part>
void each(int count, const Part& part) {
#pragma omp parallel for num_threads(count) schedule(static, 1)
  for (int i = 0; i < count; i++) part(i, count);
}

}  // namespace

int main() {
  return bench::serve([](const bench::Spec& spec) -> bench::Work {
    const std::string kind = spec.text("kind");
    const int count = bench::threads();
    if (kind == "fma") {
      return [=] {
        each(count, [](int, int) {
          volatile float sum = multiplyAdd();
          (void)sum;
        });
      };
    }
    if (kind != "streams") return nullptr;
    const size_t reads = spec.size("reads"), writes = spec.size("writes"), size = spec.size("size");
    const Stream stream = streamOf(reads, writes);
    std::vector<std::shared_ptr<bench::Floats>> owners;
    std::vector<float*> arrays;
    for (size_t i = 0; i < reads + writes; i++) {
      owners.push_back(std::make_shared<bench::Floats>(size + width));
      arrays.push_back(owners.back()->data());
    }
    return [=] {
      (void)owners;
      each(count, [&](int i, int n) {
        const size_t share = (size / n + width - 1) / width * width;
        stream(arrays.data(), i * share, std::min(size, (i + 1) * share));
      });
    };
  });
}
