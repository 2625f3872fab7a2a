// The epilogues of `multiply` against plain loops in double: scale, addition to what is there, bias
// and relu in all combinations, rows of C that lie apart, and any number of threads.
#include "product.h"

#include "check.h"

using namespace test;

namespace {

void (*multiplyOf(const char* isa))(const ProductCall&) {
  const std::string name = isa;
#if defined(__x86_64__) || defined(_M_X64)
  return name == "avx512" ? multiply_avx512 : name == "avx2" ? multiply_avx2 : multiply_sse;
#else
  return multiply_neon;
#endif
}

struct Shape {
  int64_t M, N, K;
};

// The sums of M·N products, and those of their magnitudes.
struct Sums {
  std::vector<double> value, size;

  Sums(Shape s, bool transA, bool transB, const float* a, const float* b)
      : value((size_t)(s.M * s.N)), size(value.size()) {
    for (int64_t i = 0; i < s.M; i++)
      for (int64_t p = 0; p < s.K; p++)
        for (int64_t j = 0; j < s.N; j++) {
          const double t =
              (double)a[transA ? p * s.M + i : i * s.K + p] * b[transB ? j * s.K + p : p * s.N + j];
          value[(size_t)(i * s.N + j)] += t;
          size[(size_t)(i * s.N + j)] += std::fabs(t);
        }
  }
};

void one(const char* isa, Shape s, bool transA, bool transB) {
  Data a(gaussian(s.M * s.K, 1)), b(gaussian(s.K * s.N, 2)), bias(gaussian(s.N, 3));
  const Sums sums(s, transA, transB, a.f(), b.f());
  const std::vector<float> begun = gaussian(s.M * (s.N + 5), 4);
  for (int mode = 0; mode < 32; mode++) {
    const float scale = mode & 1 ? -0.375f : 1;
    const bool add = mode & 2, relu = mode & 4, biased = mode & 8;
    const int64_t rowC = s.N + (mode & 16 ? 5 : 0);
    const std::vector<float> before(begun.begin(), begun.begin() + s.M * rowC);
    auto run = [&](int threads) {
      Data c(before);
      Threads pool(threads);
      multiplyOf(isa)({s.M, s.N, s.K, transA, transB, a.f(), b.f(), c.f(), rowC, scale, add, relu,
                       biased ? bias.f() : nullptr, threads ? &pool : nullptr});
      return c;
    };
    Data c = run(0);
    double worst = 0;
    bool untouched = true;
    for (int64_t i = 0; i < s.M; i++)
      for (int64_t j = 0; j < rowC; j++) {
        const float was = before[(size_t)(i * rowC + j)], got = c.f()[i * rowC + j];
        if (j >= s.N) {
          untouched &= got == was;
          continue;
        }
        const size_t at = (size_t)(i * s.N + j);
        double want = scale * sums.value[at], size = std::fabs(scale) * sums.size[at] + 1e-30;
        if (add) want += was, size += std::fabs(was);
        if (biased) want += bias.f()[j], size += std::fabs(bias.f()[j]);
        if (relu) want = std::fmax(want, 0);
        const double error = std::fabs(got - want) / size;
        if (!(error <= worst)) worst = error;
      }
    const double limit = 6e-8 * (2 + std::sqrt((double)s.K));
    CHECK(worst < limit && untouched,
          "%s (%d,%d,%d) trans %d%d scale %g add %d bias %d relu %d rows of %d: error %g%s", isa,
          (int)s.M, (int)s.N, (int)s.K, transA, transB, scale, add, biased, relu, (int)rowC, worst,
          untouched ? "" : ", and between the rows");
    for (int threads : {1, 2, 3}) {
      Data again = run(threads);
      CHECK(c.same(again), "%s (%d,%d,%d) trans %d%d: %d threads differ", isa, (int)s.M, (int)s.N,
            (int)s.K, transA, transB, threads);
    }
  }
}

}  // namespace

int main() {
  everyIsa([](const KernelTable& table) {
    for (Shape s : {Shape{1, 1, 1}, Shape{5, 7, 9}, Shape{33, 50, 70},
                    // few rows, few columns
                    Shape{3, 300, 70}, Shape{90, 7, 20},
                    // dot products
                    Shape{12, 41, 300}, Shape{90, 7, 700},
                    // A packed, several depths
                    Shape{40, 140, 1100},
                    // chunks of rows that share the packed columns of B
                    Shape{290, 131, 40}})
      for (int t = 0; t < 4; t++) one(table.isa, s, t & 1, t & 2);
  });
  return report();
}
