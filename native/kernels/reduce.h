// reduce: the middle axis of (outer, n, inner) to (outer, inner), in a fixed tree whatever the
// number of threads.
//
// params  kind (the index of its REDUCE row), outer, n, inner
// in      (outer, n, inner) f32, or i32 for sum, max, min, argmax and argmin
// out     (outer, inner) of the same type; argmax and argmin i32
#pragma once

#include "reduceKinds.h"

namespace evengrad::ISA {
namespace {

// One or two passes of one kind over elements of type T.
template <class Kind, class T, class R>
struct Reducer {
  using First = typename Kind::First;
  using Second = typename Kind::Second;
  using V = typename First::V;
  static constexpr bool twoPasses = !__is_same(Second, void);
  static constexpr int columnVectors = 4;
  static constexpr int block = columnVectors * W;  // columns reduced at a time

  // n contiguous elements, the first of them number `base` of its axis, to one partial.
  template <class Accumulator, class Merge>
  static Partial row(const T* x, int64_t n, const Accumulator& start, Merge merge) {
    Accumulator acc[4];
    vi index[4];
    VEC_UNROLL
    for (int u = 0; u < 4; u++) {
      acc[u] = start;
      index[u] = laneIndices() + u * W;
      acc[u].begin(index[u]);
    }
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
      VEC_UNROLL
      for (int u = 0; u < 4; u++) {
        acc[u].step(load(x + i + u * W), index[u]);
        index[u] += 4 * W;
      }
    }
    vi at = index[0];
    for (; i + W <= n; i += W) {
      acc[0].step(load(x + i), at);
      at += W;
    }
    if (n >= 4 * W) {
      acc[0].merge(acc[1]);
      acc[2].merge(acc[3]);
      acc[0].merge(acc[2]);
    }
    Partial p = n < W ? Partial{} : acc[0].all(merge);
    if (i < n) {
      Accumulator tail = start;
      tail.begin(at);
      tail.step(loadPartial(x + i, (int)(n - i)), at);
      for (int k = 0; k < (int)(n - i); k++) {
        if (n < W && k == 0)
          p = tail.lane(0);
        else
          merge(p, tail.lane(k));
      }
    }
    return p;
  }

  static VEC_ONCE Partial reduceRow(const T* x, int64_t n) {
    if constexpr (twoPasses) {
      Partial first =
          row(x, n, First{}, [](Partial& p, const Partial& q) { Kind::mergeFirst(p, q); });
      Partial known = Kind::between(first, n);
      Second second{};
      second.know(splat(known.a), splat(known.a), splat((int32_t)known.i));
      Partial p = row(x, n, second, [](Partial& p, const Partial& q) { p.b += q.b; });
      return Kind::after(known, p, n);
    } else {
      return row(x, n, First{}, [](Partial& p, const Partial& q) { Kind::merge(p, q); });
    }
  }

  // `columns` ≤ U·W columns of n rows, `stride` elements apart.
  template <int U, class Accumulator>
  static void columnPass(const T* x, int64_t n, int64_t stride, int columns, Accumulator* acc) {
    int last = columns - (U - 1) * W;  // columns of the last vector
    for (int u = 0; u < U; u++) acc[u].begin(vi{});
    vi index = vi{};
    if (last == W) {
      Accumulator local[U];
      VEC_UNROLL
      for (int u = 0; u < U; u++) local[u] = acc[u];
      for (int64_t r = 0; r < n; r++, x += stride, index += 1) {
        VEC_UNROLL
        for (int u = 0; u < U; u++) local[u].step(load(x + u * W), index);
      }
      VEC_UNROLL
      for (int u = 0; u < U; u++) acc[u] = local[u];
    } else {
      for (int64_t r = 0; r < n; r++, x += stride, index += 1) {
        for (int u = 0; u < U - 1; u++) acc[u].step(load(x + u * W), index);
        acc[U - 1].step(loadPartial(x + (U - 1) * W, last), index);
      }
    }
  }

  template <int U>
  static void columnsOf(const T* x, int64_t n, int64_t stride, int columns, Partial* out) {
    First first[U];
    columnPass<U>(x, n, stride, columns, first);
    for (int c = 0; c < columns; c++) out[c] = first[c / W].lane(c % W);
    if constexpr (twoPasses) {
      Second second[U] = {};
      for (int u = 0; u < U; u++) {
        vd low = {}, high = {};
        vi index = {};
        for (int k = 0; k < W && u * W + k < columns; k++) {
          Partial& p = out[u * W + k];
          p = Kind::between(p, n);
          if (k < WD)
            low[k] = p.a;
          else
            high[k - WD] = p.a;
          index[k] = (int32_t)p.i;
        }
        second[u].know(low, high, index);
      }
      columnPass<U>(x, n, stride, columns, second);
      for (int c = 0; c < columns; c++) out[c] = Kind::after(out[c], second[c / W].lane(c % W), n);
    }
  }

