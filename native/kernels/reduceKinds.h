// The kinds of `reduce`: what each accumulates in vector lanes, how partial results merge, and how
// one is finished.
#pragma once

#include "lines.h"

namespace evengrad::ISA {
namespace {

// What is known of some elements of one output: a sum or extreme, a second number, and an index or
// count.
struct Partial {
  double a, b;
  int64_t i;
};

constexpr double inf = __builtin_inf();

VEC_INLINE bool isNaN(double x) { return x != x; }

// Accumulators step over vectors x whose lanes are elements `index` of the reduced axis. merge
// joins two of the same lanes; lane extracts one, all joins every lane. Lanes past the end are
// never extracted.

struct SumFloat {
  using V = vf;
  vd low, high;

  VEC_INLINE void begin(vi) { low = high = vd{}; }
  VEC_INLINE void step(vf x, vi) {
    low += lower(x);
    high += upper(x);
  }
  VEC_INLINE void merge(const SumFloat& o) {
    low += o.low;
    high += o.high;
  }
  VEC_INLINE Partial lane(int k) const { return {k < WD ? low[k] : high[k - WD], 0, 0}; }
  template <class Merge>
  VEC_INLINE Partial all(Merge) const {
    return {sumLanes(low + high), 0, 0};
  }
};

struct SumSquares : SumFloat {
  VEC_INLINE void step(vf x, vi) {
    vd l = lower(x), h = upper(x);
    low = fma(l, l, low);
    high = fma(h, h, high);
  }
  VEC_INLINE void merge(const SumSquares& o) { SumFloat::merge(o); }
};

struct SumInt {
  using V = vi;
  vu sum;

  VEC_INLINE void begin(vi) { sum = vu{}; }
  VEC_INLINE void step(vi x, vi) { sum += (vu)x; }
  VEC_INLINE void merge(const SumInt& o) { sum += o.sum; }
  VEC_INLINE Partial lane(int k) const { return {0, 0, sum[k]}; }
  template <class Merge>
  VEC_INLINE Partial all(Merge) const {
    return {0, 0, foldLanes(sum, [](vu a, vu b) VEC_BODY { return a + b; })[0]};
  }
};

// Minima are maxima of −x, and of ~x for integers.
template <bool negate>
VEC_INLINE vf flip(vf x) {
  return negate ? (vf)((vi)x ^ splat(INT32_MIN)) : x;
}
template <bool negate>
VEC_INLINE vi flip(vi x) {
  return negate ? ~x : x;
}
VEC_INLINE vi isNaN(vi x) { return x ^ x; }

template <class Vector>
struct Lowest;
template <>
struct Lowest<vf> {
  static constexpr float value = -__builtin_inff();
};
template <>
struct Lowest<vi> {
  static constexpr int32_t value = INT32_MIN;
};

// The largest value, NaN above all.
template <class Vector, bool negate>
struct Extreme {
  using V = Vector;
  V best;

  VEC_INLINE void begin(vi) { best = splat(Lowest<V>::value); }
  VEC_INLINE void step(V x, vi) { take(flip<negate>(x)); }
  VEC_INLINE void take(V x) { best = larger(x, best); }
  static VEC_INLINE V larger(V x, V y) { return ((x > y) | isNaN(x)) ? x : y; }
  VEC_INLINE void merge(const Extreme& o) { take(o.best); }
  VEC_INLINE Partial lane(int k) const { return {(double)best[k], 0, 0}; }
  template <class Merge>
  VEC_INLINE Partial all(Merge) const {
    return {(double)foldLanes(best, [](V a, V b) VEC_BODY { return larger(a, b); })[0], 0, 0};
  }
};

// And the first index where it is.
template <class Vector, bool negate>
struct ArgExtreme {
  using V = Vector;
  V best;
  vi at;

  VEC_INLINE void begin(vi index) {
    best = splat(Lowest<V>::value);
    at = index;
  }
  VEC_INLINE void step(V x, vi index) {
    x = flip<negate>(x);
    vi better = (x > best) | (isNaN(x) & ~isNaN(best));
    best = better ? x : best;
    at = better ? index : at;
  }
  VEC_INLINE void merge(const ArgExtreme& o) {
    vi tie = (o.best == best) | (isNaN(o.best) & isNaN(best));
    vi better = (o.best > best) | (isNaN(o.best) & ~isNaN(best)) | (tie & (o.at < at));
    best = better ? o.best : best;
    at = better ? o.at : at;
  }
  VEC_INLINE Partial lane(int k) const { return {(double)best[k], 0, at[k]}; }
  template <class Merge>
  VEC_INLINE Partial all(Merge merge) const {
    Partial p = lane(0);
    for (int k = 1; k < W; k++) merge(p, lane(k));
    return p;
  }
};

// Σ(x − mean)², the mean of each lane known.
struct Deviations {
  using V = vf;
  vd low, high, meanLow, meanHigh;

