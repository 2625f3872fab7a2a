// norms: the Euclidean norm of each of many buffers in one call, in a fixed tree whatever the
// number of threads. Squares are summed in doubles, where those of floats can neither overflow nor
// vanish; four of them at a time in floats where that loses nothing.
//
// params  none
// in      n ≥ 1 buffers f32 of any counts; out (n) f32
#pragma once

#include "reduce.h"

namespace evengrad::ISA {
namespace {

constexpr int64_t normPiece = 32768;

// Σx² of n floats.
inline double sumOfSquares(const float* x, int64_t n) {
  constexpr int sums = 8, squares = 4;
  vd low{}, high{};
  auto add = [&](vf v) {
    vd l = lower(v), h = upper(v);
    low = fma(l, l, low);
    high = fma(h, h, high);
  };
  int64_t i = 0;
  for (; i + sums * squares * W <= n; i += sums * squares * W) {
    vf sum[sums] = {}, all{};
    VEC_UNROLL
    for (int k = 0; k < sums * squares; k++) {
      vf v = load(x + i + k * W);
      sum[k % sums] = fma(v, v, sum[k % sums]);
    }
    VEC_UNROLL
    for (int k = 0; k < sums; k++) all += sum[k];
    // A square that underflows is nothing beside the largest.
    if (within(all, 0x1p120f) && any(all > splat(0x1p-100f))) {
      VEC_UNROLL
      for (int k = 0; k < sums; k++) {
        low += lower(sum[k]);
        high += upper(sum[k]);
      }
    } else {
      for (int k = 0; k < sums * squares; k++) add(load(x + i + k * W));
    }
  }
  for (; i + W <= n; i += W) add(load(x + i));
  if (i < n) add(loadPartial(x + i, (int)(n - i)));
  return sumLanes(low + high);
}

inline int64_t normPieces(const Call& call) {
  int64_t pieces = 0;
  for (int i = 0; i < call.nIn; i++) pieces += ceilDiv(call.in[i].count, normPiece);
  return pieces;
}

inline const char* normsCheck(const Call& call) {
  if (call.nIn < 1 || call.nOut != 1 || call.nParams != 0) return wrongArguments;
  for (int i = 0; i < call.nIn; i++)
    if (call.in[i].dtype != DType::f32) return wrongTypes;
  if (call.out[0].dtype != DType::f32) return wrongTypes;
  return call.out[0].count == call.nIn ? nullptr : wrongCounts;
}

inline int64_t normsScratch(const Call& call, int) {
  return normPieces(call) * (int64_t)sizeof(double);
}

inline void normsRun(const Call& call, const void*, Context& context) {
  double* sums = (double*)context.scratch;  // of each piece of each buffer
  int64_t pieces = normPieces(call), total = 0;
  for (int i = 0; i < call.nIn; i++) total += call.in[i].count;
  // Small buffers share a chunk.
  int64_t grain = larger(1, normPiece * pieces / larger(1, total));
  parallelRange(context, pieces, grain, [=](int64_t begin, int64_t end, int) {
    int i = 0;
    int64_t first = 0;  // piece of buffer i
    for (int64_t piece = begin; piece < end; piece++) {
      for (int64_t own; piece - first >= (own = ceilDiv(call.in[i].count, normPiece)); i++)
        first += own;
      int64_t at = (piece - first) * normPiece;
      int64_t n = smaller(normPiece, call.in[i].count - at);
      sums[piece] = sumOfSquares(call.in[i].f32() + at, n);
    }
  });
  for (int i = 0; i < call.nIn; i++) {
    Partial sum{};
    for (int64_t left = call.in[i].count; left > 0; left -= normPiece) sum.a += *sums++;
    call.out[0].f32()[i] = Norm::finish(sum, 0.0f);
  }
}

constexpr Kernel kernel_norms = {"norms", normsCheck, normsScratch, nullptr, nullptr, normsRun};

}  // namespace
}  // namespace evengrad::ISA
