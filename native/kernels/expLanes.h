// eˣ in float lanes, below 1 ULP, and sums of it: for what is normalized, where the largest element
// has been taken off.
#pragma once

#include "maths.h"

namespace evengrad::ISA {
namespace {

VEC_INLINE vf maxOf(vf a, vf b) { return a > b ? a : b; }  // b where one is NaN

// eˣ = 2ᵏ(1 + r·q), r = x − k·ln 2, |r| ≤ ½ ln 2
struct FloatExponential {
  vf k, r, q;

  // From −120 on, below which eˣ rounds to 0; not for x > 88.
  VEC_INLINE explicit FloatExponential(vf x) {
    constexpr float magic = 0x1.8p23f, ln2High = 0x1.62e4p-1f, ln2Low = 0x1.7f7d1cp-20f;
    x = maxOf(splat(-120.0f), x);
    k = fma(x, splat((float)log2e), splat(magic)) - splat(magic);
    r = fma(k, splat(-ln2Low), fma(k, splat(-ln2High), x));
    // by minimax of e^r: 4e-9
    q = fma(splat(1.3863652711734176e-3f), r, splat(8.367625065147877e-3f));
    q = fma(q, r, splat(4.166724160313606e-2f));
    q = fma(q, r, splat(1.6666533052921295e-1f));
    q = fma(q, r, splat(0.5f));
    q = fma(q, r, splat(1.0f));
  }

  VEC_INLINE vf exp() const { return scaleBy(fma(q, r, splat(1.0f)), k); }
  VEC_INLINE vf expm1() const {
    vf scale = scaleBy(splat(1.0f), k);
    return fma(scale, q * r, scale - splat(1.0f));
  }
};

// For x ≤ 0: the rounding error of a difference x, as that from the largest, is multiplied by it.
VEC_INLINE vf floatExp(vf x) { return FloatExponential(x).exp(); }

// A sum of float lanes that are not negative: some in floats, then in double.
struct PositiveSum {
  static constexpr int some = 16;
  vd low = {}, high = {};
  vf part = {};
  int count = 0;

  VEC_INLINE void add(vf x) {
    part += x;
    if (++count == some) flush();
  }
  VEC_INLINE void flush() {
    low += lower(part);
    high += upper(part);
    part = vf{};
    count = 0;
  }
};

}  // namespace
}  // namespace evengrad::ISA
