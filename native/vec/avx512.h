// Vectors of 64 bytes: AVX-512 F, BW, DQ and VL.
#pragma once

// GCC 12 takes the undefined operands of its own intrinsics for our mistake (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#define VEC_BYTES 64
#define VEC_FMA 1
#include "common.h"

namespace evengrad::ISA {
namespace {

VEC_INLINE vf splat(float x) { return (vf)_mm512_set1_ps(x); }
VEC_INLINE vd splat(double x) { return (vd)_mm512_set1_pd(x); }
VEC_INLINE vi splat(int32_t x) { return (vi)_mm512_set1_epi32(x); }
VEC_INLINE vl splat(int64_t x) { return (vl)_mm512_set1_epi64(x); }
VEC_INLINE vf fma(vf a, vf b, vf c) { return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
VEC_INLINE vd fma(vd a, vd b, vd c) {
  return (vd)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
VEC_INLINE vf sqrt(vf x) { return (vf)_mm512_sqrt_ps((__m512)x); }
VEC_INLINE vd sqrt(vd x) { return (vd)_mm512_sqrt_pd((__m512d)x); }

constexpr int exact = _MM_FROUND_NO_EXC;
VEC_INLINE vf floor(vf x) {
  return (vf)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEG_INF | exact);
}
VEC_INLINE vf ceil(vf x) {
  return (vf)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_POS_INF | exact);
}
VEC_INLINE vf roundEven(vf x) {
  return (vf)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | exact);
}

VEC_INLINE vd lower(vf x) { return (vd)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)x)); }
VEC_INLINE vd upper(vf x) { return (vd)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)x, 1)); }
VEC_INLINE vf join(vd lower, vd upper) {
  return (vf)_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps((__m512d)lower)),
                                _mm512_cvtpd_ps((__m512d)upper), 1);
}
VEC_INLINE vf scaleBy(vf x, vf k) { return (vf)_mm512_scalef_ps((__m512)x, (__m512)k); }
VEC_INLINE vf onePlusScaled(vf m, vf k) { return scaleBy(splat(1.0f) + m, k); }
VEC_INLINE vi truncate(vf x) { return (vi)_mm512_cvttps_epi32((__m512)x); }
VEC_INLINE vf convert(vi x) { return (vf)_mm512_cvtepi32_ps((__m512i)x); }
VEC_INLINE vul mulLow32(vul a, uint32_t b) {
  return (vul)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
}

VEC_INLINE bool any(vi mask) { return _mm512_movepi32_mask((__m512i)mask) != 0; }
VEC_INLINE bool within(vf x, float limit) {
  return _mm512_cmp_ps_mask((__m512)abs(x), _mm512_set1_ps(limit), _CMP_NLE_UQ) == 0;
}
VEC_INLINE vf minOf(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
VEC_INLINE vf maxOf(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
VEC_INLINE vf lookUp(const float* table, vi i) {
  return (vf)_mm512_permutexvar_ps((__m512i)i, _mm512_broadcast_f32x8(_mm256_load_ps(table)));
}
VEC_INLINE vf reciprocalEstimate(vf x) { return (vf)_mm512_rcp14_ps((__m512)x); }
VEC_INLINE vf rsqrtEstimate(vf x) { return (vf)_mm512_rsqrt14_ps((__m512)x); }
VEC_INLINE vf loadBytes(const uint8_t* p) {
  return convert((vi)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p)));
}
VEC_INLINE void storeBytes(uint8_t* p, vf x) {
  _mm_storeu_si128((__m128i*)p, _mm512_cvtepi32_epi8((__m512i)truncate(x)));
}
VEC_INLINE vf loadPartial(const float* p, int n) {
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
VEC_INLINE void storePartial(float* p, int n, vf x) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
}

}  // namespace
}  // namespace evengrad::ISA