  static VEC_ONCE void reduceColumns(const T* x, int64_t n, int64_t stride, int columns,
                                     Partial* out) {
    int vectors = (int)ceilDiv(columns, W);
    if (vectors == 1) return columnsOf<1>(x, n, stride, columns, out);
    if (vectors == 2) return columnsOf<2>(x, n, stride, columns, out);
    if (vectors == 3) return columnsOf<3>(x, n, stride, columns, out);
    columnsOf<4>(x, n, stride, columns, out);
  }

  // Few columns: `fold` rows side by side make one row of vectors, then their partials merge.
  static VEC_ONCE void reduceFolded(const T* x, int64_t n, int columns, Partial* out) {
    int fold = block / columns;
    int64_t rows = n / fold;
    if (fold < 2 || rows < 4) return reduceColumns(x, n, columns, columns, out);
    Partial wide[block];
    int64_t width = (int64_t)fold * columns;
    reduceColumns(x, rows, width, (int)width, wide);
    for (int c = 0; c < columns; c++) {
      for (int f = 0; f < fold; f++) {
        Partial p = wide[f * columns + c];
        if (isIndex) p.i = p.i * fold + f;
        if (f == 0)
          out[c] = p;
        else
          Kind::merge(out[c], p);
      }
    }
    int64_t done = rows * fold;
    if (done == n) return;
    reduceColumns(x + done * columns, n - done, columns, columns, wide);
    for (int c = 0; c < columns; c++) {
      if (isIndex) wide[c].i += done;
      Kind::merge(out[c], wide[c]);
    }
  }

  // Whether Partial::i is an index of the axis, to be moved with its piece of it.
  static constexpr bool isIndex =
      __is_same(Kind, ArgLargest<V, false>) || __is_same(Kind, ArgLargest<V, true>);

  static void run(const T* x, R* out, const struct ReduceShape& s, Context& context);
};

struct ReduceShape {
  int64_t outer, n, inner;
  int64_t chunkRows, chunks;     // of the reduced axis
  int64_t blockColumns, blocks;  // of inner
  int64_t grain;                 // items (outer, chunk, block) per task

