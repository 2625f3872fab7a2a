// Vectors of 32 bytes: AVX2 and FMA3.
#pragma once

#include <immintrin.h>

#define VEC_BYTES 32
#define VEC_FMA 1
#include "common.h"

namespace evengrad::ISA {
namespace {

VEC_INLINE vf splat(float x) { return (vf)_mm256_set1_ps(x); }
VEC_INLINE vd splat(double x) { return (vd)_mm256_set1_pd(x); }
VEC_INLINE vi splat(int32_t x) { return (vi)_mm256_set1_epi32(x); }
VEC_INLINE vl splat(int64_t x) { return (vl)_mm256_set1_epi64x(x); }
VEC_INLINE vf fma(vf a, vf b, vf c) { return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
VEC_INLINE vd fma(vd a, vd b, vd c) {
  return (vd)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
VEC_INLINE vf sqrt(vf x) { return (vf)_mm256_sqrt_ps((__m256)x); }
VEC_INLINE vd sqrt(vd x) { return (vd)_mm256_sqrt_pd((__m256d)x); }

constexpr int exact = _MM_FROUND_NO_EXC;
VEC_INLINE vf floor(vf x) { return (vf)_mm256_round_ps((__m256)x, _MM_FROUND_TO_NEG_INF | exact); }
VEC_INLINE vf ceil(vf x) { return (vf)_mm256_round_ps((__m256)x, _MM_FROUND_TO_POS_INF | exact); }
VEC_INLINE vf roundEven(vf x) {
  return (vf)_mm256_round_ps((__m256)x, _MM_FROUND_TO_NEAREST_INT | exact);
}

VEC_INLINE vd lower(vf x) { return (vd)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)x)); }
VEC_INLINE vd upper(vf x) { return (vd)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)x, 1)); }
VEC_INLINE vf join(vd lower, vd upper) {
  return (vf)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps((__m256d)lower)),
                                  _mm256_cvtpd_ps((__m256d)upper), 1);
}
VEC_INLINE vf scaleBy(vf x, vf k) { return scaleInSteps(x, truncate(k)); }
VEC_INLINE vf onePlusScaled(vf m, vf k) { return onePlusScaledInSteps(m, truncate(k)); }
VEC_INLINE vi truncate(vf x) { return (vi)_mm256_cvttps_epi32((__m256)x); }
VEC_INLINE vf convert(vi x) { return (vf)_mm256_cvtepi32_ps((__m256i)x); }
VEC_INLINE vul mulLow32(vul a, uint32_t b) {
  return (vul)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
}

VEC_INLINE bool any(vi mask) { return _mm256_movemask_ps((__m256)mask) != 0; }
VEC_INLINE bool within(vf x, float limit) { return !any(~(abs(x) <= splat(limit))); }
VEC_INLINE vf minOf(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
VEC_INLINE vf maxOf(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
VEC_INLINE vf lookUp(const float* table, vi i) {
  return (vf)_mm256_permutevar8x32_ps(_mm256_load_ps(table), (__m256i)i);
}
VEC_INLINE vf reciprocalEstimate(vf x) { return splat(1.0f) / x; }
VEC_INLINE vf rsqrtEstimate(vf x) { return splat(1.0f) / sqrt(x); }
VEC_INLINE vf loadBytes(const uint8_t* p) {
  return convert((vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)));
}
VEC_INLINE void storeBytes(uint8_t* p, vf x) {
  __m256i i = (__m256i)truncate(x);
  __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
  _mm_storel_epi64((__m128i*)p, _mm_packus_epi16(words, words));
}
VEC_INLINE __m256i firstLanes(int n) {
  static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i*)(ones + 8 - n));
}
VEC_INLINE vf loadPartial(const float* p, int n) {
  return (vf)_mm256_maskload_ps(p, firstLanes(n));
}
VEC_INLINE void storePartial(float* p, int n, vf x) {
  _mm256_maskstore_ps(p, firstLanes(n), (__m256)x);
}

}  // namespace
}  // namespace evengrad::ISA
