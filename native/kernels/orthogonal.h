// orthogonal: Q of a QR factorization, by Householder reflections in double, with diag(R) made
// positive (Mezzadri, 2007).
//
// params  m, n with m ≥ n
// in, out f32 (m, n)
#pragma once

namespace evengrad::ISA {
namespace {

inline const char* orthogonalCheck(const Call& call) {
  if (call.nIn != 1 || call.nOut != 1 || call.nParams != 2) return wrongArguments;
  if (!sizes(call, 0, 2) || call.params[0] < call.params[1]) return wrongParameters;
  if (call.in[0].dtype != DType::f32 || call.out[0].dtype != DType::f32) return wrongTypes;
  int64_t count = product(call.integer(0), call.integer(1));
  if (count < 0 || product(call.integer(0) + 7, call.integer(1) + 8, 8) < 0) return wrongParameters;
  return call.in[0].count == count && call.out[0].count == count ? nullptr : wrongCounts;
}

// Columns of m doubles, and for each its reflection's factor and the sign of its diagonal.
inline int64_t orthogonalScratch(const Call& call, int) {
  return (call.integer(0) + 2) * call.integer(1) * 8;
}

inline double dot(const double* x, const double* y, int64_t n) {
  vd s[4] = {};
  int64_t i = 0;
  for (; i + 4 * WD <= n; i += 4 * WD) {
    VEC_UNROLL
    for (int u = 0; u < 4; u++) s[u] = fma(load(x + i + u * WD), load(y + i + u * WD), s[u]);
  }
  double r = sumLanes((s[0] + s[1]) + (s[2] + s[3]));
  for (; i < n; i++) r += x[i] * y[i];
  return r;
}

// y −= scale·x
inline void subtract(double* y, const double* x, double scale, int64_t n) {
  vd s = splat(-scale);
  int64_t i = 0;
  for (; i + WD <= n; i += WD) store(y + i, fma(s, load(x + i), load(y + i)));
  for (; i < n; i++) y[i] -= scale * x[i];
}

inline void orthogonalRun(const Call& call, const void*, Context& context) {
  const int64_t m = call.integer(0), n = call.integer(1);
  if (m * n == 0) return;
  const float* in = call.in[0].f32();
  float* out = call.out[0].f32();
  double *columns = (double*)context.scratch, *factor = columns + m * n, *sign = factor + n;
  parallelRange(context, n, 16, [=](int64_t begin, int64_t end, int) {
    for (int64_t j = begin; j < end; j++)
      for (int64_t i = 0; i < m; i++) columns[j * m + i] = in[i * n + j];
  });

  // Column k becomes v with H = I − factor·v·vᵀ, which sends it to a multiple of e_k.
  for (int64_t k = 0; k < n; k++) {
    double* v = columns + k * m + k;
    int64_t length = m - k;
    double norm = sqrtOf(dot(v, v, length));
    double diagonal = v[0] > 0 ? -norm : norm;  // R's, away from v₀
    v[0] -= diagonal;
    factor[k] = norm == 0 ? 0 : -1 / (diagonal * v[0]);
    sign[k] = diagonal < 0 ? -1 : 1;
    int64_t grain = larger(1, 16384 / length);
    parallelRange(context, n - k - 1, grain, [=](int64_t begin, int64_t end, int) {
      for (int64_t j = k + 1 + begin; j < k + 1 + end; j++) {
        double* x = columns + j * m + k;
        subtract(x, v, factor[k] * dot(v, x, length), length);
      }
    });
  }

  // Q = H₀H₁…, column by column from the last: column k is H_k e_k, and H_k is applied to those
  // after it.
  for (int64_t k = n - 1; k >= 0; k--) {
    double* v = columns + k * m + k;
    int64_t length = m - k;
    int64_t grain = larger(1, 16384 / length);
    parallelRange(context, n - k - 1, grain, [=](int64_t begin, int64_t end, int) {
      for (int64_t j = k + 1 + begin; j < k + 1 + end; j++) {
        double* x = columns + j * m + k;
        subtract(x, v, factor[k] * dot(v, x, length), length);
      }
    });
    double f = factor[k], first = v[0];
    for (int64_t i = 0; i < length; i++) v[i] *= -f * first;
    v[0] += 1;
    for (int64_t i = 0; i < k; i++) columns[k * m + i] = 0;
  }

  parallelRange(context, m, larger(1, 16384 / n), [=](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; i++)
      for (int64_t j = 0; j < n; j++) out[i * n + j] = (float)(columns[j * m + i] * sign[j]);
  });
}

constexpr Kernel kernel_orthogonal = {"orthogonal", orthogonalCheck, orthogonalScratch,
                                      nullptr,      nullptr,         orthogonalRun};

}  // namespace
}  // namespace evengrad::ISA
