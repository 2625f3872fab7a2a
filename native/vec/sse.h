// Vectors of 16 bytes: SSE2, the baseline of x86-64. There is no fused multiply-add.
#pragma once

#include <emmintrin.h>

#define VEC_BYTES 16
#define VEC_FMA 0
#include "common.h"

namespace evengrad::ISA {
namespace {

VEC_INLINE vf splat(float x) { return (vf)_mm_set1_ps(x); }
VEC_INLINE vd splat(double x) { return (vd)_mm_set1_pd(x); }
VEC_INLINE vi splat(int32_t x) { return (vi)_mm_set1_epi32(x); }
VEC_INLINE vl splat(int64_t x) { return (vl)_mm_set1_epi64x(x); }
VEC_INLINE vf fma(vf a, vf b, vf c) { return a * b + c; }
VEC_INLINE vd fma(vd a, vd b, vd c) { return a * b + c; }
VEC_INLINE vf sqrt(vf x) { return (vf)_mm_sqrt_ps((__m128)x); }
VEC_INLINE vd sqrt(vd x) { return (vd)_mm_sqrt_pd((__m128d)x); }

// Adding and taking away 2²³ rounds |x| < 2²³ to an integer, half to even; beyond, x is one.
VEC_INLINE vf roundEven(vf x) {
  vf a = abs(x), big = splat(8388608.0f);
  vf r = (vf)((vi)((a + big) - big) | ((vi)x & splat(INT32_MIN)));
  return a < big ? r : x;
}
VEC_INLINE vf floor(vf x) {
  vf r = roundEven(x);
  return r > x ? r - splat(1.0f) : r;
}
VEC_INLINE vf ceil(vf x) {
  vf r = roundEven(x);
  return (vf)((vi)(r < x ? r + splat(1.0f) : r) | ((vi)x & splat(INT32_MIN)));
}

VEC_INLINE vd lower(vf x) { return (vd)_mm_cvtps_pd((__m128)x); }
VEC_INLINE vd upper(vf x) { return (vd)_mm_cvtps_pd(_mm_movehl_ps((__m128)x, (__m128)x)); }
VEC_INLINE vf join(vd lower, vd upper) {
  return (vf)_mm_movelh_ps(_mm_cvtpd_ps((__m128d)lower), _mm_cvtpd_ps((__m128d)upper));
}
VEC_INLINE vf scaleBy(vf x, vf k) { return scaleInSteps(x, truncate(k)); }
VEC_INLINE vf onePlusScaled(vf m, vf k) { return onePlusScaledInSteps(m, truncate(k)); }
VEC_INLINE vi truncate(vf x) { return (vi)_mm_cvttps_epi32((__m128)x); }
VEC_INLINE vf convert(vi x) { return (vf)_mm_cvtepi32_ps((__m128i)x); }
VEC_INLINE vul mulLow32(vul a, uint32_t b) {
  return (vul)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
}

VEC_INLINE bool any(vi mask) { return _mm_movemask_ps((__m128)mask) != 0; }
VEC_INLINE bool within(vf x, float limit) { return !any(~(abs(x) <= splat(limit))); }
VEC_INLINE vf minOf(vf a, vf b) { return (vf)_mm_min_ps((__m128)a, (__m128)b); }
VEC_INLINE vf maxOf(vf a, vf b) { return (vf)_mm_max_ps((__m128)a, (__m128)b); }
VEC_INLINE vf reciprocalEstimate(vf x) { return splat(1.0f) / x; }
VEC_INLINE vf rsqrtEstimate(vf x) { return splat(1.0f) / sqrt(x); }
VEC_INLINE vf loadBytes(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  __m128i zero = _mm_setzero_si128(), words = _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero);
  return convert((vi)_mm_unpacklo_epi16(words, zero));
}
VEC_INLINE void storeBytes(uint8_t* p, vf x) {
  __m128i i = (__m128i)truncate(x), words = _mm_packs_epi32(i, i);
  int32_t four = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
  __builtin_memcpy(p, &four, 4);
}
VEC_INLINE vf loadPartial(const float* p, int n) {
  vf x = {};
  __builtin_memcpy(&x, p, (unsigned)n * sizeof(float));
  return x;
}
VEC_INLINE void storePartial(float* p, int n, vf x) {
  __builtin_memcpy(p, &x, (unsigned)n * sizeof(float));
}

}  // namespace
}  // namespace evengrad::ISA
