// orthogonal: Q of a QR factorization, by blocked Householder reflections in double, with diag(R)
// made positive (Mezzadri, 2007).
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
  if (count < 0 || product(call.integer(0) + 16, call.integer(1) + 72, 8) < 0)
    return wrongParameters;
  return call.in[0].count == count && call.out[0].count == count ? nullptr : wrongCounts;
}

// Reflections that are applied together: H₀H₁… = I − V·T·Vᵀ (Schreiber & Van Loan, 1989).
constexpr int64_t panelWidth = 32;

// Doubles from column to column: not a power of two, so that columns do not fall on one set of a
// cache.
inline int64_t columnStride(int64_t m) { return ceilDiv(m, 8) * 8 + 8; }

// Columns of doubles, one more and a panel; for each column its reflection's factor and the sign of
// its diagonal.
inline int64_t orthogonalScratch(const Call& call, int) {
  const int64_t m = call.integer(0), n = call.integer(1);
  return (columnStride(m) * (n + 1 + panelWidth) + 2 * n) * 8;
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

constexpr int dotsV = 4, columnsC = 2, takenV = 8;
// Rows and columns of C at a time: with as much of V they stay in the L1 cache.
constexpr int64_t blockRows = 256, groupC = 8;

// w[v][c] += V_v·C_c for 4 columns of V and 2 of C, all of `length`, `ld` apart.
inline void dots(const double* V, const double* C, int64_t length, int64_t ld, double* w) {
  vd s[dotsV][columnsC] = {};
  int64_t i = 0;
  for (; i + WD <= length; i += WD) {
    vd c[columnsC];
    VEC_UNROLL
    for (int j = 0; j < columnsC; j++) c[j] = load(C + j * ld + i);
    VEC_UNROLL
    for (int k = 0; k < dotsV; k++) {
      vd v = load(V + k * ld + i);
      VEC_UNROLL
      for (int j = 0; j < columnsC; j++) s[k][j] = fma(v, c[j], s[k][j]);
    }
  }
  for (int k = 0; k < dotsV; k++)
    for (int j = 0; j < columnsC; j++) {
      double sum = sumLanes(s[k][j]);
      for (int64_t r = i; r < length; r++) sum += V[k * ld + r] * C[j * ld + r];
      w[k * groupC + j] += sum;
    }
}

// C_c −= Σ_v V_v·w[v][c] for 8 columns of V and 2 of C.
inline void take(double* C, const double* V, const double* w, int64_t length, int64_t ld) {
  vd factors[takenV][columnsC];
  VEC_UNROLL
  for (int k = 0; k < takenV; k++) {
    VEC_UNROLL
    for (int j = 0; j < columnsC; j++) factors[k][j] = splat(-w[k * groupC + j]);
  }
  int64_t i = 0;
  for (; i + WD <= length; i += WD) {
    vd c[columnsC];
    VEC_UNROLL
    for (int j = 0; j < columnsC; j++) c[j] = load(C + j * ld + i);
    VEC_UNROLL
    for (int k = 0; k < takenV; k++) {
      vd v = load(V + k * ld + i);
      VEC_UNROLL
      for (int j = 0; j < columnsC; j++) c[j] = fma(v, factors[k][j], c[j]);
    }
    VEC_UNROLL
    for (int j = 0; j < columnsC; j++) store(C + j * ld + i, c[j]);
  }
  for (; i < length; i++)
    for (int j = 0; j < columnsC; j++)
      for (int k = 0; k < takenV; k++) C[j * ld + i] -= V[k * ld + i] * w[k * groupC + j];
}

// A panel of reflections: V (length, width) by columns `ld` apart, with zeros above its diagonal,
// and T (width, width), upper triangular by rows.
struct Panel {
  const double* V;
  int64_t length, ld, width;
  double T[panelWidth * panelWidth];

  // T from the reflections' factors: T_jj = f_j, T_:j = −f_j·T·(Vᵀv_j) above it.
  void combine(const double* factors) {
    for (int64_t j = 0; j < width; j++) {
      double along[panelWidth];
      for (int64_t i = 0; i < j; i++) along[i] = dot(V + i * ld + j, V + j * ld + j, length - j);
      for (int64_t i = 0; i < j; i++) {
        double sum = 0;
        for (int64_t k = i; k < j; k++) sum += T[i * panelWidth + k] * along[k];
        T[i * panelWidth + j] = -factors[j] * sum;
      }
      for (int64_t i = j + 1; i < width; i++) T[i * panelWidth + j] = 0;
      T[j * panelWidth + j] = factors[j];
    }
  }

  // Up to `groupC` columns of C, an even number, `ld` apart: C −= V·(T or Tᵀ)·(Vᵀ·C).
  void apply(double* C, int64_t count, bool transposed) const {
    double w[panelWidth * groupC] = {}, tw[panelWidth * groupC];
    for (int64_t row = 0; row < length; row += blockRows) {
      const int64_t rows = smaller(blockRows, length - row);
      int64_t k = 0;
      for (; k + dotsV <= width; k += dotsV)
        for (int64_t j = 0; j < count; j += columnsC)
          dots(V + k * ld + row, C + j * ld + row, rows, ld, w + k * groupC + j);
      for (; k < width; k++)
        for (int64_t j = 0; j < count; j++)
          w[k * groupC + j] += dot(V + k * ld + row, C + j * ld + row, rows);
    }
    for (int64_t i = 0; i < width; i++)
      for (int64_t j = 0; j < count; j++) {
        double sum = 0;
        for (int64_t l = transposed ? 0 : i; l < (transposed ? i + 1 : width); l++)
          sum += T[transposed ? l * panelWidth + i : i * panelWidth + l] * w[l * groupC + j];
        tw[i * groupC + j] = sum;
      }
    for (int64_t row = 0; row < length; row += blockRows) {
      const int64_t rows = smaller(blockRows, length - row);
      int64_t k = 0;
      for (; k + takenV <= width; k += takenV)
        for (int64_t j = 0; j < count; j += columnsC)
          take(C + j * ld + row, V + k * ld + row, tw + k * groupC + j, rows, ld);
      for (; k < width; k++)
        for (int64_t j = 0; j < count; j++)
          subtract(C + j * ld + row, V + k * ld + row, tw[k * groupC + j], rows);
    }
  }
};

// Makes the panel's columns their reflections' vectors v, with zeros above: H = I − factor·v·vᵀ
// sends a column to a multiple of e_k.
inline void factorPanel(double* V, int64_t length, int64_t ld, int64_t width, double* factor,
                        double* sign) {
  for (int64_t k = 0; k < width; k++) {
    double* v = V + k * ld + k;
    const int64_t rest = length - k;
    double norm = sqrtOf(dot(v, v, rest));
    double diagonal = v[0] > 0 ? -norm : norm;  // R's, away from v₀
    v[0] -= diagonal;
    factor[k] = norm == 0 ? 0 : -1 / (diagonal * v[0]);
    sign[k] = diagonal < 0 ? -1 : 1;
    for (int64_t j = k + 1; j < width; j++) {
      double* x = V + j * ld + k;
      subtract(x, v, factor[k] * dot(v, x, rest), rest);
    }
    for (int64_t i = 0; i < k; i++) V[k * ld + i] = 0;
  }
}

inline void orthogonalRun(const Call& call, const void*, Context& context) {
  const int64_t m = call.integer(0), n = call.integer(1);
  if (m * n == 0) return;
  const float* in = call.in[0].f32();
  float* out = call.out[0].f32();
  const int64_t ld = columnStride(m);
  // Columns are taken in pairs: the one after the last is 0 and stays so.
  double *columns = (double*)context.scratch, *copy = columns + ld * (n + 1);
  double *factor = copy + ld * panelWidth, *sign = factor + n;
  parallelRange(context, n + 1, 16, [=](int64_t begin, int64_t end, int) {
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = begin; j < end; j++) columns[j * ld + i] = j < n ? in[i * n + j] : 0;
  });
  auto each = [&](const Panel& panel, int64_t from, bool transposed) {
    const Panel* p = &panel;
    double* first = columns + from * ld + (m - panel.length);
    // The pair that an odd column is in reaches into the column that stays 0.
    const int64_t count = ceilDiv(n - from, columnsC) * columnsC;
    parallelRange(context, ceilDiv(count, groupC), 1, [=](int64_t begin, int64_t end, int) {
      for (int64_t j = begin * groupC; j < end * groupC; j += groupC)
        p->apply(first + j * ld, smaller(groupC, count - j), transposed);
    });
  };

  for (int64_t at = 0; at < n; at += panelWidth) {
    Panel panel = {columns + at * ld + at, m - at, ld, smaller(panelWidth, n - at), {}};
    factorPanel(columns + at * ld + at, m - at, ld, panel.width, factor + at, sign + at);
    if (at + panel.width >= n) break;
    panel.combine(factor + at);
    each(panel, at + panel.width, true);
  }

  // Q = (H₀H₁…)(…)…, panel by panel from the last: a panel's own columns are its product with those
  // of the identity, and those after it are multiplied by it.
  for (int64_t at = (n - 1) / panelWidth * panelWidth; at >= 0; at -= panelWidth) {
    double* own = columns + at * ld + at;
    const int64_t width = smaller(panelWidth, n - at), length = m - at;
    Panel panel = {copy, length, ld, width, {}};
    for (int64_t k = 0; k < width; k++)
      for (int64_t i = 0; i < length; i++) copy[k * ld + i] = own[k * ld + i];
    panel.combine(factor + at);
    if (at + width < n) each(panel, at + width, false);
    for (int64_t k = 0; k < width; k++) {
      for (int64_t i = -at; i < length; i++) own[k * ld + i] = 0;
      own[k * ld + k] = 1;
    }
    for (int64_t k = 0; k < width; k += groupC)
      panel.apply(own + k * ld, smaller(groupC, ceilDiv(width - k, columnsC) * columnsC), false);
  }

  // Sixteen rows at a time: whole lines of the cache, as they are read.
  parallelRange(context, m, 16, [=](int64_t begin, int64_t end, int) {
    for (int64_t j = 0; j < n; j++)
      for (int64_t i = begin; i < end; i++) out[i * n + j] = (float)(columns[j * ld + i] * sign[j]);
  });
}

constexpr Kernel kernel_orthogonal = {"orthogonal", orthogonalCheck, orthogonalScratch,
                                      nullptr,      nullptr,         orthogonalRun};

}  // namespace
}  // namespace evengrad::ISA
