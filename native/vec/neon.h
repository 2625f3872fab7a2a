// Vectors of 16 bytes: AArch64 Advanced SIMD.
#pragma once

#include <arm_neon.h>

#define VEC_BYTES 16
#define VEC_FMA 1
#include "common.h"

namespace evengrad::ISA {
namespace {

VEC_INLINE vf splat(float x) { return (vf)vdupq_n_f32(x); }
VEC_INLINE vd splat(double x) { return (vd)vdupq_n_f64(x); }
VEC_INLINE vi splat(int32_t x) { return (vi)vdupq_n_s32(x); }
VEC_INLINE vl splat(int64_t x) { return (vl)vdupq_n_s64(x); }
VEC_INLINE vf fma(vf a, vf b, vf c) {
  return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
VEC_INLINE vd fma(vd a, vd b, vd c) {
  return (vd)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
VEC_INLINE vf sqrt(vf x) { return (vf)vsqrtq_f32((float32x4_t)x); }
VEC_INLINE vd sqrt(vd x) { return (vd)vsqrtq_f64((float64x2_t)x); }
VEC_INLINE vf floor(vf x) { return (vf)vrndmq_f32((float32x4_t)x); }
VEC_INLINE vf ceil(vf x) { return (vf)vrndpq_f32((float32x4_t)x); }
VEC_INLINE vf roundEven(vf x) { return (vf)vrndnq_f32((float32x4_t)x); }

VEC_INLINE vd lower(vf x) { return (vd)vcvt_f64_f32(vget_low_f32((float32x4_t)x)); }
VEC_INLINE vd upper(vf x) { return (vd)vcvt_high_f64_f32((float32x4_t)x); }
VEC_INLINE vf join(vd lower, vd upper) {
  return (vf)vcvt_high_f32_f64(vcvt_f32_f64((float64x2_t)lower), (float64x2_t)upper);
}
VEC_INLINE vf scaleBy(vf x, vf k) { return scaleInSteps(x, truncate(k)); }
VEC_INLINE vf onePlusScaled(vf m, vf k) { return onePlusScaledInSteps(m, truncate(k)); }
VEC_INLINE vi truncate(vf x) { return (vi)vcvtq_s32_f32((float32x4_t)x); }
VEC_INLINE vf convert(vi x) { return (vf)vcvtq_f32_s32((int32x4_t)x); }
VEC_INLINE vul mulLow32(vul a, uint32_t b) {
  return (vul)vmull_u32(vmovn_u64((uint64x2_t)a), vdup_n_u32(b));
}

VEC_INLINE bool any(vi mask) { return vmaxvq_u32((uint32x4_t)mask) != 0; }
VEC_INLINE bool within(vf x, float limit) { return !any(~(abs(x) <= splat(limit))); }
VEC_INLINE vf minOf(vf a, vf b) { return a < b ? a : b; }
VEC_INLINE vf maxOf(vf a, vf b) { return a > b ? a : b; }
VEC_INLINE vf lookUp(const float* table, vi i) {
  uint8x16x2_t bytes = {vld1q_u8((const uint8_t*)table), vld1q_u8((const uint8_t*)table + 16)};
  vu at = ((vu)i & 7) * 0x04040404 + 0x03020100;  // of each byte of a lane
  return (vf)vqtbl2q_u8(bytes, (uint8x16_t)at);
}
VEC_INLINE vf reciprocalEstimate(vf x) { return splat(1.0f) / x; }
VEC_INLINE vf rsqrtEstimate(vf x) { return splat(1.0f) / sqrt(x); }
VEC_INLINE vf loadBytes(const uint8_t* p) {
  uint32_t four;
  __builtin_memcpy(&four, p, 4);
  uint16x8_t words = vmovl_u8(vcreate_u8(four));
  return (vf)vcvtq_f32_u32(vmovl_u16(vget_low_u16(words)));
}
VEC_INLINE void storeBytes(uint8_t* p, vf x) {
  uint16x4_t words = vmovn_u32(vcvtq_u32_f32((float32x4_t)x));
  uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words))), 0);
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
