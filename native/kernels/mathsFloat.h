// Transcendental functions in float lanes, for ISAs with a fused multiply-add. What rounding loses
// is taken back by the residue of the quotient, so each stays below 1 ULP; arguments where that
// would not hold go to the functions of double lanes, which are the only ones elsewhere.
#pragma once

#include "maths.h"

namespace evengrad::ISA {
namespace {

constexpr float floatMagic = 0x1.8p23f;  // adding it rounds |x| < 2²² to an integer in the low bits

// eˣ = 2ᵏ(1 + r·q), r = x − k·ln 2, |r| ≤ ½ ln 2
struct FloatExponential {
  vf k, r, q;

  // From −120 on, below which eˣ rounds to 0; not for x > 100.
  VEC_INLINE explicit FloatExponential(vf x) {
    constexpr float ln2High = 0x1.62e4p-1f, ln2Low = 0x1.7f7d1cp-20f;
    x = maxOf(splat(-120.0f), x);
    k = fma(x, splat((float)log2e), splat(floatMagic)) - splat(floatMagic);
    r = fma(k, splat(-ln2Low), fma(k, splat(-ln2High), x));
    // by minimax of e^r: 4e-9
    q = fma(splat(1.3863652711734176e-3f), r, splat(8.367625065147877e-3f));
    q = fma(q, r, splat(4.166724160313606e-2f));
    q = fma(q, r, splat(1.6666533052921295e-1f));
    q = fma(q, r, splat(0.5f));
    q = fma(q, r, splat(1.0f));
  }

  VEC_INLINE vf exp() const { return scaleBy(fma(q, r, splat(1.0f)), k); }
  VEC_INLINE vf expm1() const {
    vf scale = scaleBy(splat(1.0f), k);
    return fma(scale, q * r, scale - splat(1.0f));
  }
};

#if VEC_FMA

VEC_INLINE vf exp(vf x) { return FloatExponential(minOf(splat(100.0f), x)).exp(); }

// e^−2a = 2ᵏ·(1 + g − r)/(1 + g + r), r = a + k·½ ln 2, g = r·coth r − 1. k stays at −23, so that
// 1 ± 2ᵏ is exact: beyond, all that is wanted of 2ᵏ·… is its size, which g gives up to r = 1.1.
struct ExponentialQuotient {
  vf scale, r, g;

  // t is floatMagic + k.
  VEC_INLINE ExponentialQuotient(vf a, vf t) {
    constexpr float ln2High = 0x1.62e4p-2f, ln2Low = 0x1.7f7d1cp-21f;  // of ½ ln 2
    t = maxOf(t, splat(floatMagic - 23));
    vf k = t - splat(floatMagic);
    r = fma(k, splat(ln2Low), fma(k, splat(ln2High), a));
    // by minimax in z = r², |r| ≤ .265: 8e-11
    vf z = r * r;
    g = fma(fma(z, splat(0x1.11297ap-9f), splat(-0x1.6c1074p-6f)), z, splat(0x1.555554p-2f)) * z;
    scale = (vf)(((vi)t << 23) + (vi)splat(1.0f));
  }
};

// (1 − E)/(1 + E) with E = e^−2|x|, as a quotient n/d of up·(1 + g) ± um·r and the like. With q
// near n/d the residue n − q·d is (um − q·up)(1 + g) + (up − q·um)·r.
VEC_INLINE vf tanh(vf x) {
  // k is 0 up to |x| = .26: just beyond ¼ ln 2, k = −1 would leave an r whose rounding shows.
  vf y = minOf(splat(9.02f), abs(x));
  ExponentialQuotient e(y, fma(y, splat(-2 * (float)log2e), splat(0.25f)) + splat(floatMagic));
  vf up = splat(1.0f) + e.scale, um = splat(1.0f) - e.scale;
  vf n = um + fma(e.r, up, e.g * um), d = up + fma(e.g, up, e.r * um);
  vf over = reciprocalEstimate(d), q = n * over;
  vf a = fma(-q, up, um), b = fma(-q, um, up);
  q = fma(fma(e.g, a, fma(e.r, b, a)), over, q);
  return (vf)((vi)q | ((vi)x & splat(INT32_MIN)));
}

constexpr float sigmoidFrom = -16.25f;

// 1/(1 + E) with E = e^−x for x ≥ −16.25; 1 + g + r over (1 + scale) + b.
VEC_INLINE vf sigmoidAbove(vf x) {
  x = minOf(splat(18.0f), x);
  ExponentialQuotient e(x * splat(0.5f), fma(x, splat(-(float)log2e), splat(floatMagic)));
  vf one = splat(1.0f), w = e.g + e.r, a = one + e.scale, b = fma(e.scale, e.g - e.r, w);
  vf over = reciprocalEstimate(a + b), minus = (splat(-1.0f) - w) * over;
  vf residue = fma(minus, b, fma(minus, a, one) + w);
  return fma(residue, over, -minus);
}

VEC_INLINE bool isAbove(vf x, float least) { return !any(~(x >= splat(least))); }

VEC_INLINE vf sigmoid(vf x) {
  if (__builtin_expect(isAbove(x, sigmoidFrom), 1)) return sigmoidAbove(x);
  return inDouble<sigmoid>(x);
}

VEC_INLINE vf silu(vf x) {
  if (__builtin_expect(isAbove(x, sigmoidFrom), 1)) return x * sigmoidAbove(x);
  return inDouble<silu>(x);
}

// ln x = k·ln 2 + ln(1 + f), x = 2ᵏ(1 + f), 1 + f in [√½, √2).
VEC_INLINE vf log(vf x) {
  constexpr float ln2High = 0x1.62e4p-1f, ln2Low = 0x1.7f7d1cp-20f;  // k·ln2High is exact
  constexpr uint32_t sqrtHalf = 0x3f3504f3, one = 0x3f800000, least = 0x00800000;
  // Anything but a normal positive number.
  if (__builtin_expect(any((vi)((vu)x - least >= 0x7f800000 - least)), 0)) return inDouble<log>(x);
  vu j = (vu)x + (one - sqrtHalf);
  vf k = convert((vi)(j >> 23) - 127);
  vf f = (vf)((j & 0x007fffff) + sqrtHalf) - splat(1.0f);
  static constexpr float c[] = {// (ln(1 + f) − f)/f²: 4.5e-9 of the logarithm
                                -0x1.fffff8p-2f, 0x1.555552p-2f,  -0x1.000406p-2f,
                                0x1.99a4f8p-3f,  -0x1.54315ap-3f, 0x1.2250a0p-3f,
                                -0x1.0eb220p-3f, 0x1.092530p-3f,  -0x1.3d483cp-4f};
  vf q = splat(c[8]);
  VEC_UNROLL
  for (int i = 7; i >= 0; i--) q = fma(q, f, splat(c[i]));
  vf whole = k * splat(ln2High), sum = whole + f, low = f - (sum - whole);
  return sum + fma(f * f, q, fma(k, splat(ln2Low), low));
}

#else

VEC_INLINE vf exp(vf x) { return inDouble<exp>(x); }
VEC_INLINE vf tanh(vf x) { return inDouble<tanh>(x); }
VEC_INLINE vf sigmoid(vf x) { return inDouble<sigmoid>(x); }
VEC_INLINE vf silu(vf x) { return inDouble<silu>(x); }
VEC_INLINE vf log(vf x) { return inDouble<log>(x); }

#endif

}  // namespace
}  // namespace evengrad::ISA
