// Transcendental functions of double lanes, to a relative error below 2e-9: rounded to float they
// are within 0.52 ULP. Polynomials are minimax in relative error (Remez); each states its interval
// and its largest error.
#pragma once

namespace evengrad::ISA {
namespace {

// `fused` false gives the same bits on every ISA, and in any language with IEEE doubles.
template <bool fused>
VEC_INLINE vd mulAdd(vd a, vd b, vd c) {
  return fused ? fma(a, b, c) : a * b + c;
}

template <bool fused = true, int N>
VEC_INLINE vd polynomial(vd x, const double (&c)[N]) {
  vd r = splat(c[N - 1]);
  VEC_UNROLL
  for (int i = N - 2; i >= 0; i--) r = mulAdd<fused>(r, x, splat(c[i]));
  return r;
}

// Adding this rounds |x| < 2⁵¹ to an integer, which is left in the low bits.
constexpr double roundingMagic = 0x1.8p52;
constexpr double log2e = 1.4426950408889634;
constexpr double ln2 = 0.6931471805599453;

// eˣ = scale + scale·m with scale = 2ᵏ and m = eʳ − 1, |r| ≤ ½ ln 2; x must lie in [−708, 709].
struct Exponential {
  vd scale, m;
};

VEC_INLINE Exponential exponential(vd x) {
  static constexpr double c[] = {
      // expm1(r)/r, |r| ≤ .347: 2.3e-10
      1.00000000003153266,    0.50000000469968318,    0.166666662463171914,   0.0416663529096944763,
      0.00833340326558255849, 0.00139411334656559398, 0.000198412448733495716};
  vd t = fma(x, splat(log2e), splat(roundingMagic));
  vd r = fma(t - splat(roundingMagic), splat(-ln2), x);
  vd scale = (vd)(((vul)t << 52) + (vul)splat(1.0));
  return {scale, r * polynomial(r, c)};
}

VEC_INLINE vd clampBelow(vd x, double low) { return x < splat(low) ? splat(low) : x; }
VEC_INLINE vd clampAbove(vd x, double high) { return x > splat(high) ? splat(high) : x; }

// eˣ; below e⁻⁷⁰⁸ and above e⁷⁰⁹, far outside the range of a float, it stays there.
VEC_INLINE vd exp(vd x) {
  Exponential e = exponential(clampAbove(clampBelow(x, -708), 709));
  return fma(e.scale, e.m, e.scale);
}

VEC_INLINE vd expm1(vd x) {
  Exponential e = exponential(clampAbove(clampBelow(x, -708), 709));
  vd r = fma(e.scale, e.m, e.scale - splat(1.0));
  return x == splat(0.0) ? x : r;
}

// ln x for normal positive x: x = 2ᵏ(1 + f), 1 + f in [√½, √2).
template <bool fused = true>
VEC_INLINE vd logPositive(vd x) {
  static constexpr double c[] = {
      // log1p(f)/f: 1.6e-11
      0.999999999985896611, -0.500000000294751442, 0.333333343374993994, -0.249999940719948663,
      0.199998807897002388, -0.166669434554414675, 0.142909988983551364, -0.124974973467584963,
      0.110049234072743251, -0.099225467666868331, 0.100338525179743403, -0.099028272137254594,
      0.0536402241413442223};
  constexpr uint64_t sqrtHalf = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;
  vul j = (vul)x + (one - sqrtHalf);
  vd k = (vd)((j >> 52) | (vul)splat(0x1p52)) - splat(0x1p52 + 1023);
  vd f = (vd)((j & 0x000fffffffffffff) + sqrtHalf) - splat(1.0);
  return mulAdd<fused>(k, splat(ln2), f * polynomial<fused>(f, c));
}

VEC_INLINE vd log(vd x) {
  vd inf = splat(__builtin_inf());
  vd special = x == splat(0.0) ? -inf : x < splat(0.0) ? splat(__builtin_nan("")) : x;
  vl ordinary = (x > splat(0.0)) & (x < inf);
  return ordinary ? logPositive(x) : special;
}

// Good to 1e-10 for any double x, as 1 + x is exact enough where |x| ≥ 2⁻²⁰.
VEC_INLINE vd log1p(vd x) {
  vd small = x * fma(x, fma(x, splat(1.0 / 3), splat(-0.5)), splat(1.0));
  return abs(x) < splat(0x1p-20) ? small : log(splat(1.0) + x);
}

// log1p of t in [0, 1].
VEC_INLINE vd log1pUnit(vd t) {
  vd small = t * fma(t, fma(t, splat(1.0 / 3), splat(-0.5)), splat(1.0));
  return t < splat(0x1p-20) ? small : logPositive(splat(1.0) + t);
}

VEC_INLINE vd rsqrt(vd x) { return splat(1.0) / sqrt(x); }

VEC_INLINE vd tanh(vd x) {
  Exponential e = exponential(clampBelow(abs(x) * splat(-2.0), -708));
  vd t = fma(e.scale, e.m, e.scale - splat(1.0));  // expm1(−2|x|)
  vd r = -t / (t + splat(2.0));
  return (vd)((vl)abs(r) | ((vl)x & splat(INT64_MIN)));
}

VEC_INLINE vd sigmoid(vd x) { return splat(1.0) / (splat(1.0) + exp(-x)); }

// max(x, 0) + log1p(e^−|x|)
VEC_INLINE vd softplus(vd x) {
  Exponential e = exponential(clampBelow(-abs(x), -708));
  return (x < splat(0.0) ? splat(0.0) : x) + log1pUnit(fma(e.scale, e.m, e.scale));
}

// At −Inf these would be −Inf·0: below −700 the true value rounds to −0 in float, and so does that
// at −700.
VEC_INLINE vd silu(vd x) {
  x = clampBelow(x, -700);
  return x / (splat(1.0) + exp(-x));
}

VEC_INLINE vd geluTanh(vd x) {                  // ½(1 + tanh u) = sigmoid(2u)
  constexpr double scale = 1.5957691216057308;  // 2√(2/π)
  x = clampBelow(x, -700);
  vd u = x * splat(scale) * fma(x * x, splat(0.044715), splat(1.0));
  return x / (splat(1.0) + exp(-u));
}

// tanh(ln(1 + e)) = n/(n + 2) with n = e(e + 2), e = eˣ
VEC_INLINE vd mish(vd x) {
  x = clampBelow(x, -700);
  vd e = exp(clampAbove(x, 300));
  vd n = e * (e + splat(2.0));
  return x * (n / (n + splat(2.0)));
}

// erfc z for z ≥ 0: e^−z²·P(t)/(z + 4), t = (z − 4)/(z + 4), after Shepherd and Laframboise (1981).
VEC_INLINE vd erfcPositive(vd z) {
  static constexpr double c[] = {
      // z in [0, 10.3], beyond which the result is below any float: 9.2e-10
      1.09599566097843685,      -0.976548747132925193,   0.773208715580273276,
      -0.54085288081019287,     0.330851652256301432,    -0.174024799042392552,
      0.0763706665154318445,    -0.0262953272064028706,  0.00622263490122398471,
      -0.000383282310752090778, -0.000754363055709627782};
  z = clampAbove(z, 26);
  vd r = splat(1.0) / (z + splat(4.0));
  Exponential e = exponential(-z * z);
  return fma(e.scale, e.m, e.scale) * polynomial((z - splat(4.0)) * r, c) * r;
}

VEC_INLINE vd erfc(vd x) {
  vd r = erfcPositive(abs(x));
  return x < splat(0.0) ? splat(2.0) - r : r;
}

VEC_INLINE vd erf(vd x) {
  static constexpr double c[] = {// erf(x)/x in x², |x| ≤ 1: 3.3e-11
                                 1.12837916705802704,     -0.376126384346629766,
                                 0.112837819741333437,    -0.0268654000390515005,
                                 0.00522094541638169475,  -0.000848282854270207359,
                                 0.000112569454238153533, -9.64150840908413396e-6};
  vd a = abs(x), tail = splat(1.0) - erfcPositive(a);
  tail = (vd)((vl)tail | ((vl)x & splat(INT64_MIN)));
  return a < splat(1.0) ? x * polynomial(x * x, c) : tail;
}

// ½x·erfc(−x/√2)
VEC_INLINE vd gelu(vd x) {
  x = clampBelow(x, -40);
  vd r = erfcPositive(abs(x) * splat(0.7071067811865476));
  return x * splat(0.5) * (x > splat(0.0) ? splat(2.0) - r : r);
}

// sin r and cos r for |r| ≤ π/4, 4.6e-12 and 5.7e-11.
template <bool fused = true>
VEC_INLINE vd sinPolynomial(vd r) {
  static constexpr double c[] = {0.999999999995427565, -0.166666666303001293,
                                 0.00833332867614895449, -0.000198391741634211098,
                                 2.71711428529915479e-6};
  return r * polynomial<fused>(r * r, c);
}

template <bool fused = true>
VEC_INLINE vd cosPolynomial(vd r) {
  static constexpr double c[] = {0.999999999943650571, -0.499999995698045652, 0.0416666130701898754,
                                 -0.00138865243597861811, 0.0000243722462892590494};
  return polynomial<fused>(r * r, c);
}

// sin(x + quarter·π/2) for |x| ≤ 1e6: x less n·π/2, π/2 in two parts of 33 bits and a rest (the
// products are exact).
VEC_INLINE vd sinReduced(vd x, int64_t quarter) {
  vd t = fma(x, splat(0.6366197723675814), splat(roundingMagic));
  vd n = t - splat(roundingMagic);
  vl q = (vl)t + quarter;
  vd r = x - n * splat(0x1.921fb544p+0);
  r = r - n * splat(0x1.0b4611a6p-34);
  r = fma(n, splat(-0x1.3198a2e037073p-69), r);
  vd s = (q & 1) != 0 ? cosPolynomial(r) : sinPolynomial(r);
  return (vd)((vl)s ^ ((q & 2) << 62));
}

template <vd (*f)(vd)>
VEC_INLINE vf inDouble(vf x) {
  return join(f(lower(x)), f(upper(x)));
}

VEC_INLINE vf sinOrCos(vf x, int64_t quarter) {
  constexpr float limit = 1e6f;
  vf r = join(sinReduced(lower(x), quarter), sinReduced(upper(x), quarter));
  if (__builtin_expect(any(~(abs(x) <= splat(limit))), 0)) {
    for (int i = 0; i < W; i++) {
      double lane = x[i];
      if (!(__builtin_fabs(lane) <= limit))
        r[i] = (float)(quarter ? __builtin_cos(lane) : __builtin_sin(lane));
    }
  }
  return r;
}

// As C's pow: x^y = e^(y ln|x|), odd in x for odd integers y.
VEC_INLINE vf pow(vf x, vf y) {
  vf a = abs(x), zero = splat(0.0f), one = splat(1.0f), inf = splat(__builtin_inff());
  vf r = join(exp(lower(y) * log(lower(a))), exp(upper(y) * log(upper(a))));
  vi integral = roundEven(y) == y, negative = (vi)x < 0;
  vf half = y * splat(0.5f);
  vi odd = integral & (roundEven(half) != half) & (abs(y) < splat(16777216.0f));
  r = (vf)((vi)r ^ (negative & odd & splat(INT32_MIN)));
  vi undefined = (x < zero) & (a < inf) & ~integral & (y == y);
  r = undefined ? splat(__builtin_nanf("")) : r;
  vi isOne = ((a == one) & (abs(y) == inf)) | (x == one) | (y == zero);
  return isOne ? one : r;
}

}  // namespace
}  // namespace evengrad::ISA
