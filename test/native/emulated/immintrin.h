// The compiler's intrinsics, and those of AVX-512 that the kernels use, computed by AVX2: by SIMDe,
// or here where it has none or one that rounds otherwise. For a CPU without AVX-512.
#pragma once

// The build says that it has AVX-512, or the kernels would refuse to be compiled; SIMDe must know
// better.
#undef __AVX512F__
#undef __AVX512BW__
#undef __AVX512DQ__
#undef __AVX512VL__

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>
#include <stdint.h>

#define EMULATED static inline __attribute__((always_inline))

namespace emulated {

typedef float Floats __attribute__((vector_size(64), may_alias));
typedef int32_t Ints __attribute__((vector_size(64), may_alias));
typedef double Doubles __attribute__((vector_size(128), may_alias));
typedef int64_t Longs __attribute__((vector_size(128), may_alias));

template <class T>
struct Halves {
  T low, high;
};
template <class T, class V>
EMULATED Halves<T> halves(V x) {
  return __builtin_bit_cast(Halves<T>, x);
}
template <class V, class T>
EMULATED V whole(T low, T high) {
  return __builtin_bit_cast(V, (Halves<T>{low, high}));
}

EMULATED __m512 cvtepi32_ps(__m512i x) {
  auto [low, high] = halves<__m256i>(x);
  return whole<__m512>(_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high));
}
EMULATED __m512i cvttps_epi32(__m512 x) {
  auto [low, high] = halves<__m256>(x);
  return whole<__m512i>(_mm256_cvttps_epi32(low), _mm256_cvttps_epi32(high));
}
EMULATED __m512d cvtps_pd(__m256 x) {
  auto [low, high] = halves<__m128>(x);
  return whole<__m512d>(_mm256_cvtps_pd(low), _mm256_cvtps_pd(high));
}
EMULATED __m256 cvtpd_ps(__m512d x) {
  auto [low, high] = halves<__m256d>(x);
  return whole<__m256>(_mm256_cvtpd_ps(low), _mm256_cvtpd_ps(high));
}
EMULATED __m256 extractf32x8_ps(__m512 x, int half) {
  auto [low, high] = halves<__m256>(x);
  return half ? high : low;
}
EMULATED __m512i cvtepu8_epi32(__m128i x) {
  return whole<__m512i>(_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8)));
}
EMULATED __m128i cvtepi32_epi8(__m512i x) {
  typedef uint8_t Bytes __attribute__((vector_size(16)));
  return (__m128i) __builtin_convertvector((Ints)x, Bytes);
}

// All ones in the lanes of a mask.
EMULATED Ints lanesOf(__mmask16 mask) {
  const Ints lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return -((mask >> lane) & 1);
}
EMULATED __m512 maskz_loadu_ps(__mmask16 mask, const float* p) {
  auto [low, high] = halves<__m256i>(lanesOf(mask));
  return whole<__m512>(_mm256_maskload_ps(p, low), _mm256_maskload_ps(p + 8, high));
}
EMULATED void mask_storeu_ps(float* p, __mmask16 mask, __m512 x) {
  auto [low, high] = halves<__m256i>(lanesOf(mask));
  _mm256_maskstore_ps(p, low, extractf32x8_ps(x, 0));
  _mm256_maskstore_ps(p + 8, high, extractf32x8_ps(x, 1));
}

// x·2^⌊k⌋ in one rounding, for finite k; NaN where k is.
EMULATED __m512 scalef_ps(__m512 x, __m512 k) {
  Doubles power = __builtin_convertvector((Floats)_mm512_floor_ps(k), Doubles);
  power = power > 600 ? power * 0 + 600 : power;
  power = power < -600 ? power * 0 - 600 : power;
  const Doubles scale = (Doubles)((__builtin_convertvector(power, Longs) + 1023) << 52);
  const Doubles product = __builtin_convertvector((Floats)x, Doubles) * scale;
  return (__m512) __builtin_convertvector(power == power ? product : power, Floats);
}

// An estimate off by almost all that it may be, a relative 2⁻¹⁴: up or down by the last bit of the
// operand, but exact, as Intel's manual has it, where only `power` of the low 24 bits is set.
EMULATED __m512 off(Floats estimate, __m512 of, int32_t power) {
  const Ints bits = (Ints)of, exact = (bits & (power | 0x7fffff)) == power;
  const Floats up = Floats{} + (1 + 0x0.ffp-14f), down = Floats{} + (1 - 0x0.ffp-14f);
  return (__m512)(exact ? estimate : estimate * ((bits & 1) ? up : down));
}
EMULATED __m512 rcp14_ps(__m512 x) { return off(1.0f / (Floats)x, x, 0); }
EMULATED __m512 rsqrt14_ps(__m512 x) {
  return off(1.0f / (Floats)_mm512_sqrt_ps(x), x, 1 << 23);  // of 4ⁿ
}

}  // namespace emulated

#define _mm512_cvtepi32_ps emulated::cvtepi32_ps
#define _mm512_cvttps_epi32 emulated::cvttps_epi32
#define _mm512_cvtps_pd emulated::cvtps_pd
#define _mm512_cvtpd_ps emulated::cvtpd_ps
#undef _mm512_extractf32x8_ps  // a macro where the compiler does not optimize
#define _mm512_extractf32x8_ps emulated::extractf32x8_ps
#define _mm512_cvtepu8_epi32 emulated::cvtepu8_epi32
#define _mm512_cvtepi32_epi8 emulated::cvtepi32_epi8
#define _mm512_maskz_loadu_ps emulated::maskz_loadu_ps
#define _mm512_mask_storeu_ps emulated::mask_storeu_ps
#undef _mm512_roundscale_ps  // SIMDe's macro takes `a | b` apart
#define _mm512_roundscale_ps(x, how) simde_mm512_roundscale_ps(x, (how))
#undef _mm512_scalef_ps
#define _mm512_scalef_ps emulated::scalef_ps
#define _mm512_rcp14_ps emulated::rcp14_ps
#define _mm512_rsqrt14_ps emulated::rsqrt14_ps
