// strided: a strided view made contiguous (transpose, slice, flip, broadcast).
//
// params  ndim, dims…, strides… (any sign, 0 repeats), offset
// in, out the same type of any kind; out[i] = in[offset + Σ index·stride]
#pragma once

#include "transpose.h"
#include "view.h"

namespace evengrad::ISA {
namespace {

inline const char* stridedCheck(const Call& call) {
  if (call.nIn != 1 || call.nOut != 1) return wrongArguments;
  View v;
  if (!v.read(call)) return wrongParameters;
  if (call.nParams != 2 + 2 * (int)call.params[0]) return wrongArguments;
  if (!integers(call, call.nParams - 1, call.nParams)) return wrongParameters;
  if (call.in[0].dtype != call.out[0].dtype) return wrongTypes;
  if (call.out[0].count != v.count) return wrongCounts;
  if (!v.within(call.integer(call.nParams - 1), call.in[0].count))
    return "the view reaches outside its buffer";
  return nullptr;
}

constexpr int64_t transposeEdge = 64;

// to[j·rowTo + i] = from[i·rowFrom + j] for i < rows, j < columns, both at most an edge. Copied
// first: strides that are powers of two would otherwise crowd into a few sets of the cache.
template <class T>
inline void transposeBlock(const T* from, int64_t rowFrom, T* to, int64_t rowTo, int64_t rows,
                           int64_t columns) {
  constexpr int64_t width = transposeEdge + 4;
  T block[transposeEdge * width];
  for (int64_t i = 0; i < rows; i++)
    __builtin_memcpy(block + i * width, from + i * rowFrom, columns * sizeof(T));
  if constexpr (sizeof(T) == 4) {
    transpose((const float*)block, width, (float*)to, rowTo, rows, columns);
  } else {
    for (int64_t j = 0; j < columns; j++)
      for (int64_t i = 0; i < rows; i++) to[j * rowTo + i] = block[i * width + j];
  }
}

template <class T>
inline void stridedRows(const T* in, T* out, const View& v, Context& context) {
  int64_t inner = v.inner(), stride = v.innerStride();
  // A long row alone is cut too.
  int64_t piece = smaller(inner, 16384), pieces = ceilDiv(inner, piece);
  int64_t items = v.count / inner * pieces;
  parallelRange(context, items, larger(1, 16384 / piece), [=, &v](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; item++) {
      int64_t row = item / pieces, at = item % pieces * piece, n = smaller(piece, inner - at);
      const T* from = in + v.rowStart(row) + at * stride;
      T* to = out + row * inner + at;
      if (stride == 1)
        __builtin_memcpy(to, from, n * sizeof(T));
      else
        for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];
    }
  });
}

// Dimension `unit` has stride 1 in the input and the last one has not: square tiles, so that both
// sides use whole lines.
template <class T>
inline void stridedTransposed(const T* in, T* out, const View& v, int unit, Context& context) {
  constexpr int64_t edge = transposeEdge;
  int64_t rows = v.inner(), columns = v.dims[unit];
  int64_t blocksR = ceilDiv(rows, edge), blocksC = ceilDiv(columns, edge);
  int64_t rowTo = rows;
  for (int d = unit + 1; d < v.ndim - 1; d++) rowTo *= v.dims[d];
  int64_t others = v.count / rows / columns;
  parallelRange(context, others * blocksR * blocksC, 4, [=, &v](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; item++) {
      int64_t r = item % blocksR * edge, c = item / blocksR % blocksC * edge;
      int64_t rest = item / blocksR / blocksC, from = r * v.strides[v.ndim - 1] + c,
              to = r + c * rowTo;
      int64_t size = rows;
      for (int d = v.ndim - 2; d >= 0; d--) {
        if (d != unit) {
          from += rest % v.dims[d] * v.strides[d];
          to += rest % v.dims[d] * size;
          rest /= v.dims[d];
        }
        size *= v.dims[d];
      }
      transposeBlock(in + from, v.strides[v.ndim - 1], out + to, rowTo, smaller(edge, rows - r),
                     smaller(edge, columns - c));
    }
  });
}

template <class T>
inline void stridedAs(const Call& call, View& v, Context& context) {
  const T* in = (const T*)call.in[0].data + call.integer(call.nParams - 1);
  T* out = (T*)call.out[0].data;
  int unit = -1;
  if (v.innerStride() != 1 && v.innerStride() != 0 && v.inner() >= 4)
    for (int d = 0; d < v.ndim - 1; d++)
      if (v.strides[d] == 1 && v.dims[d] >= 4) unit = d;
  if (unit >= 0)
    stridedTransposed(in, out, v, unit, context);
  else
    stridedRows(in, out, v, context);
}

inline void stridedRun(const Call& call, const void*, Context& context) {
  View v;
  v.read(call);
  if (v.count == 0) return;
  v.collapse();
  if (bytesOf(call.in[0].dtype) == 4)
    stridedAs<float>(call, v, context);
  else
    stridedAs<uint8_t>(call, v, context);
}

constexpr Kernel kernel_strided = {"strided", stridedCheck, nullptr, nullptr, nullptr, stridedRun};

}  // namespace
}  // namespace evengrad::ISA
