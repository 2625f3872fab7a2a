// Vector types and the operations that every ISA shares, in the compilers' vector extensions:
// + - * / & | ^ ~ << >>, comparison to an all-ones mask, and `mask ? a : b`.
#pragma once

#include <stdint.h>

#ifndef VEC_BYTES
#error "include one of native/vec/{avx512,avx2,sse,neon}.h"
#endif

#define VEC_INLINE inline __attribute__((always_inline))

// A template's code that must exist once for each type, not again where it is called.
#if defined(__clang__)
#define VEC_ONCE __attribute__((noinline))
#else
#define VEC_ONCE __attribute__((noinline, noclone))
#endif

#if defined(__clang__)
#define VEC_UNROLL _Pragma("unroll")
#define VEC_MIXED
#else
#define VEC_UNROLL _Pragma("GCC unroll 32")
// A function in which independent chains of operations are to take turns, not to follow each other,
// where GCC would leave them as they are written.
#define VEC_MIXED __attribute__((optimize("schedule-insns", "sched-pressure")))
#endif

namespace evengrad::ISA {
namespace {

constexpr int W = VEC_BYTES / 4;   // lanes of vf and vi
constexpr int WD = VEC_BYTES / 8;  // lanes of vd

typedef float vf __attribute__((vector_size(VEC_BYTES)));
typedef double vd __attribute__((vector_size(VEC_BYTES)));
typedef decltype(vf{} < vf{}) vi;  // int32, also the mask of vf
typedef decltype(vd{} < vd{}) vl;  // int64, also the mask of vd
typedef uint32_t vu __attribute__((vector_size(VEC_BYTES)));
typedef uint16_t vus __attribute__((vector_size(VEC_BYTES)));
typedef uint8_t vub __attribute__((vector_size(VEC_BYTES / 2)));  // as many lanes as vus
typedef uint64_t vul __attribute__((vector_size(VEC_BYTES)));

// The same, as they lie in a buffer: aligned to an element, aliasing anything.
typedef float vfMemory __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias));
typedef int32_t viMemory __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias));
typedef double vdMemory __attribute__((vector_size(VEC_BYTES), aligned(8), may_alias));

VEC_INLINE vf load(const float* p) { return (vf) * (const vfMemory*)p; }
VEC_INLINE vi load(const int32_t* p) { return (vi) * (const viMemory*)p; }
VEC_INLINE vd load(const double* p) { return (vd) * (const vdMemory*)p; }
VEC_INLINE void store(float* p, vf x) { *(vfMemory*)p = (vfMemory)x; }
VEC_INLINE void store(int32_t* p, vi x) { *(viMemory*)p = (viMemory)x; }
VEC_INLINE void store(double* p, vd x) { *(vdMemory*)p = (vdMemory)x; }

VEC_INLINE vf splat(float x);
VEC_INLINE vd splat(double x);
VEC_INLINE vi splat(int32_t x);
VEC_INLINE vl splat(int64_t x);
VEC_INLINE vf fma(vf a, vf b, vf c);  // a·b + c, in one rounding where the ISA has it
VEC_INLINE vd fma(vd a, vd b, vd c);
VEC_INLINE vf sqrt(vf x);
VEC_INLINE vd sqrt(vd x);
VEC_INLINE vf floor(vf x);
VEC_INLINE vf ceil(vf x);
VEC_INLINE vf roundEven(vf x);
VEC_INLINE vd lower(vf x);  // the first half of the lanes, as doubles
VEC_INLINE vd upper(vf x);
VEC_INLINE vf join(vd lower, vd upper);
VEC_INLINE vf scaleBy(vf x, vf k);        // x·2ᵏ for whole k in [−250, 250]
VEC_INLINE vf onePlusScaled(vf m, vf k);  // (1 + m)·2ᵏ for |m| < ½ and whole k in [−190, 0]
VEC_INLINE vi truncate(vf x);             // anything for NaN and what int32 cannot hold
VEC_INLINE vf convert(vi x);
VEC_INLINE vul mulLow32(vul a, uint32_t b);  // the low half of each 64-bit lane times b, in 64 bits
VEC_INLINE bool any(vi mask);                // of a comparison: in some lane
VEC_INLINE bool within(vf x, float limit);   // |x| ≤ limit in all lanes, none being NaN
VEC_INLINE vf minOf(vf a, vf b);             // b where one is NaN
VEC_INLINE vf maxOf(vf a, vf b);
#if VEC_FMA
VEC_INLINE vf lookUp(const float* table, vi i);  // table[i & 7]; the table is aligned to 32 bytes
#endif
VEC_INLINE vf reciprocalEstimate(vf x);        // 1/x to a relative error of 2⁻¹⁴ or less
VEC_INLINE vf rsqrtEstimate(vf x);             // the same of 1/√x; exact for ±0, +∞ and NaN
VEC_INLINE vf loadBytes(const uint8_t* p);     // W bytes as numbers
VEC_INLINE void storeBytes(uint8_t* p, vf x);  // of numbers from 0 to 255, truncated
VEC_INLINE vf loadPartial(const float* p, int n);  // n < W lanes, the others 0
VEC_INLINE void storePartial(float* p, int n, vf x);

