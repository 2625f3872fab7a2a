// The operations of `map`: one struct for each MAP row of ops.def, with its formula on vectors.
#pragma once

#include "mathsErf.h"
#include "mathsGated.h"

namespace evengrad::ISA {
namespace {

// A short operation runs on an accumulator of vectors in registers, a long one from memory to
// memory.
struct Short {
  static constexpr bool isLong = false, isGuarded = false;
  static constexpr int cost = 1;
};
struct Long {
  static constexpr bool isLong = true, isGuarded = false;
  static constexpr int together = VEC_FMA ? 4 : 1;  // vectors, whose operations are mixed
  static constexpr int cost = 4;
};
// In double lanes, which are two chains for each vector, on every ISA.
struct Double : Long {
  static constexpr int together = 1;
};
// With an `apply` in float lanes for most operands.
struct Guarded : Long {
  static constexpr bool isGuarded = true;
};

#define EVENGRAD_FUNCTION(name, kind, R, parameters, formula) \
  struct map_##name : kind {                                  \
    static VEC_INLINE R apply parameters { return formula; }  \
  };
#define EVENGRAD_UNARY(name, formula) EVENGRAD_FUNCTION(name, Short, vf, (vf x), formula)
#define EVENGRAD_LONG(name, formula) EVENGRAD_FUNCTION(name, Long, vf, (vf x), formula)
#if VEC_FMA
#define EVENGRAD_GUARDED(name, Float)                                \
  struct map_##name : Guarded, Float {                               \
    static VEC_INLINE vf careful(vf x) { return inDouble<name>(x); } \
  };
#else
#define EVENGRAD_GUARDED(name, Float) EVENGRAD_LONG(name, inDouble<name>(x))
#endif
#define EVENGRAD_BINARY(name, formula) EVENGRAD_FUNCTION(name, Short, vf, (vf a, vf b), formula)
#define EVENGRAD_INT_UNARY(name, formula) EVENGRAD_FUNCTION(name, Short, vi, (vi x), formula)
#define EVENGRAD_INT_BINARY(name, R, formula) \
  EVENGRAD_FUNCTION(name, Short, R, (vi a, vi b), formula)

VEC_INLINE vi isNaN(vf x) { return x != x; }
VEC_INLINE vi truth(vf x) { return x != splat(0.0f); }  // NaN is true

EVENGRAD_UNARY(neg, (vf)((vi)x ^ splat(INT32_MIN)))
EVENGRAD_UNARY(abs, abs(x))
EVENGRAD_UNARY(sign, isNaN(x) ? x : maskToFloat(x > splat(0.0f)) - maskToFloat(x < splat(0.0f)))
EVENGRAD_LONG(exp, exp(x))
EVENGRAD_GUARDED(expm1, FloatExpm1)
EVENGRAD_GUARDED(log, FloatLog)
EVENGRAD_GUARDED(log1p, FloatLog1p)
EVENGRAD_UNARY(sqrt, sqrt(x))
EVENGRAD_LONG(rsqrt, rsqrt(x))
EVENGRAD_UNARY(reciprocal, splat(1.0f) / x)
EVENGRAD_UNARY(square, x* x)
EVENGRAD_FUNCTION(sin, Double, vf, (vf x), sinOrCos(x, 0))
EVENGRAD_FUNCTION(cos, Double, vf, (vf x), sinOrCos(x, 1))
EVENGRAD_LONG(tanh, tanh(x))
EVENGRAD_LONG(erf, erf(x))
EVENGRAD_LONG(erfc, erfc(x))
EVENGRAD_GUARDED(sigmoid, FloatSigmoid)
EVENGRAD_LONG(softplus, softplus(x))
EVENGRAD_LONG(logSigmoid, logSigmoid(x))
EVENGRAD_LONG(gelu, gelu(x))
EVENGRAD_LONG(geluTanh, geluTanh(x))
EVENGRAD_GUARDED(silu, FloatSilu)
EVENGRAD_LONG(mish, mish(x))
EVENGRAD_UNARY(relu, maxOf(vf{}, x))
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
EVENGRAD_FUNCTION(pow, Long, vf, (vf a, vf b), pow(a, b))
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

EVENGRAD_FUNCTION(where, Short, vf, (vf condition, vf a, vf b), truth(condition) ? a : b)

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

EVENGRAD_FUNCTION(whereI, Short, vi, (vf condition, vi a, vi b), truth(condition) ? a : b)
EVENGRAD_FUNCTION(toI32, Short, vi, (vf x), toInt(x))
EVENGRAD_FUNCTION(toF32, Short, vf, (vi x), convert(x))

#undef EVENGRAD_FUNCTION
#undef EVENGRAD_UNARY
#undef EVENGRAD_LONG
#undef EVENGRAD_GUARDED
#undef EVENGRAD_BINARY
#undef EVENGRAD_INT_UNARY
#undef EVENGRAD_INT_BINARY

}  // namespace
}  // namespace evengrad::ISA
