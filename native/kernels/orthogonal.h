// orthogonal: Q of a QR factorization, by blocked Householder reflections, with diag(R) made
// positive (Mezzadri, 2007).
//
// params  m, n with m ≥ n
// in, out f32 (m, n)
//
// Every sum has one order, whatever the width of vectors: instruction sets that have a fused
// multiply-add agree to the bit.
#pragma once

#include "product.h"

namespace evengrad::ISA {
namespace {

// Reflections that are applied together: H₀H₁… = I − V·T·Vᵀ (Schreiber & Van Loan, 1989).
constexpr int64_t panelWidth = 48;
// No product here is summed lane by lane: of those with a panel's terms there are too few terms,
// and Vᵀ·C, of more, has at least as many columns as the narrowest of several panels, n/⌈n/48⌉.
static_assert(panelWidth < dotTerms, "instruction sets would sum in other orders");
static_assert(panelWidth / 2 > thinColumns, "instruction sets would sum in other orders");
// Terms of a product at a time, which it then sums one after the other.
constexpr int64_t termsAtOnce = 256;
static_assert(termsAtOnce <= tileSizes.KC, "instruction sets would sum other blocks of terms");
// Elements of a vector that are taken together: a whole number of vectors of any kind.
constexpr int64_t group = 16;

// Floats from reflection to reflection, with zeros after the m of each: what begins anywhere in it
// can be read in whole groups, and columns of reflections do not fall on one set of a cache.
inline int64_t reflectionStride(int64_t m) { return roundUp(m, group) + group; }

// Some columns whose reflections are applied together to the columns C after them. V has a row for
// each, which begins at the first's diagonal, with zeros before its own; T has rows of panelWidth.
struct Panel {
  int64_t at, width, length, rest;  // first column; columns; rows from there on; columns after it
  int64_t n, stride;

  int64_t vAt() const { return at * (stride + 1); }
  int64_t tAt() const { return at * panelWidth; }
  // W (width, rest) = Vᵀ·C
  Product along() const { return {width, rest, length, stride, 1, n, 1, rest, 1, {}}; }
  // T·W or Tᵀ·W
  Product combined(bool transposed) const {
    const int64_t row = transposed ? 1 : panelWidth;
    return {width, rest, width, row, panelWidth + 1 - row, rest, 1, rest, 1, {}};
  }
  // C (length, rest) −= V·W
  Product taken() const { return {length, rest, width, 1, stride, rest, 1, n, 1, {-1, true}}; }
  // (length, width) = −V·X
  Product own() const { return {length, width, width, 1, stride, width, 1, n, 1, {-1}}; }
};

struct Orthogonal {
  int64_t m, n, stride, panels;

  explicit Orthogonal(const Call& call)
      : m(call.integer(0)),
        n(call.integer(1)),
        stride(reflectionStride(m)),
        panels(ceilDiv(n, panelWidth)) {}

