// `matmul` against plain loops in double: shapes around the panel sizes, transposes, batches,
// threads.
#include "check.h"

using namespace test;

namespace {

struct Shape {
  int64_t batch, M, N, K;
};

void one(const KernelTable& table, Shape s, bool transA, bool transB, bool sharedA, bool sharedB) {
  int64_t a = s.M * s.K, b = s.K * s.N;
  int64_t strideA = sharedA ? 0 : a, strideB = sharedB ? 0 : b;
  Data A(gaussian(a * (sharedA ? 1 : s.batch), 1)), B(gaussian(b * (sharedB ? 1 : s.batch), 2));
  Data C(DType::f32, s.batch * s.M * s.N), twice(DType::f32, C.count);
  std::memset(C.data(), 0xff, C.count * 4);
  std::vector<double> params = {(double)s.batch, (double)s.M,     (double)s.N,
                                (double)s.K,     (double)transA,  (double)transB,
                                (double)strideA, (double)strideB, 0};
  std::string error = call(table, matmulKernel, {&A, &B}, {&C}, params);
  CHECK(error.empty(), "matmul: %s", error.c_str());
  call(table, matmulKernel, {&A, &B}, {&twice}, params, 2);
  CHECK(C.same(twice), "%s (%d,%d,%d,%d): threads differ", table.isa, (int)s.batch, (int)s.M,
        (int)s.N, (int)s.K);
  Data bias(gaussian(s.N, 3)), finished(DType::f32, C.count);
  params.back() = 1;
  error = call(table, matmulKernel, {&A, &B, &bias}, {&finished}, params);
  CHECK(error.empty(), "matmul: %s", error.c_str());
  for (int64_t i = 0; i < C.count; i++) {
    float want = C.f()[i] + bias.f()[i % s.N];
    if (finished.f()[i] == (want <= 0 ? 0 : want)) continue;
    CHECK(false, "%s (%d,%d,%d,%d): with bias and relu %g for %g", table.isa, (int)s.batch,
          (int)s.M, (int)s.N, (int)s.K, finished.f()[i], want);
    break;
  }
  double worst = 0;
  std::vector<double> row((size_t)s.N), size((size_t)s.N);
  for (int64_t n = 0; n < s.batch; n++) {
    const float *x = A.f() + n * strideA, *y = B.f() + n * strideB;
    for (int64_t i = 0; i < s.M; i++) {
      std::fill(row.begin(), row.end(), 0);
      std::fill(size.begin(), size.end(), 1e-30);
      for (int64_t p = 0; p < s.K; p++) {
        double v = x[transA ? p * s.M + i : i * s.K + p];
        for (int64_t j = 0; j < s.N; j++) {
          double t = v * y[transB ? j * s.K + p : p * s.N + j];
          row[j] += t;
          size[j] += std::fabs(t);
        }
      }
      for (int64_t j = 0; j < s.N; j++)
        worst = std::max(worst, std::fabs(C.f()[(n * s.M + i) * s.N + j] - row[j]) / size[j]);
      if (s.N && std::isnan(C.f()[(n * s.M + i) * s.N])) worst = 1;
    }
  }
  // Each term is rounded at most K times in the worst case; in practice far less.
  CHECK(worst < 6e-8 * (2 + std::sqrt((double)s.K)),
        "%s (%d,%d,%d,%d) trans %d%d shared %d%d: error %g", table.isa, (int)s.batch, (int)s.M,
        (int)s.N, (int)s.K, transA, transB, sharedA, sharedB, worst);
}

void all(const KernelTable& table) {
  std::vector<Shape> shapes;
  for (int64_t M : {1, 2, 5, 14, 15, 29, 64})
    for (int64_t N : {1, 3, 8, 10, 16, 17, 31, 32, 33, 150})
      for (int64_t K : {1, 2, 7, 64}) shapes.push_back({1, M, N, K});
  for (int64_t n : {0, 1, 2, 5, 9})
    for (int64_t K : {0, 3, 40}) shapes.push_back({n, 7, 19, K});
  shapes.insert(shapes.end(), {{1, 0, 4, 3},
                               {1, 4, 0, 3},
                               {1, 64, 10, 512},
                               {1, 70, 140, 700},
                               {1, 300, 200, 333},
                               {1, 130, 4103, 5},
                               {1, 4103, 33, 5},
                               {3, 100, 100, 100},
                               {6, 40, 70, 40},
                               {1, 1, 1000, 321},
                               // wide tiles of few rows
                               {1, 3, 300, 70},
                               {1, 6, 203, 1100},
                               // dot products
                               {1, 12, 41, 300},
                               {1, 3, 9, 67},
                               {1, 90, 7, 1100},
                               // several depths, several blocks of rows
                               {1, 40, 140, 2100},
                               {1, 4300, 131, 5}});
  for (Shape s : shapes)
    for (int t = 0; t < 4; t++) {
      one(table, s, t & 1, t & 2, false, false);
      if (s.batch > 1)
        one(table, s, t & 1, t & 2, true, false), one(table, s, t & 1, t & 2, false, true);
    }

  Data A(DType::f32, 6), B(DType::f32, 12), C(DType::f32, 8), I(DType::i32, 6);
  auto refused = [&](std::vector<double> p, Data& a) {
    p.push_back(0);
    CHECK(!call(table, matmulKernel, {&a, &B}, {&C}, p).empty(), "bad arguments are not refused");
  };
  Data bias(DType::f32, 4), whole(DType::i32, 4);
  std::vector<double> good = {1, 2, 4, 3, 0, 0, 6, 12, 1};
  CHECK(call(table, matmulKernel, {&A, &B}, {&C}, good).empty(), "refused");
  CHECK(call(table, matmulKernel, {&A, &B, &bias}, {&C}, good).empty(), "refused");
  CHECK(!call(table, matmulKernel, {&A, &B, &whole}, {&C}, good).empty(), "a whole bias");
  CHECK(!call(table, matmulKernel, {&A, &B, &A}, {&C}, good).empty(), "a long bias");
  CHECK(!call(table, matmulKernel, {&A, &B, &bias, &bias}, {&C}, good).empty(), "two biases");
  good.back() = 2;
  CHECK(!call(table, matmulKernel, {&A, &B}, {&C}, good).empty(), "another epilogue");
  refused({1, 2, 4, 3, 0, 0, 6}, A);
  refused({1, 2, 4, 3, 0, 0, 6, 12}, I);
  refused({1, 2, 4, 4, 0, 0, 8, 12}, A);
  refused({2, 2, 2, 3, 0, 0, 6, 6}, A);
  refused({1, 2, 4, -3, 0, 0, 6, 12}, A);
  refused({1, 2, 4, 3, 2, 0, 6, 12}, A);
  refused({2, 1, 4, 3, 0, 0, 4503599627370496, 0}, A);
}

}  // namespace

int main() {
  everyIsa(all);
  return report();
}
