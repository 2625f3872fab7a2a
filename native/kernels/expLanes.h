// eˣ in float lanes, below 1 ULP, and sums of it: for what is normalized, where the largest element
// has been taken off.
#pragma once

#include "mathsFloat.h"

namespace evengrad::ISA {
namespace {

// For x ≤ 0: the rounding error of a difference x, as that from the largest, is multiplied by it.
VEC_INLINE vf floatExp(vf x) { return FloatExponential(x).expOfNegative(); }

// A sum of float lanes that are not negative: some in floats, then in double.
struct PositiveSum {
  static constexpr int some = 16;
  vd low = {}, high = {};
  vf part = {};
  int count = 0;

  VEC_INLINE void add(vf x, int terms = 1) {
    part += x;
    if ((count += terms) == some) flush();
  }
  VEC_INLINE void add(const vf (&x)[1]) { add(x[0]); }
  VEC_INLINE void add(const vf (&x)[4]) { add((x[0] + x[1]) + (x[2] + x[3]), 4); }
  VEC_INLINE void flush() {
    low += lower(part);
    high += upper(part);
    part = vf{};
    count = 0;
  }
};

}  // namespace
}  // namespace evengrad::ISA
