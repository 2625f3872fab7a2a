// The lines of (outer, n, inner) along its middle axis, taken by vectors: along a line where inner
// is 1, across W neighbouring ones otherwise, a lane each.
#pragma once

#include "expLanes.h"

namespace evengrad::ISA {
namespace {

// A lambda called from a loop over vectors.
#define VEC_BODY __attribute__((always_inline))

// Double lanes for the lanes of one vf.
struct Wide {
  vd low, high;

  VEC_INLINE Wide operator+(const Wide& o) const { return {low + o.low, high + o.high}; }
  VEC_INLINE Wide operator-(const Wide& o) const { return {low - o.low, high - o.high}; }
  VEC_INLINE Wide operator*(const Wide& o) const { return {low * o.low, high * o.high}; }
  VEC_INLINE Wide operator/(const Wide& o) const { return {low / o.low, high / o.high}; }
};

VEC_INLINE Wide wide(vf x) { return {lower(x), upper(x)}; }
VEC_INLINE Wide wide(double x) { return {splat(x), splat(x)}; }
VEC_INLINE vf narrow(const Wide& x) { return join(x.low, x.high); }
VEC_INLINE Wide mulAdd(const Wide& a, const Wide& b, const Wide& c) {
  return {fma(a.low, b.low, c.low), fma(a.high, b.high, c.high)};
}
template <vd (*f)(vd)>
VEC_INLINE Wide each(const Wide& x) {
  return {f(x.low), f(x.high)};
}

// A factor with twice the digits of a float: products with it are rounded about once.
struct Factor {
  vf high, low;

  VEC_INLINE explicit Factor(const Wide& x) : high(narrow(x)), low(narrow(x - wide(high))) {}
  VEC_INLINE vf times(vf x) const { return fma(x, high, x * low); }
};

VEC_INLINE double sqrtOf(double x) { return sqrt(splat(x))[0]; }

VEC_INLINE vi laneIndices() {
  vi r;
  VEC_UNROLL
  for (int i = 0; i < W; i++) r[i] = i;
  return r;
}

// `lanes` elements from p on, W or fewer; the other lanes are `rest`.
VEC_INLINE vf loadSome(const float* p, int lanes, float rest) {
  if (lanes == W) return load(p);
  vf x = loadPartial(p, lanes);
  return laneIndices() < splat(lanes) ? x : splat(rest);
}
VEC_INLINE vf loadSome(const float* p, int lanes) {
  return lanes == W ? load(p) : loadPartial(p, lanes);
}
VEC_INLINE void storeSome(float* p, int lanes, vf x) {
  if (lanes == W)
    store(p, x);
  else
    storePartial(p, lanes, x);
}

// One line, its elements side by side. What is reduced ends in every lane.
struct Along {
  int64_t n;

  // How many of the vectors are full and lie one after the other.
  VEC_INLINE int64_t run() const { return n / W; }

  // body(offset, lanes, the lanes' indices on the axis) for every vector from one on.
  template <class Body>
  VEC_INLINE void visit(Body body, int64_t first = 0) const {
    vi index = laneIndices() + splat((int32_t)(first * W));
    for (int64_t i = first * W; i < n; i += W, index += W) body(i, (int)smaller(W, n - i), index);
  }

  // The same for a short body: the last vector, which may not be full, has code of its own.
  template <class Body>
  VEC_INLINE void visitTwice(Body body) const {
    int64_t i = 0;
    for (; i + W <= n; i += W) body(i, W);
    if (i < n) body(i, (int)(n - i));
  }

  // NaN is not seen.
  VEC_INLINE vf largest(const float* x) const {
    vf best[4];
    VEC_UNROLL
    for (int u = 0; u < 4; u++) best[u] = splat(-__builtin_inff());
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
      VEC_UNROLL
      for (int u = 0; u < 4; u++) best[u] = maxOf(load(x + i + u * W), best[u]);
    }
    for (; i < n; i += W)
      best[0] = maxOf(loadSome(x + i, (int)smaller(n - i, W), -__builtin_inff()), best[0]);
    vf r = maxOf(maxOf(best[0], best[1]), maxOf(best[2], best[3]));
    return foldLanes(r, [](vf a, vf b) VEC_BODY { return maxOf(a, b); });
  }

  static VEC_INLINE Wide sum(const Wide& x) {
    vd s = foldLanes(x.low + x.high, [](vd a, vd b) VEC_BODY { return a + b; });
    return {s, s};
  }
  static VEC_INLINE Wide sum(PositiveSum& x) {
    x.flush();
    return sum(Wide{x.low, x.high});
  }

  // One value per line: its doubles, and where it lies in memory.
  static VEC_INLINE Wide widen(vf x) { return {lower(x), lower(x)}; }
  static VEC_INLINE vf perLine(const float* p) { return splat(*p); }
  static VEC_INLINE vi perLine(const int32_t* p) { return splat(*p); }
  static VEC_INLINE void storePerLine(float* p, vf x) { *p = x[0]; }

  // One value per index of the axis, for the vector of those indices.
  static VEC_INLINE vf perIndex(const float* p, vi index, int lanes) {
    return loadSome(p + index[0], lanes);
  }
  // x, or what is one value per index, at an index for each line; 0 where it is not wanted.
  static VEC_INLINE vf at(const float* x, vi index, vi wanted) {
    return splat(wanted[0] ? x[index[0]] : 0.0f);
  }
  static VEC_INLINE vf perIndexAt(const float* p, vi index, vi wanted) {
    return at(p, index, wanted);
  }
};

// `lanes` lines side by side, W or fewer, a lane each; their elements are `stride` apart.
struct Across {
  int64_t n, stride;
  int lanes;

