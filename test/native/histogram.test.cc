// The kernel that counts: histogram.
#include "check.h"

using namespace test;

namespace {

void counted(const KernelTable& table, int64_t n, int bins, float low, float high) {
  Data x(gaussian(n, 1)), from(std::vector<float>{low}), to(std::vector<float>{high}),
      out(DType::i32, bins);
  std::vector<int32_t> want((size_t)bins, 0);
  for (int64_t i = 0; i < n; i++) {
    double v = x.f()[i];
    if (v < low || v > high) continue;
    want[(size_t)std::min(bins - 1.0, std::floor((v - low) * (bins / ((double)high - low))))]++;
  }
  for (int threads : {1, 2, 3}) {
    std::string error =
        call(table, histogramKernel, {&x, &from, &to}, {&out}, {(double)bins}, threads);
    CHECK(error.empty(), "histogram: %s", error.c_str());
    CHECK(std::equal(want.begin(), want.end(), out.i()), "%s histogram of %d into %d, %d threads",
          table.isa, (int)n, bins, threads);
  }
}

void refused(std::vector<Data*> in, Data& out, std::vector<double> params) {
  everyIsa([&](const KernelTable& table) {
    std::string error = call(table, histogramKernel, in, {&out}, params);
    CHECK(error.rfind("refused", 0) == 0, "%s histogram accepted a wrong call", table.isa);
  });
}

void refusals() {
  Data x(DType::f32, 9), one(DType::f32, 1), two(DType::f32, 2), whole(DType::i32, 1);
  Data out(DType::i32, 4), floats(DType::f32, 4);
  refused({&x, &one}, out, {4});
  refused({&x, &one, &two}, out, {4});
  refused({&x, &two, &one}, out, {4});
  refused({&x, &one, &whole}, out, {4});
  refused({&whole, &one, &one}, out, {4});
  refused({&x, &one, &one}, floats, {4});
  refused({&x, &one, &one}, out, {5});
  refused({&x, &one, &one}, out, {0});
  refused({&x, &one, &one}, out, {4.5});
  refused({&x, &one, &one}, out, {1e300});
  refused({&x, &one, &one}, out, {4, 4});
}

}  // namespace

int main() {
  everyIsa([](const KernelTable& table) {
    for (int64_t n : {0, 1, 17, 4099, 100003})
      for (int bins : {1, 2, 30, 1001}) {
        counted(table, n, bins, -1, 2);
        counted(table, n, bins, -100, 100);
      }
  });
  refusals();
  return report();
}
