// The kernels along lines against plain loops in wider numbers: softmax, logSoftmax, logSumExp,
// cross-entropy and their gradients, and what their checks refuse.
#include "check.h"

using namespace test;

namespace {

using Line = std::vector<Real>;

struct Shape {
  int64_t outer, n, inner;
};

std::vector<double> params(Shape s) { return {(double)s.outer, (double)s.n, (double)s.inner}; }

// rule(lines of the inputs, number of the line) → a line, or one number for each.
template <class Rule>
void one(const KernelTable& table, int kernel, Shape s, std::vector<Data*> in, int whole,
         std::vector<double> p, bool reduced, double limit, Rule rule) {
  int64_t lines = s.outer * s.inner, n = s.n;
  Data out(DType::f32, reduced ? lines : lines * n), twice(DType::f32, out.count);
  std::string error = call(table, kernel, in, {&out}, p);
  CHECK(error.empty(), "kernel %d: %s", kernel, error.c_str());
  call(table, kernel, in, {&twice}, p, 2);
  CHECK(out.same(twice), "%s kernel %d: threads differ", table.isa, kernel);
  for (int64_t line = 0; line < lines; line++) {
    auto at = [&](int64_t i) { return (line / s.inner * n + i) * s.inner + line % s.inner; };
    std::vector<Line> from;
    for (int k = 0; k < whole; k++) {
      from.emplace_back();
      for (int64_t i = 0; i < n; i++) from[k].push_back(in[k]->f()[at(i)]);
    }
    Line want = rule(from, line);
    Real scale = kernel == softmaxKernel || kernel == crossEntropyKernel ? 0 : 1;
    for (Real w : want) scale *= std::max<Real>(1, std::fabs(w));  // where terms cancel
    for (int64_t i = 0; i < (int64_t)want.size(); i++) {
      float got = out.f()[reduced ? line : at(i)];
      CHECK(ulps(got, (double)want[i]) <= limit || std::fabs(got - want[i]) <= 1e-6 * scale,
            "%s kernel %d (%d,%d,%d) line %d, %d: got %.9g, want %.9Lg", table.isa, kernel,
            (int)s.outer, (int)n, (int)s.inner, (int)line, (int)i, got, want[i]);
    }
  }
}

Line softmaxOf(const Line& x) {
  Real top = -INFINITY, sum = 0;
  Line p;
  for (Real v : x) top = std::max(top, v);
  for (Real v : x) p.push_back(std::exp(v - top)), sum += p.back();
  for (Real& v : p) v /= sum;
  return p;
}

Real dot(const Line& a, const Line& b) {
  Real sum = 0;
  for (size_t i = 0; i < a.size(); i++) sum += a[i] * b[i];
  return sum;
}

// w·((1 − smoothing)·onehot + smoothing/n); empty where ignored
Line target(int32_t label, Data* weights, double smoothing, int64_t n) {
  Line t;
  if (label == -7) return t;
  for (int64_t i = 0; i < n; i++)
    t.push_back((weights ? weights->f()[i] : 1) *
                (smoothing / (double)n + (i == label ? 1 - (Real)smoothing : 0)));
  return t;
}

void lines(const KernelTable& table, Shape s) {
  int64_t count = s.outer * s.n * s.inner, narrow = s.outer * s.inner, n = s.n;
  Data x(gaussian(count, 1, 3)), g(gaussian(count, 2)), logs(gaussian(count, 5, 3));
  for (int64_t i = 0; i < count; i++) logs.f()[i] = -std::fabs(logs.f()[i]);
  one(table, softmaxKernel, s, {&x}, 1, params(s), false, 24,
      [](auto& in, int64_t) { return softmaxOf(in[0]); });
  one(table, logSoftmaxKernel, s, {&x}, 1, params(s), false, 2, [](auto& in, int64_t) {
    Line y = softmaxOf(in[0]);
    for (Real& v : y) v = std::log(v);
    return y;
  });
  if (n > 0)
    one(table, logSumExpKernel, s, {&x}, 1, params(s), true, 1, [](auto& in, int64_t) {
      Real sum = 0;
      for (Real v : in[0]) sum += std::exp(v);
      return Line{std::log(sum)};
    });
  one(table, softmaxGradientKernel, s, {&g, &x}, 2, params(s), false, 4, [](auto& in, int64_t) {
    Line r;
    Real mean = dot(in[0], in[1]);
    for (size_t i = 0; i < in[0].size(); i++) r.push_back(in[1][i] * (in[0][i] - mean));
    return r;
  });
  one(table, logSoftmaxGradientKernel, s, {&g, &logs}, 2, params(s), false, 4,
      [](auto& in, int64_t) {
        Line r;
        Real sum = dot(in[0], Line(in[0].size(), 1));
        for (size_t i = 0; i < in[0].size(); i++) r.push_back(in[0][i] - std::exp(in[1][i]) * sum);
        return r;
      });
  if (n == 0) return;
  std::vector<int32_t> some;
  for (int64_t i = 0; i < narrow; i++) some.push_back(i % 5 == 4 ? -7 : (int32_t)(i * 31 % n));
  Data labels(some), weights(gaussian(n, 3, 0.1f, 1)), each(gaussian(narrow, 4));
  for (double smoothing : {0.0, 0.25})
    for (bool weighted : {false, true}) {
      Data* w = weighted ? &weights : nullptr;
      std::vector<double> p = params(s);
      p.insert(p.end(), {-7, smoothing, (double)weighted});
      std::vector<Data*> in = {&x, &labels};
      if (weighted) in.push_back(w);
      one(table, crossEntropyKernel, s, in, 1, p, true, 8, [&](auto& from, int64_t line) {
        Line t = target(some[line], w, smoothing, n), y = softmaxOf(from[0]);
        Real sum = 0;
        for (size_t i = 0; i < t.size(); i++) sum -= t[i] * std::log(y[i]);
        return Line{sum};
      });
      for (bool varied : {false, true}) {
        p.resize(6);
        p.push_back(varied ? 0 : 0.125);
        if (varied) in.push_back(&each);
        one(table, crossEntropyGradientKernel, s, in, 1, p, false, 4,
            [&](auto& from, int64_t line) {
              Line t = target(some[line], w, smoothing, n), y = softmaxOf(from[0]);
              if (t.empty()) return Line((size_t)n, 0);
              Real all = dot(t, Line((size_t)n, 1)), scale = varied ? each.f()[line] : 0.125;
              for (size_t i = 0; i < y.size(); i++) y[i] = scale * (y[i] * all - t[i]);
              return y;
            });
      }
    }
}

void refusals(const KernelTable& table) {
  Data x(DType::f32, 12), y(DType::f32, 12), narrow(DType::f32, 3), labels(DType::i32, 3);
  Data whole(DType::i32, 12), weights(DType::f32, 4);
  auto refused = [&](int kernel, std::vector<Data*> in, Data& out, std::vector<double> p) {
    std::string error = call(table, kernel, in, {&out}, p);
    CHECK(error.rfind("refused", 0) == 0, "kernel %d is not refused: %s", kernel, error.c_str());
  };
  for (int kernel : {softmaxKernel, logSoftmaxKernel}) {
    refused(kernel, {&x}, y, {3, 4});
    refused(kernel, {&x}, y, {3, 4, 2});
    refused(kernel, {&x}, y, {3, 4.5, 1});
    refused(kernel, {&x}, y, {-3, -4, 1});
    refused(kernel, {&x}, y, {NAN, 4, 1});
    refused(kernel, {&x}, y, {9007199254740992, 9007199254740992, 0});
    refused(kernel, {&x}, narrow, {3, 4, 1});
    refused(kernel, {&whole}, y, {3, 4, 1});
    refused(kernel, {&x}, whole, {3, 4, 1});
    refused(kernel, {&x, &y}, y, {3, 4, 1});
  }
  refused(logSumExpKernel, {&x}, y, {3, 4, 1});
  refused(softmaxGradientKernel, {&x}, y, {3, 4, 1});
  refused(softmaxGradientKernel, {&x, &narrow}, y, {3, 4, 1});
  refused(crossEntropyKernel, {&x, &labels}, narrow, {3, 4, 1, -1, 0});
  refused(crossEntropyKernel, {&x, &labels}, narrow, {3, 4, 1, -1, 0, 1});
  refused(crossEntropyKernel, {&x, &labels}, narrow, {3, 4, 1, -1, 0, 2});
  refused(crossEntropyKernel, {&x, &labels}, narrow, {3, 4, 1, -1, 1.5, 0});
  refused(crossEntropyKernel, {&x, &labels}, narrow, {3, 4, 1, -1, NAN, 0});
  refused(crossEntropyKernel, {&x, &labels}, narrow, {3, 4, 1, 3e9, 0, 0});
  refused(crossEntropyKernel, {&x, &labels}, y, {3, 4, 1, -1, 0, 0});
  refused(crossEntropyKernel, {&x, &narrow}, narrow, {3, 4, 1, -1, 0, 0});
  refused(crossEntropyKernel, {&x, &labels, &narrow}, narrow, {3, 4, 1, -1, 0, 0});
  refused(crossEntropyKernel, {&x, &labels, &narrow}, narrow, {3, 4, 1, -1, 0, 1});
  refused(crossEntropyGradientKernel, {&x, &labels, &weights}, y, {3, 4, 1, -1, 0, 0, 1});
  refused(crossEntropyGradientKernel, {&x, &labels, &narrow}, narrow, {3, 4, 1, -1, 0, 0, 1});
  Data empty(DType::f32, 0);
  refused(crossEntropyKernel, {&empty, &labels}, narrow, {3, 0, 1, -1, 0, 0});
  labels.i()[0] = labels.i()[1] = 3;
  labels.i()[2] = 4;
  std::string error =
      call(table, crossEntropyKernel, {&x, &labels}, {&narrow}, {3, 4, 1, -1, 0, 0});
  CHECK(error.find("label 4 at position 2") == 0, "got: %s", error.c_str());
}

void all(const KernelTable& table) {
  for (int64_t n : sizes()) {
    lines(table, {3, n, 1});
    lines(table, {2, n, 3});
    lines(table, {1, 3, n});
    lines(table, {n, 10, 1});
  }
  lines(table, {70, 1000, 1});
  lines(table, {2, 300, 70});
  refusals(table);
}

}  // namespace

int main() {
  everyIsa(all);
  return report();
}