  // Pieces of about 32 Ki elements; the axis is split only where the other two are too small to
  // share out.
  explicit ReduceShape(const Call& call)
      : outer(call.integer(1)), n(call.integer(2)), inner(call.integer(3)) {
    constexpr int64_t piece = 32768;
    int64_t tall = larger(n, 1);
    blockColumns = smaller(larger(inner, 1), roundUp(larger(piece / tall, 1), 128));
    blocks = ceilDiv(inner, blockColumns);
    bool split = outer * blocks < 16 && n > 2 * piece / smaller(larger(inner, 1), blockColumns);
    chunkRows = split ? larger(piece / blockColumns, 1) : tall;
    chunks = ceilDiv(tall, chunkRows);
    grain = larger(1, piece / larger(1, chunkRows * blockColumns));
  }
};

template <class Kind, class T, class R>
void Reducer<Kind, T, R>::run(const T* x, R* out, const ReduceShape& s, Context& context) {
  Partial* partials =
      (Partial*)context.scratch;  // (outer, chunks, inner), if there are several chunks
  parallelRange(context, s.outer * s.chunks * s.blocks, s.grain,
                [=](int64_t begin, int64_t end, int) {
                  int64_t b = begin % s.blocks, chunk = begin / s.blocks % s.chunks;
                  int64_t o = begin / s.blocks / s.chunks;
                  for (int64_t item = begin; item < end; item++) {
                    int64_t row = chunk * s.chunkRows, rows = smaller(s.chunkRows, s.n - row);
                    int64_t column = b * s.blockColumns;
                    int64_t lastColumn = smaller(s.inner, column + s.blockColumns);
                    for (; column < lastColumn; column += block) {
                      int columns = (int)smaller(block, lastColumn - column);
                      Partial local[block];
                      const T* from = x + (o * s.n + row) * s.inner + column;
                      if (s.inner == 1)
                        local[0] = reduceRow(from, rows);
                      else if (columns == s.inner)
                        reduceFolded(from, rows, columns, local);
                      else
                        reduceColumns(from, rows, s.inner, columns, local);
                      for (int c = 0; c < columns; c++) {
                        if (s.chunks == 1) {
                          out[o * s.inner + column + c] = Kind::finish(local[c], R{});
                        } else {
                          if (isIndex) local[c].i += row;
                          partials[(o * s.chunks + chunk) * s.inner + column + c] = local[c];
                        }
                      }
                    }
                    if (++b < s.blocks) continue;
                    b = 0;
                    if (++chunk < s.chunks) continue;
                    chunk = 0;
                    o++;
                  }
                });
  if (s.chunks == 1) return;
  for (int64_t o = 0; o < s.outer; o++) {
    for (int64_t c = 0; c < s.inner; c++) {
      const Partial* p = partials + o * s.chunks * s.inner + c;
      Partial total = *p;
      for (int64_t chunk = 1; chunk < s.chunks; chunk++) Kind::merge(total, p[chunk * s.inner]);
      out[o * s.inner + c] = Kind::finish(total, R{});
    }
  }
}

#define REDUCE(name) reduce_##name,
enum ReduceKind {
#include "../ops.def"
  reduceKinds
};

inline const char* reduceCheck(const Call& call) {
  if (call.nIn != 1 || call.nOut != 1 || call.nParams != 4) return wrongArguments;
  if (!sizes(call, 0, 4) || call.params[0] >= reduceKinds) return wrongParameters;
  int64_t kind = call.integer(0), outer = call.integer(1), n = call.integer(2),
          inner = call.integer(3);
  bool arg = kind == reduce_argmax || kind == reduce_argmin;
  bool integers = arg || kind == reduce_sum || kind == reduce_max || kind == reduce_min;
  DType dtype = call.in[0].dtype, result = arg ? DType::i32 : dtype;
  if (!(dtype == DType::f32 || (dtype == DType::i32 && integers)) || call.out[0].dtype != result)
    return wrongTypes;
  if (product(outer, n, inner) < 0 || product(outer, inner) < 0 || n > INT32_MAX)
    return wrongParameters;
  if (call.in[0].count != outer * n * inner || call.out[0].count != outer * inner)
    return wrongCounts;
  if (n == 0 && (arg || dtype == DType::i32) && kind != reduce_sum)
    return "there is nothing to choose from: the axis is empty";
  return nullptr;
}

inline int64_t reduceScratch(const Call& call, int) {
  ReduceShape s(call);
  return s.chunks > 1 ? s.outer * s.chunks * s.inner * (int64_t)sizeof(Partial) : 0;
}

template <class Kind, class T, class R>
void reduceAs(const Call& call, Context& context) {
  ReduceShape s(call);
  R* out = (R*)call.out[0].data;
  if (s.n == 0) {
    for (int64_t i = 0; i < s.outer * s.inner; i++) out[i] = (R)Kind::ofNothing;
  } else if (s.outer * s.inner > 0) {
    Reducer<Kind, T, R>::run((const T*)call.in[0].data, out, s, context);
  }
}

inline void reduceRun(const Call& call, const void*, Context& context) {
  bool f = call.in[0].dtype == DType::f32;
  switch (call.integer(0)) {
    case reduce_sum:
      return f ? reduceAs<Total<SumFloat>, float, float>(call, context)
               : reduceAs<Total<SumInt>, int32_t, int32_t>(call, context);
    case reduce_max:
      return f ? reduceAs<Largest<vf, false>, float, float>(call, context)
               : reduceAs<Largest<vi, false>, int32_t, int32_t>(call, context);
    case reduce_min:
      return f ? reduceAs<Largest<vf, true>, float, float>(call, context)
               : reduceAs<Largest<vi, true>, int32_t, int32_t>(call, context);
    case reduce_argmax:
      return f ? reduceAs<ArgLargest<vf, false>, float, int32_t>(call, context)
               : reduceAs<ArgLargest<vi, false>, int32_t, int32_t>(call, context);
    case reduce_argmin:
      return f ? reduceAs<ArgLargest<vf, true>, float, int32_t>(call, context)
               : reduceAs<ArgLargest<vi, true>, int32_t, int32_t>(call, context);
    case reduce_variance: return reduceAs<Variance, float, float>(call, context);
    case reduce_norm: return reduceAs<Norm, float, float>(call, context);
  }
}

constexpr Kernel kernel_reduce = {"reduce", reduceCheck, reduceScratch,
                                  nullptr,  nullptr,     reduceRun};

}  // namespace
}  // namespace evengrad::ISA
