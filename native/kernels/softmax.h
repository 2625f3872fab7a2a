// softmax, logSoftmax and logSumExp along lines, and gradients of the first two.
//
// params      outer, n, inner
// softmax     x f32 (outer, n, inner) → eˣ/Σeˣ
// logSoftmax  x → x − ln Σeˣ
// logSumExp   x → ln Σeˣ (outer, inner)
// softmaxGradient, logSoftmaxGradient
//             g and the op's output y, both (outer, n, inner) → dx
#pragma once

#include "lines.h"

namespace evengrad::ISA {
namespace {

// terms.take(x, offset, lanes) of as many vectors as x has, for four at a time, whose operations
// take turns.
constexpr int together = 4;
template <class Terms>
VEC_ONCE VEC_MIXED static void takeFours(const float* x, int64_t vectors, Terms* terms) {
  Terms own = *terms;
  for (int64_t i = 0; i < vectors * W; i += together * W) {
    vf v[together];
    VEC_UNROLL
    for (int u = 0; u < together; u++) v[u] = load(x + i + u * W);
    own.take(v, i, W);
  }
  *terms = own;
}

// The same for a whole line; lanes that are not wanted are −Inf.
template <class Line, class Terms>
VEC_INLINE void takeAll(Line line, const float* x, Terms* terms) {
  const int64_t fours = line.run() / together * together;
  if (fours > 0) takeFours(x, fours, terms);
  line.visit(
      [&](int64_t i, int lanes, vi) VEC_BODY {
        const vf v[1] = {loadSome(x + i, lanes, -__builtin_inff())};
        terms->take(v, i, lanes);
      },
      fours);
}

// e^(x − max), kept at y, and their sum.
struct KeptTerms {
  vf top;
  float* y;
  PositiveSum total;

  template <int n>
  VEC_INLINE void take(const vf (&x)[n], int64_t at, int lanes) {
    vf e[n];
    VEC_UNROLL
    for (int i = 0; i < n; i++) e[i] = floatExp(x[i] - top);
    VEC_UNROLL
    for (int i = 0; i < n; i++) storeSome(y + at + i * W, lanes, e[i]);
    total.add(e);
  }
};

template <class Line>
VEC_INLINE void softmaxLine(Line line, const float* x, float* y) {
  KeptTerms terms{line.largest(x), y, {}};
  takeAll(line, x, &terms);
  Factor share(wide(1.0) / line.sum(terms.total));
  line.visit([&](int64_t i, int lanes, vi)
                 VEC_BODY { storeSome(y + i, lanes, share.times(loadSome(y + i, lanes))); });
}

// Σ e^(x − max) over what is not the largest, and how many are.
struct OtherTerms {
  vf top, over;
  vi ties;
  PositiveSum rest;

  template <int n>
  VEC_INLINE void take(const vf (&x)[n], int64_t, int lanes) {
    vf e[n];
    VEC_UNROLL
    for (int i = 0; i < n; i++) {
      vi tie = x[i] == top;
      if (lanes < W) tie &= laneIndices() < splat(lanes);
      ties -= tie;
      e[i] = (tie ? splat(-__builtin_inff()) : x[i]) - over;
    }
    VEC_UNROLL
    for (int i = 0; i < n; i++) e[i] = floatExp(e[i]);
    rest.add(e);
  }
};

// max, and Σ e^(x − max) over all elements but one of the largest: the logarithm of the whole sum
// is log1p of this, which keeps its digits where the others are tiny.
struct Shifted {
  vf top;
  Wide rest;

