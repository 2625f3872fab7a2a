// `reduce` against plain loops in wider numbers: shapes with and without an inner axis, special
// values, threads.
#include "check.h"

using namespace test;

namespace {

struct Shape {
  int64_t outer, n, inner;
};

Real oracle(ReduceKind kind, const std::vector<Real>& x) {
  Real n = (Real)x.size(), sum = 0, squares = 0;
  size_t high = 0, low = 0;
  bool nan = false;
  for (size_t i = 0; i < x.size(); i++) {
    sum += x[i];
    squares += x[i] * x[i];
    if (std::isnan(x[i]) && !nan) nan = true, high = low = i;
    if (!nan && x[i] > x[high]) high = i;
    if (!nan && x[i] < x[low]) low = i;
  }
  switch (kind) {
    case reduce_sum: return sum;
    case reduce_max: return x.empty() ? -INFINITY : x[high];
    case reduce_min: return x.empty() ? INFINITY : x[low];
    case reduce_argmax: return (Real)high;
    case reduce_argmin: return (Real)low;
    case reduce_norm: return std::sqrt(squares);
    case reduce_variance: {
      Real mean = sum / n, deviations = 0;
      for (Real v : x) deviations += (v - mean) * (v - mean);
      return deviations / n;
    }
  }
  return 0;
}

bool isArg(int kind) { return kind == reduce_argmax || kind == reduce_argmin; }

void one(const KernelTable& table, int kind, Shape s, Data& in, double limit, double absolute) {
  DType type = isArg(kind) || in.dtype == DType::i32 ? DType::i32 : DType::f32;
  Data out(type, s.outer * s.inner), twice(type, s.outer * s.inner);
  std::vector<double> params = {(double)kind, (double)s.outer, (double)s.n, (double)s.inner};
  std::string error = call(table, reduceKernel, {&in}, {&out}, params);
  if (s.n == 0 && (isArg(kind) || (in.dtype == DType::i32 && kind != reduce_sum))) {
    CHECK(!error.empty(), "kind %d of an empty axis is not refused", kind);
    return;
  }
  CHECK(error.empty(), "kind %d: %s", kind, error.c_str());
  bool large = in.count > 8000;  // smaller ones are one task
  if (large) call(table, reduceKernel, {&in}, {&twice}, params, 2);
  CHECK(!large || out.same(twice), "%s kind %d (%d,%d,%d): threads differ", table.isa, kind,
        (int)s.outer, (int)s.n, (int)s.inner);
  for (int64_t o = 0; o < s.outer; o++)
    for (int64_t i = 0; i < s.inner; i++) {
      std::vector<Real> x;
      for (int64_t j = 0; j < s.n; j++) {
        int64_t at = (o * s.n + j) * s.inner + i;
        x.push_back(in.dtype == DType::f32 ? (Real)in.f()[at] : (Real)in.i()[at]);
      }
      Real want = oracle((ReduceKind)kind, x);
      int64_t at = o * s.inner + i;
      bool good;
      double got;
      if (type == DType::i32) {
        got = out.i()[at];
        good = out.i()[at] == (int32_t)(uint32_t)(int64_t)want;
      } else {
        got = out.f()[at];
        good =
            ulps(out.f()[at], (double)want) <= limit || std::fabs(got - (double)want) <= absolute;
      }
      CHECK(good, "%s kind %d (%d,%d,%d) at %d: got %.9g, want %.9Lg", table.isa, kind,
            (int)s.outer, (int)s.n, (int)s.inner, (int)at, got, want);
    }
}

std::vector<Shape> shapes() {
  std::vector<Shape> v;
  for (int64_t n : sizes()) {
    v.push_back({3, n, 1});
    v.push_back({2, n, 3});
    v.push_back({1, n, 10});
    v.push_back({2, 5, n});
    v.push_back({1, 67, n});
    v.push_back({n, 3, 2});
  }
  v.insert(v.end(), {{1, 100003, 1},
                     {2, 70001, 1},
                     {1, 50021, 3},
                     {1, 4099, 130},
                     {1, 64, 512},
                     {300, 7, 1},
                     {0, 5, 3}});
  return v;
}

void all(const KernelTable& table) {
  for (Shape s : shapes()) {
    int64_t count = s.outer * s.n * s.inner;
    Data normal(gaussian(count, 1, 1, 0.5f));
    std::vector<float> wild = gaussian(count, 2);
    for (size_t i = 0; i < wild.size(); i += 5) wild[i] = specials()[i / 5 % specials().size()];
    std::vector<float> few = gaussian(count, 3);
    for (float& x : few) x = std::round(x * 2);
    std::vector<int32_t> whole;
    std::mt19937 engine(4);
    for (int64_t i = 0; i < count; i++) whole.push_back((int32_t)engine() >> (i % 3 * 12));
    Data special(wild), ties(few), integers(whole);
    Data low(std::vector<float>((size_t)count, -INFINITY));
    for (int kind = reduce_sum; kind <= reduce_norm; kind++) {
      one(table, kind, s, normal, 1.01, kind == reduce_sum ? 1e-10 * (double)s.n : 0);
      one(table, kind, s, ties, 1.01, 1e-10 * (double)s.n);
      bool exact = kind != reduce_sum && kind != reduce_variance;
      if (exact) one(table, kind, s, special, 1.01, 0);
      if (exact) one(table, kind, s, low, 1.01, 0);
      if (kind <= reduce_argmin) one(table, kind, s, integers, 0, 0);
    }
  }
  for (float offset : {1e4f, 1e6f}) {
    Data far(gaussian(300007, 5, 1, offset));
    one(table, reduce_variance, {1, 300007, 1}, far, 1.01, 0);
    one(table, reduce_variance, {1, 100002, 3},
        *std::make_unique<Data>(gaussian(300006, 6, 1, offset)), 1.01, 0);
  }
  for (float scale : {1e20f, 1e-25f, 1e-40f, 3e38f}) {
    Data x(gaussian(1000, 7, scale / 10));
    one(table, reduce_norm, {1, 1000, 1}, x, 1.01, 0);
    one(table, reduce_norm, {4, 25, 10}, x, 1.01, 0);
  }

  Data in(DType::f32, 6), out(DType::f32, 2), labels(DType::i32, 2);
  auto refused = [&](std::vector<double> p, Data& o) {
    CHECK(!call(table, reduceKernel, {&in}, {&o}, p).empty(), "bad arguments are not refused");
  };
  refused({0, 2, 3, 2}, out);
  refused({0, 2, 3}, out);
  refused({0, 2, 3, -1}, out);
  refused({0, 2, 3, NAN}, out);
  refused({0, 2, 3.5, 1}, out);
  refused({99, 2, 3, 1}, out);
  refused({0, 2, 3, 1}, labels);
  refused({3, 2, 3, 1}, out);
  refused({0, 9007199254740992, 9007199254740992, 0}, out);
}

// Of buffers that are empty, tiny, huge, longer than a piece, and not finite.
void norms(const KernelTable& table) {
  std::vector<std::vector<float>> values = {{},
                                            gaussian(3, 1),
                                            gaussian(100003, 2, 1e30f),
                                            {3e38f, 3e38f},
                                            gaussian(32768, 3, 1e-40f),
                                            {1, NAN},
                                            {-INFINITY, 1},
                                            {-7}};
  // Squares that are summed in floats, and those that must not be: blocks whose squares underflow
  // or overflow, alone or beside others, and one bad element among many.
  for (float scale :
       {1e-38f, 1e-22f, 1e-20f, 1e-16f, 1e-15f, 1e-12f, 1.0f, 1e17f, 1e18f, 1e19f, 1e38f})
    values.push_back(gaussian(5000, 4, scale));
  values.push_back(std::vector<float>(4096, 0.1f));
  values.push_back(std::vector<float>(4096, 0.0f));
  for (float odd : {1e-18f, 1e-3f, 1e25f, NAN, INFINITY}) {
    values.push_back(gaussian(4096, 5, 1e-22f));
    values.back()[1234] = odd;
    values.push_back(gaussian(4096, 6));
    values.back()[4095] = odd;
  }
  std::vector<Data> data(values.begin(), values.end());
  std::vector<Data*> in;
  for (Data& d : data) in.push_back(&d);
  Data out(DType::f32, (int64_t)in.size()), twice(DType::f32, (int64_t)in.size());
  CHECK(call(table, normsKernel, in, {&out}, {}).empty(), "norms");
  CHECK(call(table, normsKernel, in, {&twice}, {}, 2).empty() && out.same(twice),
        "%s norms: threads differ", table.isa);
  for (size_t i = 0; i < values.size(); i++) {
    Real squares = 0;
    for (float v : values[i]) squares += (Real)v * v;
    float want = (float)std::sqrt(squares), got = out.f()[i];
    CHECK(std::isnan(want) ? std::isnan(got) : got == want || std::fabs(got / want - 1) < 1.3e-7,
          "%s norm %d: %g, want %g", table.isa, (int)i, got, want);
  }
  Data integers(DType::i32, 2), two(DType::f32, 2);
  CHECK(!call(table, normsKernel, in, {&two}, {}).empty(), "too few norms");
  CHECK(!call(table, normsKernel, {&integers}, {&data[7]}, {}).empty(), "norms of integers");
  CHECK(!call(table, normsKernel, {&two}, {&data[7]}, {1}).empty(), "norms with a parameter");
  CHECK(!call(table, normsKernel, {}, {&data[0]}, {}).empty(), "norms of nothing");
}

}  // namespace

int main() {
  everyIsa(all);
  everyIsa(norms);
  return report();
}