  // As equal as they can be, so that none is narrower than half of panelWidth.
  Panel panel(int64_t i) const {
    const int64_t at = i * n / panels, next = (i + 1) * n / panels;
    return {at, next - at, m - at, n - next, n, stride};
  }
  // Reflections, their T, two products with them, the signs of R's diagonal.
  int64_t floats() const { return n * (stride + 3 * panelWidth + 1) + panelWidth * panelWidth; }
};

// body(part, first term) of the product's parts.
template <class Body>
inline void parts(Product p, Body body) {
  const int64_t K = p.K;
  for (int64_t term = 0; term < K; term += termsAtOnce) {
    p.K = smaller(termsAtOnce, K - term);
    body(p, term);
    p.epilogue.add = true;
  }
}

inline const char* orthogonalCheck(const Call& call) {
  if (call.nIn != 1 || call.nOut != 1 || call.nParams != 2) return wrongArguments;
  if (!sizes(call, 0, 2) || call.params[0] < call.params[1]) return wrongParameters;
  if (call.in[0].dtype != DType::f32 || call.out[0].dtype != DType::f32) return wrongTypes;
  int64_t count = product(call.integer(0), call.integer(1));
  if (count < 0 || product(call.integer(0) + 4 * panelWidth, call.integer(1) + panelWidth, 4) < 0)
    return wrongParameters;
  return call.in[0].count == count && call.out[0].count == count ? nullptr : wrongCounts;
}

inline int64_t orthogonalScratch(const Call& call, int threads) {
  if (call.out[0].count == 0) return 0;
  const Orthogonal o(call);
  int64_t most = 0;
  auto count = [&](const Product& whole) {
    parts(whole,
          [&](const Product& part, int64_t) { most = larger(most, Scheme(part).bytes(threads)); });
  };
  for (int64_t i = 0; i < o.panels; i++) {
    const Panel p = o.panel(i);
    count(p.own());
    if (p.rest)
      count(p.along()), count(p.combined(false)), count(p.combined(true)), count(p.taken());
  }
  return alignUp(4 * o.floats()) + most;
}

// sums[r] = x · row r, of R rows.
template <int R>
inline void dots(const float* x, const float* rows, int64_t stride, int64_t length, float* sums) {
  constexpr int vectors = group / W;
  vf s[R][vectors] = {};
  for (int64_t i = 0; i < length; i += group) {
    VEC_UNROLL
    for (int u = 0; u < vectors; u++) {
      vf factor = load(x + i + u * W);
      VEC_UNROLL
      for (int r = 0; r < R; r++)
        s[r][u] = fma(factor, load(rows + r * stride + i + u * W), s[r][u]);
    }
  }
  for (int r = 0; r < R; r++) {
    float lanes[group];
    for (int u = 0; u < vectors; u++) store(lanes + u * W, s[r][u]);
    for (int half = group / 2; half > 0; half /= 2)
      for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    sums[r] = lanes[0];
  }
}

// y −= scale·x
inline void subtract(float* y, const float* x, float scale, int64_t length) {
  vf s = splat(-scale);
  for (int64_t i = 0; i < length; i += W) store(y + i, fma(s, load(x + i), load(y + i)));
}

// Makes x its reflection's vector, which begins with 1: H = I − factor·v·vᵀ sends x to a multiple
// of e₀, whose sign it tells.
inline float reflect(float* x, int64_t length, float* sign) {
  double square = 0;
  for (int64_t i = 0; i < length; i++) square += (double)x[i] * x[i];
  const double norm = sqrtOf(square), diagonal = x[0] > 0 ? -norm : norm;  // R's, away from x₀
  const double first = x[0] - diagonal;
  for (int64_t i = 1; norm != 0 && i < length; i++) x[i] = (float)(x[i] / first);
  x[0] = 1;
  *sign = diagonal < 0 ? -1 : 1;
  return norm == 0 ? 0 : (float)(-first / diagonal);
}

// The panel's rows, which are columns of the matrix, become their reflections; with T.
inline void factorPanel(const Panel& p, float* v, float* t, float* signs) {
  for (int64_t k = 0; k < p.width; k++) {
    float *x = v + k * p.stride, along[panelWidth];
    const float factor = reflect(x + k, p.length - k, signs + k);
    for (int64_t i = 0; i < k; i++) x[i] = 0;
    const int64_t begin = k / group * group, length = p.length - begin;
    int64_t r = 0;
    for (; r + 4 <= p.width; r += 4)
      dots<4>(x + begin, v + r * p.stride + begin, p.stride, length, along + r);
    for (; r < p.width; r++)
      dots<1>(x + begin, v + r * p.stride + begin, p.stride, length, along + r);
    for (int64_t j = k + 1; j < p.width; j++)
      subtract(v + j * p.stride + begin, x + begin, factor * along[j], length);
    // T's column: −factor·T·(Vᵀv) above the diagonal.
    for (int64_t i = 0; i < p.width; i++) {
      double sum = 0;
      for (int64_t l = i; l < k; l++) sum += (double)t[i * panelWidth + l] * along[l];
      t[i * panelWidth + k] = i < k ? (float)(-factor * sum) : i == k ? factor : 0;
    }
  }
}

inline void orthogonalRun(const Call& call, const void*, Context& context) {
  if (call.out[0].count == 0) return;
  const Orthogonal o(call);
  const int64_t m = o.m, n = o.n, stride = o.stride;
  const float* in = call.in[0].f32();
  float* out = call.out[0].f32();
  float *v = (float*)context.scratch, *t = v + n * stride, *w = t + n * panelWidth;
  float *tw = w + n * panelWidth, *signs = tw + n * panelWidth, *own = signs + n;
  char* memory = (char*)context.scratch + alignUp(4 * o.floats());
  auto run = [&](const Product& whole, const float* a, const float* b, float* c) {
    parts(whole, [&](const Product& part, int64_t term) {
      multiply(Scheme(part), {a + term * part.columnA, b + term * part.rowB, c}, &context, memory);
    });
  };
  // The columns after a panel become (I − V·Tᵀ·Vᵀ)·C or (I − V·T·Vᵀ)·C.
  auto apply = [&](const Panel& p, bool transposed) {
    float* c = out + p.at * n + p.at + p.width;
    run(p.along(), v + p.vAt(), c, w);
    run(p.combined(transposed), t + p.tAt(), w, tw);
    run(p.taken(), v + p.vAt(), tw, c);
  };

  parallelRange(context, m, 64, [=](int64_t begin, int64_t end, int) {
    __builtin_memcpy(out + begin * n, in + begin * n, (size_t)(4 * n * (end - begin)));
  });
  for (int64_t i = 0; i < o.panels; i++) {
    const Panel p = o.panel(i);
    float* rows = v + p.vAt();
    transpose(out + p.at * (n + 1), n, rows, stride, p.length, p.width);
    for (int64_t k = 0; k < p.width; k++)
      for (int64_t j = p.length; j < stride - p.at; j++) rows[k * stride + j] = 0;
    factorPanel(p, rows, t + p.tAt(), signs + p.at);
    if (p.rest) apply(p, true);
  }

  // Q = (H₀H₁…)(…)…, panel by panel from the last: a panel's own columns are its product with those
  // of the identity, and those after it are multiplied by it.
  for (int64_t i = o.panels; i-- > 0;) {
    const Panel p = o.panel(i);
    const float *rows = v + p.vAt(), *factors = t + p.tAt();
    float* diagonal = out + p.at * (n + 1);
    for (int64_t k = 0; k < p.width; k++)
      __builtin_memset(diagonal + k * n, 0, (size_t)(4 * (n - p.at)));
    for (int64_t k = 0; k < p.width; k++)
      for (int64_t j = 0; j < p.width; j++) {
        double sum = 0;
        for (int64_t l = k; l <= j; l++)
          sum += (double)factors[k * panelWidth + l] * rows[l * stride + j];
        own[k * p.width + j] = (float)sum * signs[p.at + j];
      }
    if (p.rest) apply(p, false);
    run(p.own(), rows, own, diagonal);
    for (int64_t k = 0; k < p.width; k++) diagonal[k * (n + 1)] += signs[p.at + k];
  }
}

constexpr Kernel kernel_orthogonal = {"orthogonal", orthogonalCheck, orthogonalScratch,
                                      nullptr,      nullptr,         orthogonalRun};

}  // namespace
}  // namespace evengrad::ISA