  VEC_INLINE Wide logOfSum() const { return each<log1p>(rest); }
};

template <class Line>
VEC_INLINE Shifted shiftedSum(Line line, const float* x) {
  vf top = line.largest(x);
  vf over = maxOf(top, splat(-__FLT_MAX__));  // where all are −Inf, each is a tie
  OtherTerms terms{top, over, {}, {}};
  takeAll(line, x, &terms);
  return {top, line.sum(terms.rest) + (line.sum(wide(convert(terms.ties))) - wide(1.0))};
}

// x − max − ln Σ e^(x − max); −Inf − −Inf is NaN.
template <class Line>
VEC_INLINE void logSoftmaxLine(Line line, const float* x, float* y) {
  Shifted s = shiftedSum(line, x);
  vf log = narrow(s.logOfSum());
  line.visit([&](int64_t i, int lanes, vi)
                 VEC_BODY { storeSome(y + i, lanes, loadSome(x + i, lanes) - s.top - log); });
}

// max + ln Σ e^(x − max), and an infinite max itself
template <class Line>
VEC_INLINE vf logSumExpLine(Line line, const float* x) {
  Shifted s = shiftedSum(line, x);
  vf log = narrow(s.logOfSum()), r = narrow(wide(s.top) + s.logOfSum());
  const vi infinite = (log == log) & (abs(s.top) == splat(__builtin_inff()));
  return infinite ? s.top : r;
}

// y·(g − Σ g·y)
template <class Line>
VEC_INLINE void softmaxGradientLine(Line line, const float* g, const float* y, float* dx) {
  Wide dot = wide(0.0);
  line.visit([&](int64_t i, int lanes, vi) VEC_BODY {
    dot = mulAdd(wide(loadSome(g + i, lanes)), wide(loadSome(y + i, lanes)), dot);
  });
  vf mean = narrow(line.sum(dot));
  line.visit([&](int64_t i, int lanes, vi) VEC_BODY {
    storeSome(dx + i, lanes, loadSome(y + i, lanes) * (loadSome(g + i, lanes) - mean));
  });
}

// g − p·Σg with p = e^y, as p·(g − Σg) + g·(1 − p): a p near 1 keeps the digits of its distance
// from 1.
template <class Line>
VEC_INLINE void logSoftmaxGradientLine(Line line, const float* g, const float* y, float* dx) {
  Wide all = wide(0.0);
  line.visit([&](int64_t i, int lanes, vi) VEC_BODY { all = all + wide(loadSome(g + i, lanes)); });
  vf total = narrow(line.sum(all));
  line.visit([&](int64_t i, int lanes, vi) VEC_BODY {
    vf own = loadSome(g + i, lanes);
    FloatExponential p(loadSome(y + i, lanes));
    storeSome(dx + i, lanes, fma(p.exp(), own - total, -own * p.expm1()));
  });
}

inline const char* linesCheck(const Call& call, int nIn, bool reduced) {
  if (call.nIn != nIn || call.nOut != 1 || call.nParams != 3) return wrongArguments;
  if (!sizes(call, 0, 3)) return wrongParameters;
  int64_t outer = call.integer(0), n = call.integer(1), inner = call.integer(2);
  int64_t all = product(outer, n, inner), lines = product(outer, inner);
  if (all < 0 || lines < 0 || n > INT32_MAX) return wrongParameters;
  for (int i = 0; i < nIn; i++) {
    if (call.in[i].dtype != DType::f32) return wrongTypes;
    if (call.in[i].count != all) return wrongCounts;
  }
  if (call.out[0].dtype != DType::f32) return wrongTypes;
  return call.out[0].count == (reduced ? lines : all) ? nullptr : wrongCounts;
}
inline const char* softmaxCheck(const Call& call) { return linesCheck(call, 1, false); }
inline const char* softmaxGradientCheck(const Call& call) { return linesCheck(call, 2, false); }
inline const char* logSumExpCheck(const Call& call) { return linesCheck(call, 1, true); }

inline void softmaxRun(const Call& call, const void*, Context& context) {
  everyLine<1>(context, call, true, [](auto line, const float* const* in, float* out, int64_t) {
    softmaxLine(line, in[0], out);
  });
}

inline void logSoftmaxRun(const Call& call, const void*, Context& context) {
  everyLine<1>(context, call, true, [](auto line, const float* const* in, float* out, int64_t) {
    logSoftmaxLine(line, in[0], out);
  });
}

inline void logSumExpRun(const Call& call, const void*, Context& context) {
  if (call.integer(1) == 0)
    for (int64_t i = 0; i < call.out[0].count; i++) call.out[0].f32()[i] = -__builtin_inff();
  everyLine<1>(context, call, false, [](auto line, const float* const* in, float* out, int64_t) {
    line.storePerLine(out, logSumExpLine(line, in[0]));
  });
}

inline void softmaxGradientRun(const Call& call, const void*, Context& context) {
  everyLine<2>(context, call, true, [](auto line, const float* const* in, float* out, int64_t) {
    softmaxGradientLine(line, in[0], in[1], out);
  });
}

inline void logSoftmaxGradientRun(const Call& call, const void*, Context& context) {
  everyLine<2>(context, call, true, [](auto line, const float* const* in, float* out, int64_t) {
    logSoftmaxGradientLine(line, in[0], in[1], out);
  });
}

constexpr Kernel kernel_softmax = {"softmax", softmaxCheck, nullptr, nullptr, nullptr, softmaxRun};
constexpr Kernel kernel_logSoftmax = {"logSoftmax", softmaxCheck, nullptr,
                                      nullptr,      nullptr,      logSoftmaxRun};
constexpr Kernel kernel_logSumExp = {"logSumExp", logSumExpCheck, nullptr,
                                     nullptr,     nullptr,        logSumExpRun};
constexpr Kernel kernel_softmaxGradient = {
    "softmaxGradient", softmaxGradientCheck, nullptr, nullptr, nullptr, softmaxGradientRun};
constexpr Kernel kernel_logSoftmaxGradient = {
    "logSoftmaxGradient", softmaxGradientCheck, nullptr, nullptr, nullptr, logSoftmaxGradientRun};

}  // namespace
}  // namespace evengrad::ISA