  VEC_INLINE void begin(vi) { low = high = vd{}; }
  VEC_INLINE void know(vd l, vd h, vi) {
    meanLow = l;
    meanHigh = h;
  }
  VEC_INLINE void step(vf x, vi) {
    vd l = lower(x) - meanLow, h = upper(x) - meanHigh;
    low = fma(l, l, low);
    high = fma(h, h, high);
  }
  VEC_INLINE void merge(const Deviations& o) {
    low += o.low;
    high += o.high;
  }
  VEC_INLINE Partial lane(int k) const { return {0, k < WD ? low[k] : high[k - WD], 0}; }
  template <class Merge>
  VEC_INLINE Partial all(Merge) const {
    return {0, sumLanes(low + high), 0};
  }
};

// A kind: First is what one pass accumulates. Where a second pass is needed, `between` makes of the
// first's partial what the second is told, and `after` joins both.
struct OnePass {
  using Second = void;
};

template <class Accumulator>
struct Total : OnePass {
  using First = Accumulator;
  static VEC_INLINE void merge(Partial& p, const Partial& q) {
    p.a += q.a;
    p.i = (int64_t)((uint64_t)p.i + (uint64_t)q.i);
  }
  static VEC_INLINE float finish(const Partial& p, float) { return (float)p.a; }
  static VEC_INLINE int32_t finish(const Partial& p, int32_t) { return (int32_t)(uint32_t)p.i; }
  static constexpr float ofNothing = 0;
};

struct Norm : Total<SumSquares> {
  static VEC_INLINE float finish(const Partial& p, float) { return (float)sqrtOf(p.a); }
};

template <class V, bool negate>
struct Largest : OnePass {
  using First = Extreme<V, negate>;
  static VEC_INLINE void merge(Partial& p, const Partial& q) {
    if (q.a > p.a || isNaN(q.a)) p.a = q.a;
  }
  static VEC_INLINE float finish(const Partial& p, float) { return (float)(negate ? -p.a : p.a); }
  static VEC_INLINE int32_t finish(const Partial& p, int32_t) {
    return negate ? ~(int32_t)p.a : (int32_t)p.a;
  }
  static constexpr float ofNothing = negate ? __builtin_inff() : -__builtin_inff();
};

template <class V, bool negate>
struct ArgLargest : OnePass {
  using First = ArgExtreme<V, negate>;
  static VEC_INLINE void merge(Partial& p, const Partial& q) {
    bool tie = q.a == p.a || (isNaN(q.a) && isNaN(p.a));
    if (q.a > p.a || (isNaN(q.a) && !isNaN(p.a)) || (tie && q.i < p.i)) p = q;
  }
  static VEC_INLINE int32_t finish(const Partial& p, int32_t) { return (int32_t)p.i; }
  static constexpr float ofNothing = 0;  // refused by check
};

// {mean, Σ(x − mean)², count}; merged by Chan, Golub and LeVeque (1979).
struct Variance {
  using First = SumFloat;
  using Second = Deviations;
  static VEC_INLINE void mergeFirst(Partial& p, const Partial& q) { p.a += q.a; }
  static VEC_INLINE Partial between(Partial p, int64_t n) { return {p.a / (double)n, 0, 0}; }
  static VEC_INLINE Partial after(const Partial& known, const Partial& p, int64_t n) {
    return {known.a, p.b, n};
  }
  static VEC_INLINE void merge(Partial& p, const Partial& q) {
    double n = (double)p.i, m = (double)q.i, d = q.a - p.a;
    p.b += q.b + d * d * (n * m / (n + m));
    p.a += d * (m / (n + m));
    p.i += q.i;
  }
  static VEC_INLINE float finish(const Partial& p, float) { return (float)(p.b / (double)p.i); }
  static constexpr float ofNothing = __builtin_nanf("");
};

}  // namespace
}  // namespace evengrad::ISA
