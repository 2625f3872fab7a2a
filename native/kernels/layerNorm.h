// layerNorm: rows to mean 0 and variance 1, then times weights plus a bias; and its gradient.
//
// params             rows, n, eps, centered (0 leaves the mean: RMS normalization), weighted, and
// for
//                    the gradient mask: bit i is set if output i is wanted; those outputs, in order
// layerNorm          x f32 (rows, n), if weighted w (n), if centered as well b (n)
//                    → y (rows, n) = (x − mean)·r·w + b, r = 1/√(mean (x − mean)² + eps)
// layerNormGradient  g, x (rows, n), if weighted w (n) → dx (rows, n), dw (n), db (n)
#pragma once

#include "moments.h"

namespace evengrad::ISA {
namespace {

// What a row is normalized by: ŷ = ((x − mean) − rest)·r, where rest is what rounding left of the
// mean.
struct RowMoments {
  vf mean, rest;
  double r, sum = 0, product = 0;

  VEC_INLINE RowMoments(const float* x, int64_t n, double eps, bool centered)
      : RowMoments(x, n, eps, centered, [](int64_t, int) VEC_BODY { return vf{}; }) {}

  // And sum = Σ of(offset, lanes), product = Σ of·(x − mean) over the row.
  template <class Of>
  VEC_INLINE RowMoments(const float* x, int64_t n, double eps, bool centered, Of of) {
    Channels row = {0, 1, 1, n, n, true};
    double sums[2][Channels::most], squares[2][Channels::most], middle = 0, variance;
    if (centered) {
      Moments m(row, x, sums, [=](int64_t at, int lanes, vf d, vf* to) VEC_BODY {
        vf own = of(at, lanes);
        to[0] += own;
        to[1] = fma(own, d, to[1]);
      });
      middle = m.mean[0];
      variance = m.variance[0];
      sum = sums[0][0];
      product = sums[1][0] - (middle - (double)m.shift[0][0]) * sum;
    } else {
      row.sum<2>(squares, [=](int, int64_t at, int lanes, vf* to) VEC_BODY {
        vf v = loadSome(x + at, lanes);
        to[0] = fma(v, v, to[0]);
        to[1] = fma(of(at, lanes), v, to[1]);
      });
      variance = squares[0][0] / (double)n;
      product = squares[1][0];
    }
    float rounded = (float)middle;
    mean = splat(rounded);
    rest = splat((float)(middle - (double)rounded));
    r = 1 / sqrtOf(variance + eps);
  }
  VEC_INLINE vf off(vf x) const { return (x - mean) - rest; }
};

struct LayerNorm {
  int64_t rows, n;
  double eps;
  bool centered, weighted;

  explicit LayerNorm(const Call& call)
      : rows(call.integer(0)),
        n(call.integer(1)),
        eps(call.params[2]),
        centered(call.params[3] != 0),
        weighted(call.params[4] != 0) {}

  // Rows of a task, and of them those whose parameters' gradients are added up in floats.
  int64_t grain() const {
    return 16384 / n < block ? larger(1, 16384 / n) : roundUp(16384 / n, block);
  }
  int64_t together() const { return smaller(grain(), block); }

