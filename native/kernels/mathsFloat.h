// Transcendental functions in float lanes, for ISAs with a fused multiply-add. What rounding loses
// is taken back by the residue of the quotient, so each stays below 1 ULP; arguments where that
// would not hold go to the functions of double lanes, which are the only ones elsewhere.
#pragma once

#include "maths.h"

namespace evengrad::ISA {
namespace {

constexpr float floatMagic = 0x1.8p23f;  // adding it rounds |x| < 2²² to an integer in the low bits

template <int N>
VEC_INLINE vf polynomial(vf x, const float (&c)[N]) {
  vf r = splat(c[N - 1]);
  VEC_UNROLL
  for (int i = N - 2; i >= 0; i--) r = fma(r, x, splat(c[i]));
  return r;
}

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
  VEC_INLINE vf expOfNegative() const { return onePlusScaled(q * r, k); }  // for x ≤ 0
  VEC_INLINE vf expm1() const {
    vf scale = scaleBy(splat(1.0f), k);
    return fma(scale, q * r, scale - splat(1.0f));
  }
};

#if VEC_FMA

VEC_INLINE vf exp(vf x) { return FloatExponential(minOf(splat(100.0f), x)).exp(); }

// x·2ᵏ for t = floatMagic + k and an x that neither is 0 nor becomes it.
VEC_INLINE vf shifted(vf x, vf t) { return (vf)(((vu)t << 23) + (vu)x); }

// eˣ = 2ᵏ(1 + r + w) for x = high + low, low far below high, |r| ≤ ½ ln 2: r is exact and |w| <
// .07, so that what is made of them is rounded but where it is small.
struct ExponentialParts {
  vf t, r, w;  // t is floatMagic + k

  VEC_INLINE ExponentialParts(vf t, vf high, vf low) : t(t) {
    constexpr float ln2High = 0x1.62e4p-1f, ln2Low = 0x1.7f7d1cp-20f;  // k·ln2High is exact
    vf k = t - splat(floatMagic);
    r = fma(k, splat(-ln2High), high);
    vf rest = fma(k, splat(-ln2Low), low), all = r + rest;
    // (eʳ − 1 − r)/r², |r| ≤ .347: 9.8e-11 of eʳ
    vf square = all * all, q = fma(splat(0x1.9dfc08p-13f), all, splat(0x1.6d4ccap-10f));
    q = fma(q, square, fma(splat(0x1.11130ep-7f), all, splat(0x1.5554e8p-5f)));
    q = fma(q, square, fma(splat(0x1.555554p-3f), all, splat(0.5f)));
    w = fma(square, q, rest);
  }
  VEC_INLINE ExponentialParts(vf high, vf low)
      : ExponentialParts(fma(high, splat((float)log2e), splat(floatMagic)), high, low) {}
  VEC_INLINE explicit ExponentialParts(vf x) : ExponentialParts(x, vf{}) {}

