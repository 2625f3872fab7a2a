// What each operation of `map` on one operand computes, in double precision, and the error allowed.
#pragma once

#include "check.h"

namespace test {

struct Function {
  MapOp op;
  double limit;  // ULP
  double (*f)(double);
};

inline double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}
inline double softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }
// x·f where f underflows: the limit, not NaN.
inline double scaled(double x, double f) { return f == 0 ? std::copysign(0, x) : x * f; }

// Those that round more than once.
inline const Function inexactFunctions[] = {
    {op_exp, 1, std::exp},
    {op_expm1, 1, std::expm1},
    {op_log, 1, std::log},
    {op_log1p, 1, std::log1p},
    {op_rsqrt, 1, [](double x) { return 1 / std::sqrt(x); }},
    {op_sin, 1, std::sin},
    {op_cos, 1, std::cos},
    {op_tanh, 1, std::tanh},
    {op_erf, 1, std::erf},
    {op_erfc, 1, std::erfc},
    {op_sigmoid, 1, sigmoid},
    {op_softplus, 2, [](double x) { return std::isnan(x) ? x : softplus(x); }},
    {op_logSigmoid, 2, [](double x) { return std::isnan(x) ? x : -softplus(-x); }},
    {op_gelu, 2, [](double x) { return scaled(x, std::erfc(x * -0.7071067811865476) / 2); }},
    {op_geluTanh, 2,
     [](double x) { return scaled(x, sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))); }},
    {op_silu, 2, [](double x) { return scaled(x, sigmoid(x)); }},
    // tanh(ln(1 + e)) = e(e + 2)/(e(e + 2) + 2)
    {op_mish, 2,
     [](double x) {
       if (x > 40) return x;
       double e = std::exp(x), n = e * (e + 2);
       return scaled(x, n / (n + 2));
     }},
};

inline const Function exactFunctions[] = {
    {op_neg, 0, [](double x) { return -x; }},
    {op_abs, 0, std::fabs},
    {op_sign, 0, [](double x) { return std::isnan(x) ? x : (x > 0) - (double)(x < 0); }},
    {op_sqrt, 0.5, std::sqrt},
    {op_reciprocal, 0.5, [](double x) { return 1 / x; }},
    {op_square, 0.5, [](double x) { return x * x; }},
    {op_relu, 0, [](double x) { return x <= 0 ? 0 : x; }},
    {op_floor, 0, std::floor},
    {op_ceil, 0, std::ceil},
    {op_round, 0, std::nearbyint},
    {op_logicalNot, 0, [](double x) { return (double)(x == 0); }},
    {op_isFinite, 0, [](double x) { return (double)std::isfinite(x); }},
    {op_isNaN, 0, [](double x) { return (double)std::isnan(x); }},
};

// Whether a result of zero has the sign of the exact one.
inline bool keepsZero(int op) {
  return op != op_sign && op != op_relu && op != op_softplus && op != op_logSigmoid;
}

inline std::vector<double> unaryParams(int op, int64_t n) {
  return {1, (double)n, 1, 0, 1, (double)op, 0, 0, 0, 1};
}

}  // namespace test