 private:
  static constexpr int64_t block = 64;
};

inline void layerNormRun(const Call& call, const void*, Context& context) {
  LayerNorm own(call);
  const float* all = call.in[0].f32();
  const float* w = own.weighted ? call.in[1].f32() : nullptr;
  const float* b = w && own.centered ? call.in[2].f32() : nullptr;
  float* out = call.out[0].f32();
  if (own.n == 0) return;
  parallelRange(context, own.rows, own.grain(), [=](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; row++) {
      const float* x = all + row * own.n;
      float* y = out + row * own.n;
      RowMoments m(x, own.n, own.eps, own.centered);
      vf r = splat((float)m.r);
      Along{own.n}.visitTwice([=](int64_t i, int lanes) VEC_BODY {
        vf hat = m.off(loadSome(x + i, lanes)) * r;
        if (w) hat *= loadSome(w + i, lanes);
        if (b) hat += loadSome(b + i, lanes);
        storeSome(y + i, lanes, hat);
      });
    }
  });
}

// One row's dx = r·(g·w − mean(g·w) − ŷ·mean(g·w·ŷ)), and what it adds to dw = Σ g·ŷ and db = Σg.
template <bool parameters>
VEC_ONCE void layerNormGradientRow(const LayerNorm& own, const float* g, const float* x,
                                   const float* w, float* dx, float* dw, float* db) {
  double n = (double)own.n;
  RowMoments m(x, own.n, own.eps, own.centered, [=](int64_t at, int lanes) VEC_BODY {
    vf each = loadSome(g + at, lanes);
    return w ? each * loadSome(w + at, lanes) : each;
  });
  vf r = splat((float)m.r), mean = splat((float)(m.sum / n));
  vf slope = splat((float)(m.product / n * m.r));
  Along{own.n}.visitTwice([=](int64_t i, int lanes) VEC_BODY {
    vf each = loadSome(g + i, lanes), hat = m.off(loadSome(x + i, lanes)) * r;
    if (parameters) {
      storeSome(dw + i, lanes, fma(each, hat, loadSome(dw + i, lanes)));
      storeSome(db + i, lanes, each + loadSome(db + i, lanes));
      if (!dx) return;
    }
    if (w) each *= loadSome(w + i, lanes);
    storeSome(dx + i, lanes, ((each - mean) - hat * slope) * r);
  });
}

// The parameters' sums are in floats for some rows, then in doubles.
inline void layerNormGradientRun(const Call& call, const void*, Context& context) {
  LayerNorm own(call);
  int64_t n = own.n;
  if (n == 0) return;
  int64_t grain = own.grain(), block = own.together();
  const float *g = call.in[0].f32(), *x = call.in[1].f32();
  const float* w = own.weighted ? call.in[2].f32() : nullptr;
  Wanted<3> to(call, call.integer(5));
  float *dx = to.out[0], *sums = (float*)context.scratch;  // (blocks, 2, n): dw and db
  bool parameters = to.out[1] || to.out[2];
  parallelRange(context, own.rows, grain, [=](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; row++) {
      int64_t at = row * n;
      float *to = dx ? dx + at : nullptr, *dw = sums + row / block * 2 * n;
      if (parameters && row % block == 0) __builtin_memset(dw, 0, (size_t)n * 8);
      if (parameters)
        layerNormGradientRow<true>(own, g + at, x + at, w, to, dw, dw + n);
      else
        layerNormGradientRow<false>(own, g + at, x + at, w, to, nullptr, nullptr);
    }
  });
  for (int k = 0; k < 2; k++) {
    if (!to.out[k + 1]) continue;
    for (int64_t i = 0; i < n; i += W) {
      int lanes = (int)smaller(W, n - i);
      Wide sum = wide(0.0);
      for (int64_t b = 0; b * block < own.rows; b++)
        sum = sum + wide(loadSome(sums + (b * 2 + k) * n + i, lanes));
      storeSome(to.out[k + 1] + i, lanes, narrow(sum));
    }
  }
}

inline int64_t layerNormGradientScratch(const Call& call, int) {
  LayerNorm own(call);
  if (own.n == 0 || call.integer(5) == 1) return 0;
  return ceilDiv(own.rows, own.together()) * 2 * own.n * 4;
}

inline const char* layerNormCheckOf(const Call& call, bool gradient) {
  if (call.nParams != 5 + gradient) return wrongArguments;
  if (!sizes(call, 0, 2) || !sizes(call, 3, call.nParams)) return wrongParameters;
  int64_t rows = call.integer(0), n = call.integer(1), all = product(rows, n);
  int64_t centered = call.integer(3), weighted = call.integer(4);
  int64_t mask = gradient ? call.integer(5) : 1;
  if (all < 0 || centered > 1 || weighted > 1 || mask < 1 || mask > 7) return wrongParameters;
  int64_t whole = gradient ? 2 : 1, nIn = whole + weighted * (gradient ? 1 : 1 + centered);
  if (call.nIn != nIn || call.nOut != __builtin_popcount((unsigned)mask)) return wrongArguments;
  for (int i = 0; i < call.nIn + call.nOut; i++) {
    const Buffer& b = i < call.nIn ? call.in[i] : call.out[i - call.nIn];
    if (b.dtype != DType::f32) return wrongTypes;
    bool wide = i < whole || (i == call.nIn && (mask & 1));
    if (b.count != (wide ? all : n)) return wrongCounts;
  }
  return nullptr;
}
inline const char* layerNormCheck(const Call& call) { return layerNormCheckOf(call, false); }
inline const char* layerNormGradientCheck(const Call& call) { return layerNormCheckOf(call, true); }

constexpr Kernel kernel_layerNorm = {"layerNorm", layerNormCheck, nullptr,
                                     nullptr,     nullptr,        layerNormRun};
constexpr Kernel kernel_layerNormGradient = {
    "layerNormGradient", layerNormGradientCheck, layerNormGradientScratch, nullptr, nullptr,
    layerNormGradientRun};

}  // namespace
}  // namespace evengrad::ISA