VEC_INLINE void storeBytes(uint8_t* p, vus x) {  // of numbers from 0 to 255
  vub bytes = __builtin_convertvector(x, vub);
  __builtin_memcpy(p, &bytes, sizeof bytes);
}

VEC_INLINE vi loadPartial(const int32_t* p, int n) { return (vi)loadPartial((const float*)p, n); }
VEC_INLINE void storePartial(int32_t* p, int n, vi x) { storePartial((float*)p, n, (vf)x); }

VEC_INLINE vf abs(vf x) { return (vf)((vi)x & splat(INT32_MAX)); }
VEC_INLINE vd abs(vd x) { return (vd)((vl)x & splat(INT64_MAX)); }
VEC_INLINE vf maskToFloat(vi mask) { return (vf)(mask & (vi)splat(1.0f)); }

// In two steps, so that a result may be subnormal.
VEC_INLINE vf scaleInSteps(vf x, vi k) {
  vi half = k >> 1;
  return x * (vf)((half + 127) << 23) * (vf)((k - half + 127) << 23);
}

// 2⁶⁴ times too large, and then rounded as it must be where it is subnormal.
VEC_INLINE vf onePlusScaledInSteps(vf m, vi k) {
  vf s = (vf)((k + (127 + 64)) << 23);
  return fma(m, s, s) * splat(0x1p-64f);
}

// Truncates and saturates; NaN becomes 0.
VEC_INLINE vi toInt(vf x) {
  vi r = x >= splat(2147483648.0f) ? splat(INT32_MAX) : truncate(x);
  r = x < splat(-2147483648.0f) ? splat(INT32_MIN) : r;
  return x == x ? r : splat(0);
}

// Lanes of a and b (numbered on from a's) in a new order: Order::from(i) is the source of lane i.
template <int... I>
struct Lanes {};
template <int N, int... I>
struct FirstLanes : FirstLanes<N - 1, N - 1, I...> {};
template <int... I>
struct FirstLanes<0, I...> {
  using type = Lanes<I...>;
};
template <class Order, int... I>
VEC_INLINE vi shuffleLanes(vi a, vi b, Lanes<I...>) {
#if defined(__clang__) || __GNUC__ >= 12
  return __builtin_shufflevector(a, b, Order::from(I)...);
#else
  return __builtin_shuffle(a, b, vi{Order::from(I)...});
#endif
}
template <class Order>
VEC_INLINE vi shuffle(vi a, vi b) {
  return shuffleLanes<Order>(a, b, typename FirstLanes<W>::type{});
}

// f of all lanes together, in every lane; f commutes.
template <int distance>
struct Swapped {
  static constexpr int from(int i) { return i ^ distance; }
};
template <int distance, class V, class F>
VEC_INLINE V foldLanes(V x, F f) {
  if constexpr (distance * 4 < (int)sizeof(x[0])) {
    return x;
  } else {
    vi other = shuffle<Swapped<distance>>((vi)x, (vi)x);
    return foldLanes<distance / 2>(f(x, (V)other), f);
  }
}
template <class V, class F>
VEC_INLINE V foldLanes(V x, F f) {
  return foldLanes<W / 2>(x, f);
}

VEC_INLINE double sumLanes(vd x) {
  double s[WD];
  __builtin_memcpy(s, &x, sizeof s);
  for (int step = WD / 2; step > 0; step /= 2)
    for (int i = 0; i < step; i++) s[i] += s[i + step];
  return s[0];
}

}  // namespace
}  // namespace evengrad::ISA
