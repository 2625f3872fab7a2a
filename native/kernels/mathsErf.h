// erf, erfc and gelu in float lanes, for ISAs with a fused multiply-add: piecewise polynomials
// whose coefficients each lane picks by the interval that |x| is in. They hold for all floats.
//
// The first row of a table holds the middles of the intervals (0 of the one that begins at 0), the
// others the coefficients of d = |x| − middle, in rising order. Middles are chosen so that the
// constant, the function's value there, is a float to a relative error of 2⁻³⁰ or less; the others
// are minimax in relative error (linear programming). A column is an interval; they are numbered by
// low bits of a float that grows with |x|, so that the first is not the leftmost.
#pragma once

#include "mathsFloat.h"

namespace evengrad::ISA {
namespace {

#if VEC_FMA

// The polynomial of rows `from` and on.
template <int from, int rows>
VEC_INLINE vf picked(const float (&table)[rows][8], vi interval, vf d) {
  vf r = lookUp(table[rows - 1], interval);
  VEC_UNROLL
  for (int i = rows - 2; i >= from; i--) r = fma(r, d, lookUp(table[i], interval));
  return r;
}

// erf on [0, 3.94], as fine as a quarter of the exponents of 1.25 + .95|x|: 1.7e-9, and 0.05 ULP.
alignas(32) constexpr float erfTable[][8] = {
    {0x1.054p0f, 0x1.912p0f, 0x1.0d2p1f, 0x1.53p1f, 0x1.b2ep1f, 0, 0x1.9e8p-2f, 0x1.514p-1f},
    {0x1.b3bb9p-1f, 0x1.f254cep-1f, 0x1.fe7e04p-1f, 0x1.ffe866p-1f, 0x1.ffffccp-1f, 0,
     0x1.bb6054p-2f, 0x1.4bfdccp-1f},
    {0x1.97d116p-2f, 0x1.8cc87ep-4f, 0x1.bcaa0cp-7f, 0x1.09ec86p-10f, 0x1.6f86c6p-17f,
     0x1.20dd76p0f, 0x1.ea6abap-1f, 0x1.765d9p-1f},
    {0, 0, 0, 0, 0, -0x1.f7ac92p-25f, 0, 0},
    {-0x1.a02e28p-2f, -0x1.36dbeap-3f, -0x1.d375ccp-6f, -0x1.6029dep-9f, -0x1.39c1c2p-15f,
     -0x1.d5399cp-27f, -0x1.8d0708p-2f, -0x1.ed2ea4p-2f},
    {0x1.2666d2p-3f, 0x1.02973p-3f, 0x1.229006p-5f, 0x1.20b51ep-8f, 0x1.521c12p-14f,
     -0x1.812706p-2f, -0x1.b79db2p-3f, -0x1.082788p-5f},
    {0x1.fd0e8ep-5f, -0x1.8bcdaap-5f, -0x1.c73c52p-6f, -0x1.432c4ap-8f, -0x1.f8502cp-14f,
     -0x1.7bb58p-16f, 0x1.61d9c2p-3f, 0x1.5e625ap-3f},
    {-0x1.17f6dcp-4f, -0x1.f11054p-8f, 0x1.a0fd12p-7f, 0x1.00d4eep-8f, 0x1.2f3f52p-13f,
     0x1.cf2a62p-4f, 0x1.2f6f2ap-5f, -0x1.182e64p-5f},
    {0x1.96ac2cp-8f, 0x1.10873cp-6f, -0x1.583cbep-10f, -0x1.21701ap-9f, -0x1.4c104p-13f,
     -0x1.3fa50cp-10f, -0x1.c3c526p-5f, -0x1.1ddb84p-5f},
    {0x1.a412d4p-7f, -0x1.7224cap-8f, -0x1.1f75eap-9f, 0x1.192c3cp-11f, 0x1.a2676p-14f,
     -0x1.8ddc2ap-6f, -0x1.f46b62p-6f, -0x1.48a94p-6f},
};

// c₀ + (c₁d + d·(b + c₂d + …)), where b is what c₁ lacks, to the last bit: the constant is 0 in the
// first interval, and c₁ there 2/√π, so that a result is rounded little more than once.
VEC_INLINE vf erf(vf x) {
  vf a = minOf(splat(3.9375f), abs(x));  // beyond, 1 − erf is below 2⁻²⁵
  vi i = (vi)fma(a, splat(0x1.e79e24p-1f), splat(1.25f)) >> 21;
  vf d = a - lookUp(erfTable[0], i);
  vf rest = d * picked<3>(erfTable, i, d), first = lookUp(erfTable[2], i);
  return withSign(lookUp(erfTable[1], i) + fma(d, first, rest), x);
}

// e^x²·erfc x on [0, 10.07], one interval for each exponent of 1.5 + 2.5x²: 6.3e-9.
alignas(32) constexpr float erfcTable[][8] = {
    {0x1.594p-1f, 0x1.537p0f, 0x1.f52p0f, 0x1.763p1f, 0x1.0cbp2f, 0x1.802cp2f, 0x1.13c4p3f,
     0x1.658p-3f},
    {0x1.1284b2p-1f, 0x1.6906p-2f, 0x1.0a3fd2p-2f, 0x1.775382p-3f, 0x1.0c009ap-3f, 0x1.7bd8e4p-4f,
     0x1.0a63fp-4f, 0x1.a8eb32p-1f},
    {-0x1.9f02ecp-2f, -0x1.8c2816p-3f, -0x1.c455e2p-4f, -0x1.d208a8p-5f, -0x1.e524dap-6f,
     -0x1.ed12bp-7f, -0x1.e825bp-8f, -0x1.ad61cep-1f},
    {0x1.0d3014p-2f, 0x1.898b3ep-4f, 0x1.67156p-5f, 0x1.15dc14p-6f, 0x1.ad11cp-8f, 0x1.3c1058p-9f,
     0x1.bc699ep-11f, 0x1.5df72cp-1f},
    {-0x1.37512ep-3f, -0x1.68abaap-5f, -0x1.0d017cp-6f, -0x1.3f7048p-8f, -0x1.734ee2p-10f,
     -0x1.90591cp-12f, -0x1.921428p-14f, -0x1.eb0cd4p-2f},
    {0x1.4866a8p-4f, 0x1.34d12ep-6f, 0x1.7f162ep-8f, 0x1.630de2p-10f, 0x1.3aa22cp-12f,
     0x1.f4e66ep-15f, 0x1.693daap-17f, 0x1.331baap-2f},
    {-0x1.41e592p-5f, -0x1.f27d9cp-8f, -0x1.0577dap-9f, -0x1.7f5b72p-12f, -0x1.0626a8p-14f,
     -0x1.368948p-17f, -0x1.42565ap-20f, -0x1.5eb89cp-3f},
    {0x1.2b199cp-6f, 0x1.869df8p-9f, 0x1.5c47bap-11f, 0x1.9fa4ap-14f, 0x1.bd48e6p-17f,
     0x1.8e3d4ap-20f, 0x1.2e0bbp-23f, 0x1.736632p-4f},
    {-0x1.bc6902p-8f, -0x1.2bc8eap-10f, -0x1.8390d8p-13f, -0x1.95ba5ap-16f, -0x1.5040b6p-19f,
     -0x1.ce3b2ap-23f, -0x1.15093p-26f, -0x1.34c6eap-5f},
};

// e^−x²·(c₀ + y) for x ≥ 0, taken from 2 for the others. With y = c₁d + z, e^−x² = 2ᵏ(1 + r + w)
// and 1 + r = u + v in floats, it is 2ᵏ(c₀u + (c₁d + (y·r + (c₀v + (w·(c₀ + y) + z))))): rounded
// once but for small terms. What is below the range of normal floats is made 2⁶⁴ times too large,
// and so is rounded once as well.
VEC_INLINE vf erfc(vf x) {
  vf a = minOf(splat(10.0625f), abs(x)), square = a * a;  // beyond 10.0542, erfc rounds to 0
  vi i = (vi)fma(square, splat(0x1.41a9a4p+1f), splat(1.5f)) >> 23;
  vf d = a - lookUp(erfcTable[0], i), c = lookUp(erfcTable[1], i), first = lookUp(erfcTable[2], i);
  vf z = d * (d * picked<3>(erfcTable, i, d)), y = fma(d, first, z);
  ExponentialParts e(-square, fma(-a, a, square));
  vf one = splat(1.0f), u = one + e.r, v = e.r - (u - one);
  vf rest = fma(y, e.r, fma(c, v, fma(e.w, c + y, z)));
  vf r = fma(c, u, fma(d, first, rest)) * e.scaled(splat(0x1p64f));
  vi sign = (vi)x & splat(INT32_MIN);
  return fma(r, (vf)((vi)splat(0x1p-64f) ^ sign), (vf)(sign >> 1 & (vi)splat(2.0f)));
}

// a·Φ(−a) on [0, ½] and e^a²/2·a·Φ(−a) on [½, 14.4], as fine as half the exponents of 1 +
// a: 9.9e-9.
alignas(32) constexpr float geluTable[][8] = {
    {0x1.7ecp0f, 0x1.4018p1f, 0x1.009p2f, 0x1.807cp2f, 0x1.1fa8p3f, 0x1.959cp3f, 0, 0x1.836p-1f},
    {0x1.3bb9fp-2f, 0x1.69d424p-2f, 0x1.82c9e6p-2f, 0x1.8e075ap-2f, 0x1.93a36ep-2f, 0x1.96053p-2f,
     0, 0x1.cf70e8p-3f},
    {0x1.21c15cp-4f, 0x1.bef306p-6f, 0x1.2c335cp-7f, 0x1.9f8038p-9f, 0x1.0c58bap-10f,
     0x1.8c2b12p-12f, 0x1p-1f, 0x1.59032cp-3f},
    {-0x1.351b9ep-5f, -0x1.7852a8p-7f, -0x1.7656ep-9f, -0x1.79a604p-11f, -0x1.5639e6p-13f,
     -0x1.6e344ep-15f, -0x1.98845cp-2f, -0x1.be26e4p-4f},
    {0x1.0f6a04p-6f, 0x1.0a835p-8f, 0x1.90d3e6p-11f, 0x1.2b050ap-13f, 0x1.7fe21ep-16f,
     0x1.2b2fecp-18f, 0x1.5a4f4ap-18f, 0x1.d0fc24p-5f},
    {-0x1.a23496p-8f, -0x1.50f20cp-10f, -0x1.84d418p-13f, -0x1.b33ab6p-16f, -0x1.8e07fcp-19f,
     -0x1.c84f48p-22f, 0x1.1011bcp-4f, -0x1.a2f5f2p-6f},
    {0x1.2439bap-9f, 0x1.876cecp-12f, 0x1.5f9c6ep-15f, 0x1.2a943ap-18f, 0x1.892fb6p-22f,
     0x1.4b7ab6p-25f, 0x1.a708f8p-12f, 0x1.52715ap-7f},
    {-0x1.89f3e4p-11f, -0x1.b618a2p-14f, -0x1.478a4ep-17f, -0x1.9a07f2p-21f, -0x1.a0c7d2p-25f,
     -0x1.ccb4b2p-29f, -0x1.6f4b48p-7f, -0x1.f824d4p-9f},
    {0x1.df76dp-13f, 0x1.c7e45ap-16f, 0x1.14a52ap-19f, 0x1.07fa0ep-23f, 0x1.8606dep-28f,
     0x1.432b78p-32f, 0x1.f0f9aap-10f, 0x1.4f835ap-10f},
};

// (eʳ − 1 − r)/r², |r| ≤ .3475: 3.2e-9 of eʳ
VEC_INLINE vf exponentialRest(vf r) {
  vf square = r * r, low = fma(splat(0x1.555492p-3f), r, splat(0x1.fffffcp-2f));
  vf high = fma(splat(0x1.1239ep-7f), r, splat(0x1.5558bep-5f));
  return fma(fma(splat(0x1.6a3fb8p-10f), square, high), square, low);
}

// max(x, 0) − a·Φ(−a), a = |x|, whose second term is at most as large as the result. It is
// e^−a²/2·(c₀ + y) and, for a < ½, c₀ + y alone. Of −a²/2 − k·ln 2 nothing but the result is
// rounded.
VEC_INLINE vf gelu(vf x) {
  constexpr float ln2High = 0x1.62e4p-1f, ln2Low = 0x1.7f7d1cp-20f;  // k·ln2High is exact
  vf a = minOf(splat(14.375f), abs(x));  // beyond 14.3561, a·Φ(−a) rounds to 0
  vf place = a + splat(1.0f);
  vi i = (vi)place >> 22;
  vf half = (vf)((vi)(a * splat(0.5f)) & (place >= splat(1.5f)));
  vf t = fma(a * half, splat(-(float)log2e), splat(floatMagic)), k = t - splat(floatMagic);
  vf r = fma(k, splat(-ln2Low), fma(-a, half, k * splat(-ln2High)));
  vf m = fma(r * r, exponentialRest(r), r);  // e^r − 1
  vf d = a - lookUp(geluTable[0], i), c = lookUp(geluTable[1], i);
  vf y = d * picked<2>(geluTable, i, d);
  vf g = (c + fma(m, c + y, y)) * shifted(splat(0x1p64f), t);
  return fma(g, splat(-0x1p-64f), maxOf(splat(-0.0f), x));
}

#else

VEC_INLINE vf erf(vf x) { return inDouble<erf>(x); }
VEC_INLINE vf erfc(vf x) { return inDouble<erfc>(x); }
VEC_INLINE vf gelu(vf x) { return inDouble<gelu>(x); }

#endif

}  // namespace
}  // namespace evengrad::ISA
