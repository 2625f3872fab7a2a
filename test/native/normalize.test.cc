// The kernels of normalization against plain loops in wider numbers: moments, channelSums,
// layerNorm and its gradient, every choice of their outputs, and what their checks refuse.
#include "check.h"

using namespace test;

namespace {

void near(const KernelTable& table, const char* what, Data& got, const std::vector<Real>& want,
          Real absolute) {
  CHECK(got.count == (int64_t)want.size(), "%s %s: size", table.isa, what);
  for (size_t i = 0; i < want.size(); i++)
    CHECK(std::fabs(got.f()[i] - want[i]) <= absolute + 1e-6 * std::fabs(want[i]),
          "%s %s at %d: got %.9g, want %.9Lg", table.isa, what, (int)i, got.f()[i], want[i]);
}

// Calls with every set of outputs, on one thread and on two; `whole` receives all of them.
void everyMask(const KernelTable& table, int kernel, std::vector<Data*> in,
               std::vector<double> params, const std::vector<Data*>& whole) {
  params.push_back(0);
  for (int mask = (1 << whole.size()) - 1; mask > 0; mask--) {
    params.back() = mask;
    std::vector<std::unique_ptr<Data>> own;
    std::vector<Data*> out;
    bool all = mask == (1 << whole.size()) - 1;
    for (size_t i = 0; i < whole.size(); i++) {
      if (!(mask >> i & 1)) continue;
      own.push_back(std::make_unique<Data>(DType::f32, whole[i]->count));
      out.push_back(all ? whole[i] : own.back().get());
    }
    std::string error = call(table, kernel, in, out, params, all ? 1 : 2);
    CHECK(error.empty(), "kernel %d, mask %d: %s", kernel, mask, error.c_str());
    for (size_t i = 0, at = 0; i < whole.size() && !all; i++)
      if (mask >> i & 1)
        CHECK(out[at++]->same(*whole[i]), "%s kernel %d: mask %d differs", table.isa, kernel, mask);
  }
}

void channels(const KernelTable& table, int64_t outer, int64_t n, int64_t inner, float offset) {
  int64_t count = outer * n * inner;
  Data x(gaussian(count, 1, 1, offset)), g(gaussian(count, 2)), y(gaussian(count, 3));
  std::vector<double> p = {(double)outer, (double)n, (double)inner};
  Data mean(DType::f32, n), rest(DType::f32, n), variance(DType::f32, n), sum(DType::f32, n),
      product(DType::f32, n);
  everyMask(table, momentsKernel, {&x}, p, {&mean, &rest, &variance});
  everyMask(table, channelSumsKernel, {&g, &y}, p, {&sum, &product});
  std::vector<Real> means, variances, sums, products;
  for (int64_t c = 0; c < n; c++) {
    Real all = 0, squares = 0, s = 0, q = 0, each = (Real)(outer * inner);
    auto at = [&](int64_t k) { return (k / inner * n + c) * inner + k % inner; };
    for (int64_t k = 0; k < outer * inner; k++) {
      all += x.f()[at(k)];
      s += g.f()[at(k)];
      q += (Real)g.f()[at(k)] * y.f()[at(k)];
    }
    for (int64_t k = 0; k < outer * inner; k++) {
      Real d = x.f()[at(k)] - all / each;
      squares += d * d;
    }
    means.push_back(all / each);
    variances.push_back(squares / each);
    sums.push_back(s);
    products.push_back(q);
    Real both = (Real)mean.f()[c] + rest.f()[c];
    CHECK(std::fabs(both - all / each) <= 2e-6, "%s moments: mean and rest", table.isa);
  }
  near(table, "mean", mean, means, 5e-7);  // of the spread
  near(table, "variance", variance, variances, 1e-6);
  near(table, "sum", sum, sums, 1e-6 * std::sqrt(outer * inner) + 1e-6);
  near(table, "product", product, products, 1e-6 * std::sqrt(outer * inner) + 1e-6);
}

void layers(const KernelTable& table, int64_t rows, int64_t n, bool centered, bool weighted,
            float offset) {
  Data x(gaussian(rows * n, 1, 1, offset)), g(gaussian(rows * n, 2)), w(gaussian(n, 3)),
      b(gaussian(n, 4)), y(DType::f32, rows * n), twice(DType::f32, rows * n);
  Data dx(DType::f32, rows * n), dw(DType::f32, n), db(DType::f32, n);
  std::vector<double> p = {(double)rows, (double)n, 1e-5, (double)centered, (double)weighted};
  std::vector<Data*> in = {&x}, gradientIn = {&g, &x};
  if (weighted) in.push_back(&w), gradientIn.push_back(&w);
  if (weighted && centered) in.push_back(&b);
  std::string error = call(table, layerNormKernel, in, {&y}, p);
  CHECK(error.empty(), "layerNorm: %s", error.c_str());
  call(table, layerNormKernel, in, {&twice}, p, 2);
  CHECK(y.same(twice), "%s layerNorm: threads differ", table.isa);
  everyMask(table, layerNormGradientKernel, gradientIn, p, {&dx, &dw, &db});
  std::vector<Real> wantY, wantDx, wantDw((size_t)n, 0), wantDb((size_t)n, 0);
  for (int64_t row = 0; row < rows; row++) {
    const float *v = x.f() + row * n, *gs = g.f() + row * n;
    Real mean = 0, squares = 0, level = 0, slope = 0;
    for (int64_t i = 0; i < n; i++) mean += v[i];
    mean = centered ? mean / n : 0;
    for (int64_t i = 0; i < n; i++) squares += (v[i] - mean) * (v[i] - mean);
    Real r = 1 / std::sqrt(squares / n + 1e-5L);
    auto weight = [&](int64_t i) { return weighted ? (Real)w.f()[i] : 1; };
    for (int64_t i = 0; i < n; i++) {
      Real hat = (v[i] - mean) * r;
      wantY.push_back(hat * weight(i) + (weighted && centered ? b.f()[i] : 0));
      level += gs[i] * weight(i) / n;
      slope += gs[i] * weight(i) * hat / n;
      wantDw[i] += gs[i] * hat;
      wantDb[i] += gs[i];
    }
    if (!centered) level = 0;
    for (int64_t i = 0; i < n; i++)
      wantDx.push_back(r * (gs[i] * weight(i) - level - (v[i] - mean) * r * slope));
  }
  near(table, "layerNorm", y, wantY, 4e-6);
  if (n > 1) near(table, "dx", dx, wantDx, 1e-5);  // of one element it is 0 times 1/√eps
  near(table, "dw", dw, wantDw, 1e-6 * std::sqrt(rows) + 2e-6);
  near(table, "db", db, wantDb, 1e-6 * std::sqrt(rows) + 1e-6);
}

void refusals(const KernelTable& table) {
  Data x(DType::f32, 12), y(DType::f32, 12), n4(DType::f32, 4), n3(DType::f32, 3);
  Data whole(DType::i32, 12);
  auto refused = [&](int kernel, std::vector<Data*> in, std::vector<Data*> out,
                     std::vector<double> p) {
    std::string error = call(table, kernel, in, out, p);
    CHECK(error.rfind("refused", 0) == 0, "kernel %d is not refused: %s", kernel, error.c_str());
  };
  refused(momentsKernel, {&x}, {&n4}, {3, 4, 1});
  refused(momentsKernel, {&x}, {&n4}, {3, 4, 1, 0});
  refused(momentsKernel, {&x}, {&n4}, {3, 4, 1, 8});
  refused(momentsKernel, {&x}, {&n4}, {3, 4, 1, 3});
  refused(momentsKernel, {&x}, {&n4}, {3, 4, 1, 1.5});
  refused(momentsKernel, {&x}, {&n3}, {3, 4, 1, 1});
  refused(momentsKernel, {&x}, {&n4}, {3, 5, 1, 1});
  refused(momentsKernel, {&whole}, {&n4}, {3, 4, 1, 1});
  refused(momentsKernel, {&x}, {&n4}, {9007199254740992, 4, 9007199254740992, 1});
  refused(channelSumsKernel, {&x}, {&n4}, {3, 4, 1, 1});
  refused(channelSumsKernel, {&x, &y}, {&n4}, {3, 4, 1, 4});
  refused(channelSumsKernel, {&x, &n4}, {&n4}, {3, 4, 1, 1});
  refused(layerNormKernel, {&x}, {&y}, {3, 4, 1e-5, 1});
  refused(layerNormKernel, {&x}, {&y}, {3, 4, 1e-5, 1, 1});
  refused(layerNormKernel, {&x}, {&y}, {3, 4, 1e-5, 2, 0});
  refused(layerNormKernel, {&x, &n4, &n3}, {&y}, {3, 4, 1e-5, 1, 1});
  refused(layerNormKernel, {&x, &n4, &n4}, {&y}, {3, 4, 1e-5, 0, 1});
  refused(layerNormKernel, {&x}, {&n4}, {3, 4, 1e-5, 1, 0});
  refused(layerNormKernel, {&x}, {&whole}, {3, 4, 1e-5, 1, 0});
  refused(layerNormGradientKernel, {&x, &y}, {&y}, {3, 4, 1e-5, 1, 0});
  refused(layerNormGradientKernel, {&x, &y}, {&n4}, {3, 4, 1e-5, 1, 0, 1});
  refused(layerNormGradientKernel, {&x, &y}, {&y}, {3, 4, 1e-5, 1, 0, 2});
  refused(layerNormGradientKernel, {&x, &y}, {&y}, {3, 4, 1e-5, 1, 0, 8});
  refused(layerNormGradientKernel, {&x, &n4}, {&y}, {3, 4, 1e-5, 1, 0, 1});
}

void all(const KernelTable& table) {
  for (int64_t n : sizes()) {
    if (n == 0) continue;
    for (float offset : {0.0f, 1e4f}) {
      channels(table, n, 3, 1, offset);
      channels(table, 5, n, 1, offset);
      channels(table, 2, 3, n, offset);
    }
    for (bool centered : {false, true})
      for (bool weighted : {false, true}) {
        layers(table, 3, n, centered, weighted, 0);
        layers(table, n, 10, centered, weighted, 0);
      }
  }
  channels(table, 400, 200, 1, 1);
  channels(table, 30, 5, 700, 1);
  layers(table, 9, 513, true, true, 1e4f);
  layers(table, 300, 768, true, true, 1);
  Data none(DType::f32, 0), out(DType::f32, 4);
  CHECK(call(table, layerNormKernel, {&none}, {&none}, {3, 0, 1e-5, 1, 0}).empty(), "no columns");
  CHECK(call(table, momentsKernel, {&none}, {&out}, {0, 4, 1, 1}).empty(), "no elements");
  CHECK(std::isnan(out.f()[3]), "the mean of nothing is not a number");
  refusals(table);
}

}  // namespace

int main() {
  everyIsa(all);
  return report();
}
