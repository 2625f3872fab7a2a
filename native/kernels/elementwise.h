// The operations of `map`: one struct for each MAP row of ops.def, with its formula on vectors.
#pragma once

#include "maths.h"

namespace evengrad::ISA {
namespace {

#define EVENGRAD_UNARY(name, formula)                    \
  struct map_##name {                                    \
    static VEC_INLINE vf apply(vf x) { return formula; } \
  };
#define EVENGRAD_BINARY(name, formula)                         \
  struct map_##name {                                          \
    static VEC_INLINE vf apply(vf a, vf b) { return formula; } \
  };
#define EVENGRAD_INT_UNARY(name, formula)                \
  struct map_##name {                                    \
    static VEC_INLINE vi apply(vi x) { return formula; } \
  };
#define EVENGRAD_INT_BINARY(name, result, formula)                 \
  struct map_##name {                                              \
    static VEC_INLINE result apply(vi a, vi b) { return formula; } \
  };

VEC_INLINE vi isNaN(vf x) { return x != x; }
VEC_INLINE vi truth(vf x) { return x != splat(0.0f); }  // NaN is true

EVENGRAD_UNARY(neg, (vf)((vi)x ^ splat(INT32_MIN)))
EVENGRAD_UNARY(abs, abs(x))
EVENGRAD_UNARY(sign, isNaN(x) ? x : maskToFloat(x > splat(0.0f)) - maskToFloat(x < splat(0.0f)))
EVENGRAD_UNARY(exp, inDouble<exp>(x))
EVENGRAD_UNARY(expm1, inDouble<expm1>(x))
EVENGRAD_UNARY(log, inDouble<log>(x))
EVENGRAD_UNARY(log1p, inDouble<log1p>(x))
EVENGRAD_UNARY(sqrt, sqrt(x))
EVENGRAD_UNARY(rsqrt, join(splat(1.0) / sqrt(lower(x)), splat(1.0) / sqrt(upper(x))))
EVENGRAD_UNARY(reciprocal, splat(1.0f) / x)
EVENGRAD_UNARY(square, x* x)
EVENGRAD_UNARY(sin, sinOrCos(x, 0))
EVENGRAD_UNARY(cos, sinOrCos(x, 1))
EVENGRAD_UNARY(tanh, inDouble<tanh>(x))
EVENGRAD_UNARY(erf, inDouble<erf>(x))
EVENGRAD_UNARY(erfc, inDouble<erfc>(x))
EVENGRAD_UNARY(sigmoid, inDouble<sigmoid>(x))
EVENGRAD_UNARY(softplus, inDouble<softplus>(x))
EVENGRAD_UNARY(logSigmoid, inDouble<logSigmoid>(x))
EVENGRAD_UNARY(gelu, inDouble<gelu>(x))
EVENGRAD_UNARY(geluTanh, inDouble<geluTanh>(x))
EVENGRAD_UNARY(silu, inDouble<silu>(x))
EVENGRAD_UNARY(mish, inDouble<mish>(x))
EVENGRAD_UNARY(relu, x <= splat(0.0f) ? splat(0.0f) : x)
EVENGRAD_UNARY(floor, floor(x))
EVENGRAD_UNARY(ceil, ceil(x))
EVENGRAD_UNARY(round, roundEven(x))
EVENGRAD_UNARY(logicalNot, maskToFloat(x == splat(0.0f)))
EVENGRAD_UNARY(isFinite, maskToFloat(abs(x) < splat(__builtin_inff())))
EVENGRAD_UNARY(isNaN, maskToFloat(isNaN(x)))

EVENGRAD_BINARY(add, a + b)
EVENGRAD_BINARY(sub, a - b)
EVENGRAD_BINARY(mul, a* b)
EVENGRAD_BINARY(div, a / b)
EVENGRAD_BINARY(pow, pow(a, b))
EVENGRAD_BINARY(maximum, ((a > b) | isNaN(a)) ? a : b)
EVENGRAD_BINARY(minimum, ((a < b) | isNaN(a)) ? a : b)
EVENGRAD_BINARY(equal, maskToFloat(a == b))
EVENGRAD_BINARY(notEqual, maskToFloat(a != b))
EVENGRAD_BINARY(less, maskToFloat(a < b))
EVENGRAD_BINARY(lessEqual, maskToFloat(a <= b))
EVENGRAD_BINARY(greater, maskToFloat(a > b))
EVENGRAD_BINARY(greaterEqual, maskToFloat(a >= b))
EVENGRAD_BINARY(logicalAnd, maskToFloat(truth(a) & truth(b)))
EVENGRAD_BINARY(logicalOr, maskToFloat(truth(a) | truth(b)))

struct map_where {
  static VEC_INLINE vf apply(vf condition, vf a, vf b) { return truth(condition) ? a : b; }
};

// Integers wrap.
EVENGRAD_INT_UNARY(negI, (vi)(vu{} - (vu)x))
EVENGRAD_INT_UNARY(absI, x < 0 ? (vi)(vu{} - (vu)x) : x)
EVENGRAD_INT_UNARY(signI, (x < 0) - (x > 0))
EVENGRAD_INT_UNARY(squareI, (vi)((vu)x*(vu)x))
EVENGRAD_INT_BINARY(addI, vi, (vi)((vu)a + (vu)b))
EVENGRAD_INT_BINARY(subI, vi, (vi)((vu)a - (vu)b))
EVENGRAD_INT_BINARY(mulI, vi, (vi)((vu)a*(vu)b))
EVENGRAD_INT_BINARY(maximumI, vi, a > b ? a : b)
EVENGRAD_INT_BINARY(minimumI, vi, a < b ? a : b)
EVENGRAD_INT_BINARY(equalI, vf, maskToFloat(a == b))
EVENGRAD_INT_BINARY(notEqualI, vf, maskToFloat(a != b))
EVENGRAD_INT_BINARY(lessI, vf, maskToFloat(a < b))
EVENGRAD_INT_BINARY(lessEqualI, vf, maskToFloat(a <= b))
EVENGRAD_INT_BINARY(greaterI, vf, maskToFloat(a > b))
EVENGRAD_INT_BINARY(greaterEqualI, vf, maskToFloat(a >= b))

struct map_whereI {
  static VEC_INLINE vi apply(vf condition, vi a, vi b) { return truth(condition) ? a : b; }
};
struct map_toI32 {
  static VEC_INLINE vi apply(vf x) { return toInt(x); }
};
struct map_toF32 {
  static VEC_INLINE vf apply(vi x) { return convert(x); }
};

#undef EVENGRAD_UNARY
#undef EVENGRAD_BINARY
#undef EVENGRAD_INT_UNARY
#undef EVENGRAD_INT_BINARY

}  // namespace
}  // namespace evengrad::ISA