  VEC_INLINE vf scaled(vf x) const { return shifted(x, t); }
  VEC_INLINE vf scale() const { return scaled(splat(1.0f)); }
};

// y ≥ 0 or of x's sign, and y = −0 where x < 0 or −0.
VEC_INLINE vf withSign(vf y, vf x) { return (vf)((vi)y | ((vi)x & splat(INT32_MIN))); }

// A `Float…` below has an `apply` that is right where `risk` is `most` or less; elsewhere double
// lanes are wanted. Risks are whole numbers, the bits of floats in some order, of which one
// comparison finds the largest for many vectors.
constexpr uint32_t signBit = 0x80000000, infinityBits = 0x7f800000, leastNormalBits = 0x00800000;

// (2ᵏ − 1) + 2ᵏr + 2ᵏw, what the first sum loses added again.
struct FloatExpm1 {
  static constexpr uint32_t most = 0x41840000 + signBit;  // 16.5: beyond, 2ᵏ − 1 is not exact
  static VEC_INLINE vu risk(vf x) { return (vu)x + signBit; }
  static VEC_INLINE vf apply(vf x) {
    ExponentialParts e(maxOf(splat(-20.0f), x));
    vf s = e.scale(), whole = s - splat(1.0f), part = s * e.r, sum = whole + part;
    vf low = part - (sum - whole);
    return withSign(sum + fma(s, e.w, low), x);
  }
};

// (1 − E)/(1 + E) with E = e^−2|x| = 2ᵏ·(1 + g − r)/(1 + g + r), r = |x| + k·½ ln 2 and
// g = r·coth r − 1, as the quotient of n = um·(1 + g) + up·r and up·(1 + g) + um·r. Near it, the
// residue is (um − q·up)(1 + g) + (up − q·um)·r. k stays at −23, so that 1 ± 2ᵏ is exact: beyond,
// all that is wanted of E is its size, which g gives up to r = 1.23. That is |x| = 9.2, where the
// quotient is 9.3e-9 above what rounds to 1; the error of an estimate, squared, is below 3.8e-9.
VEC_INLINE vf tanh(vf x) {
  constexpr float ln2High = 0x1.62e4p-2f, ln2Low = 0x1.7f7d1cp-21f;  // of ½ ln 2
  // k is 0 up to |x| = .26: just beyond ¼ ln 2, k = −1 would leave an r whose rounding shows.
  vf y = minOf(splat(9.2f), abs(x)), t = fma(y, splat(-2 * (float)log2e), splat(0.25f));
  t = maxOf(t + splat(floatMagic), splat(floatMagic - 23));
  vf k = t - splat(floatMagic), r = fma(k, splat(ln2Low), fma(k, splat(ln2High), y));
  // by minimax in z = r², |r| ≤ .265: 8e-11
  vf z = r * r;
  vf g = fma(fma(z, splat(0x1.11297ap-9f), splat(-0x1.6c1074p-6f)), z, splat(0x1.555554p-2f)) * z;
  vf s = shifted(splat(1.0f), t), up = splat(1.0f) + s, um = splat(1.0f) - s;
  vf n = fma(r, up, fma(g, um, um)), over = reciprocalEstimate(fma(r, um, fma(g, up, up)));
  vf q = n * over, a = fma(-q, up, um), b = fma(-q, um, up);
  return withSign(fma(fma(g, a, fma(r, b, a)), over, q), x);
}

// 1/(1 + E) with E = e^−x = 2ᵏ + b + c for |x| ≤ 16.25, where 1 + 2ᵏ is exact.
struct FloatSigmoid {
  static constexpr uint32_t most = 0x41820000;  // 16.25
  static VEC_INLINE vu risk(vf x) { return (vu)abs(x); }
  static VEC_INLINE vf apply(vf x) {
    ExponentialParts e(-x);
    vf s = e.scale(), a = splat(1.0f) + s, b = s * e.r, c = s * e.w;
    vf over = reciprocalEstimate(a + (b + c));
    return fma(fma(-over, c, fma(-over, b, fma(-over, a, splat(1.0f)))), over, over);
  }
};

struct FloatSilu : FloatSigmoid {
  static VEC_INLINE vf apply(vf x) { return x * FloatSigmoid::apply(x); }
};

// max(x, 0) + log1p(E), E = e^−|x|
VEC_INLINE vf softplus(vf x) {
  vf e = FloatExponential((vf)((vi)x | splat(INT32_MIN))).expOfNegative();
  static constexpr float c[] = {// (ln(1 + E) − E)/E², 0 ≤ E ≤ 1: 5.3e-9 of the logarithm
                                -0x1.ffffd2p-2f, 0x1.554dd0p-2f,  -0x1.ff23e8p-3f,
                                0x1.934b6ep-3f,  -0x1.3a43e0p-3f, 0x1.b4b094p-4f,
                                -0x1.d6b75ep-5f, 0x1.49211cp-6f,  -0x1.af5e20p-9f};
  return maxOf(vf{}, x) + fma(e * e, polynomial(e, c), e);
}

// By the estimate y: y + y·(½d + ⅜d²), d = 1 − x·y². Where d is NaN, the estimate is 0, ∞ or NaN.
VEC_INLINE vf rsqrt(vf x) {
  vf y = rsqrtEstimate(x), h = x * y, low = fma(x, y, -h);
  vf d = fma(-low, y, fma(-h, y, splat(1.0f)));
  vf r = fma(fma(d, splat(0.375f), splat(0.5f)), d * y, y);
  return d == d ? r : y;
}

// Where 1 + f lies, x = 2ᵏ(1 + f): from ¾ on, so that f is exact also of 1 + x.
constexpr uint32_t fromBits = 0x3f400000, oneBits = 0x3f800000;

// k·ln 2 + ln(1 + f), −¼ ≤ f < ½.
VEC_INLINE vf logOf(vf k, vf f) {
  constexpr float ln2High = 0x1.62e4p-1f, ln2Low = 0x1.7f7d1cp-20f;  // k·ln2High is exact
  static constexpr float c[] = {// (ln(1 + f) − f)/f²: 4.9e-9 of the logarithm
                                -0.5f,           0x1.5555a4p-2f,  -0x1.00004ap-2f,
                                0x1.99699ep-3f,  -0x1.54ed96p-3f, 0x1.28807ap-3f,
                                -0x1.0d98f0p-3f, 0x1.acf4a8p-4f,  -0x1.71e32cp-5f};
  vf whole = k * splat(ln2High), sum = whole + f, low = f - (sum - whole);
  return sum + fma(f * f, polynomial(f, c), fma(k, splat(ln2Low), low));
}

struct FloatLog {
  static constexpr uint32_t most = infinityBits - leastNormalBits - 1;
  static VEC_INLINE vu risk(vf x) { return (vu)x - leastNormalBits; }
  static VEC_INLINE vf apply(vf x) {
    vi k = (vi)((vu)x - fromBits) >> 23;
    return logOf(convert(k), (vf)((vu)x - ((vu)k << 23)) - splat(1.0f));
  }
};

// 1 + x = 2ᵏ(1 + f), f = 2⁻ᵏ·x + (2⁻ᵏ − 1).
struct FloatLog1p {
  static constexpr uint32_t most = 0x71800000 - leastNormalBits;  // 1 + x = 2¹⁰⁰
  static VEC_INLINE vu risk(vf x) { return (vu)(splat(1.0f) + x) - leastNormalBits; }
  static VEC_INLINE vf apply(vf x) {
    vi k = (vi)((vu)(splat(1.0f) + x) - fromBits) >> 23;
    vf s = (vf)((vu)splat(1.0f) - ((vu)k << 23));
    return withSign(logOf(convert(k), fma(s, x, s - splat(1.0f))), x);
  }
};

#else

VEC_INLINE vf exp(vf x) { return inDouble<exp>(x); }
VEC_INLINE vf tanh(vf x) { return inDouble<tanh>(x); }
VEC_INLINE vf softplus(vf x) { return inDouble<softplus>(x); }
VEC_INLINE vf rsqrt(vf x) { return inDouble<rsqrt>(x); }

#endif

VEC_INLINE vf logSigmoid(vf x) { return -softplus(-x); }

}  // namespace
}  // namespace evengrad::ISA
