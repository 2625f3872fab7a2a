// geluTanh and mish in float lanes, for ISAs with a fused multiply-add: x·y with a y in (0, 1] that
// is rounded once, so that the product is within 2 ULP. They hold for all floats. Where x < 0, y is
// made 2⁶⁴ times too large, as it may be below the range of normal floats.
#pragma once

#include "mathsFloat.h"

namespace evengrad::ISA {
namespace {

#if VEC_FMA

// 64 in the exponent's place where x < 0 or −0.
VEC_INLINE vi belowZero(vf x) { return ((vi)x >> 31) & splat(64 << 23); }

// x·sigmoid(v), v = x·(c₀ + c₁x²) in two parts. With e^−v = 2ᵏ + b, sigmoid is 1/(1 + 2ᵏ + b), near
// which the residue is 1 − q(1 + 2ᵏ) − q·b; b has what 1 + 2ᵏ loses.
VEC_INLINE vf geluTanh(vf x) {
  constexpr double c0 = 1.5957691216057308, c1 = c0 * 0.044715;  // c₀ = 2√(2/π)
  constexpr float c0High = 0x1.9884p0f, c1High = (float)c1;  // c₀ + c₁x² − c0High is exact
  constexpr float c0Low = (float)(c0 - c0High), c1Low = (float)(c1 - c1High);
  x = maxOf(splat(-10.9f), x);   // where it rounds to −0
  vf a = minOf(splat(8.0f), x);  // where sigmoid rounds to 1
  vf z = a * a, zLow = fma(a, a, -z), p = fma(z, splat(c1High), splat(c0High));
  vf pLow = fma(z, splat(c1High), splat(c0High) - p) +
            fma(zLow, splat(c1High), fma(z, splat(c1Low), splat(c0Low)));
  vf v = a * p, vLow = fma(a, pLow, fma(a, p, -v));
  ExponentialParts e(-v, -vLow);
  vf one = (vf)((vi)splat(1.0f) - belowZero(x)), s = e.scaled(one);
  vf sum = one + s, b = fma(s, e.r + e.w, one - (sum - s));
  vf q = reciprocalEstimate(sum + b);
  vf y = fma(fma(-q, b, fma(-q, sum, splat(1.0f))), q, q);
  return x * y * one;
}

// x·e·(e + 2)/(e·(e + 2) + 2), e = e^x: with t = e + 2 and d = e·t + 2 in two parts each, the
// residue of q = t/d is t − q·d.
VEC_INLINE vf mish(vf x) {
  x = maxOf(splat(-110.0f), x);               // where it rounds to −0
  ExponentialParts p(minOf(splat(9.1f), x));  // where y rounds to 1
  vf one = splat(1.0f), two = splat(2.0f), down = (vf)((vi)one - belowZero(x));
  vf s = p.scaled((vf)((vi)one + belowZero(x))), m = p.r + p.w;
  vf high = fma(s, m, s), low = fma(s, m, s - high), e = high * down;
  vf t = e + two, tLow = e - (t - two);
  vf d = fma(e, t, two), dLow = fma(e, tLow, fma(e, t, two - d));
  vf over = reciprocalEstimate(d), q = t * over;
  vf rest = fma(-q, dLow, fma(-q, d, t) + tLow) * over;
  vf y = fma(high, q, fma(high, rest, low * q));
  return x * y * down;
}

#else

VEC_INLINE vf geluTanh(vf x) { return inDouble<geluTanh>(x); }
VEC_INLINE vf mish(vf x) { return inDouble<mish>(x); }

#endif

}  // namespace
}  // namespace evengrad::ISA