  VEC_INLINE int64_t run() const { return stride == W && lanes == W ? n : 0; }

  template <class Body>
  VEC_INLINE void visit(Body body, int64_t first = 0) const {
    vi index = splat((int32_t)first);
    for (int64_t i = first; i < n; i++, index += 1) body(i * stride, lanes, index);
  }

  VEC_INLINE vf largest(const float* x) const {
    vf best = splat(-__builtin_inff());
    visit([&](int64_t i, int some, vi) VEC_BODY { best = maxOf(loadSome(x + i, some), best); });
    return best;
  }

  static VEC_INLINE Wide sum(const Wide& x) { return x; }
  static VEC_INLINE Wide sum(PositiveSum& x) {
    x.flush();
    return {x.low, x.high};
  }
  static VEC_INLINE Wide widen(vf x) { return wide(x); }
  VEC_INLINE vf perLine(const float* p) const { return loadSome(p, lanes); }
  VEC_INLINE vi perLine(const int32_t* p) const { return (vi)loadSome((const float*)p, lanes); }
  VEC_INLINE void storePerLine(float* p, vf x) const { storeSome(p, lanes, x); }

  static VEC_INLINE vf perIndex(const float* p, vi index, int) { return splat(p[index[0]]); }
  VEC_INLINE vf at(const float* x, vi index, vi wanted) const {
    vf r = {};
    for (int k = 0; k < lanes; k++)
      if (wanted[k]) r[k] = x[index[k] * stride + k];
    return r;
  }
  VEC_INLINE vf perIndexAt(const float* p, vi index, vi wanted) const {
    vf r = {};
    for (int k = 0; k < lanes; k++)
      if (wanted[k]) r[k] = p[index[k]];
    return r;
  }
};

// Lines of up to this many elements are turned, W at a time, so that they lie across vectors: along
// short ones, most of the work would be in their ends.
constexpr int64_t shortLine = 64;

// Lines of n side by side in memory to lanes, and back.
VEC_ONCE inline void turnLines(const float* lines, int64_t n, int lanes, float* tile) {
  for (int l = 0; l < lanes; l++)
    for (int64_t i = 0; i < n; i++) tile[i * W + l] = lines[l * n + i];
}
VEC_ONCE inline void turnBack(const float* tile, int64_t n, int lanes, float* lines) {
  for (int l = 0; l < lanes; l++)
    for (int64_t i = 0; i < n; i++) lines[l * n + i] = tile[i * W + l];
}

template <class Line, class Body>
VEC_ONCE void onLine(const Body& body, Line line, const float* const* in, float* out,
                     int64_t number) {
  body(line, in, out, number);
}

// body(line or lines, their inputs, their output, number of the first), the first `wide` inputs of
// a call being (outer, n, inner), as are its first parameters; so is the output, or else it is
// (outer, inner).
template <int wide, class Body>
inline void everyLine(Context& context, const Call& call, bool wideOut, Body body) {
  constexpr int64_t piece = 16384;  // elements of a task
  int64_t outer = call.integer(0), n = call.integer(1), inner = call.integer(2);
  if (n == 0) return;
  struct Blocks {
    const float* in[wide];
    float* out;
  };
  Blocks all{{}, call.out[0].f32()};
  for (int k = 0; k < wide; k++) all.in[k] = call.in[k].f32();
  auto from = [=](int64_t at, int64_t line) {
    Blocks b{{}, all.out + (wideOut ? at : line)};
    for (int k = 0; k < wide; k++) b.in[k] = all.in[k] + at;
    return b;
  };
  if (inner == 1 && n <= shortLine && n <= 4 * outer) {
    parallelRange(context, outer, roundUp(piece / n, W), [=](int64_t begin, int64_t end, int) {
      float turned[wide + 1][W * shortLine];
      for (int64_t o = begin; o < end; o += W) {
        int lanes = (int)smaller(W, end - o);
        Blocks own = from(o * n, o), tile{{}, wideOut ? turned[wide] : own.out};
        for (int k = 0; k < wide; k++) {
          tile.in[k] = turned[k];
          turnLines(own.in[k], n, lanes, turned[k]);
        }
        onLine(body, Across{n, W, lanes}, tile.in, tile.out, o);
        if (wideOut) turnBack(turned[wide], n, lanes, own.out);
      }
    });
  } else if (inner == 1) {
    parallelRange(context, outer, larger(1, piece / n), [=](int64_t begin, int64_t end, int) {
      for (int64_t o = begin; o < end; o++) {
        Blocks own = from(o * n, o);
        onLine(body, Along{n}, own.in, own.out, o);
      }
    });
  } else {
    int64_t blocks = ceilDiv(inner, W);
    parallelRange(context, outer * blocks, larger(1, piece / (n * W)),
                  [=](int64_t begin, int64_t end, int) {
                    for (int64_t item = begin; item < end; item++) {
                      int64_t o = item / blocks, c = item % blocks * W;
                      Blocks own = from(o * n * inner + c, o * inner + c);
                      onLine(body, Across{n, inner, (int)smaller(W, inner - c)}, own.in, own.out,
                             o * inner + c);
                    }
                  });
  }
}

}  // namespace
}  // namespace evengrad::ISA
