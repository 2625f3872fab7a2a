// gather and its adjoint, scatterAdd: slices of an axis by index.
//
// params      outer, n, inner, m
// gather      x (outer, n, inner) of any type, indices i32 (m) → (outer, m, inner)
// scatterAdd  g f32 (outer, m, inner), indices i32 (m) → (outer, n, inner): sums in the order of
// the indices
#pragma once

#include <stdio.h>

namespace evengrad::ISA {
namespace {

inline const char* indexedCheck(const Call& call, int inAxis, int outAxis) {
  if (call.nIn != 2 || call.nOut != 1 || call.nParams != 4) return wrongArguments;
  if (!sizes(call, 0, 4)) return wrongParameters;
  int64_t outer = call.integer(0), inner = call.integer(2);
  int64_t in = product(outer, call.integer(inAxis), inner);
  int64_t out = product(outer, call.integer(outAxis), inner);
  if (in < 0 || out < 0 || product(outer, inner) < 0 || call.params[1] > INT32_MAX)
    return wrongParameters;
  if (call.in[1].dtype != DType::i32 || call.in[0].dtype != call.out[0].dtype) return wrongTypes;
  if (call.in[0].count != in || call.out[0].count != out || call.in[1].count != call.integer(3))
    return wrongCounts;
  return nullptr;
}

inline bool indicesInRange(const int32_t* index, int64_t m, int64_t n, Context& context) {
  for (int64_t i = 0; i < m; i++) {
    if (index[i] >= 0 && index[i] < n) continue;
    snprintf(context.error, sizeof context.error,
             "index %d at position %lld is out of range for size %lld", index[i], (long long)i,
             (long long)n);
    return false;
  }
  return true;
}

inline const char* gatherCheck(const Call& call) { return indexedCheck(call, 1, 3); }

inline void gatherRun(const Call& call, const void*, Context& context) {
  int64_t outer = call.integer(0), n = call.integer(1), m = call.integer(3);
  const int32_t* index = call.in[1].i32();
  if (!indicesInRange(index, m, n, context) || call.out[0].count == 0) return;
  int64_t bytes = call.integer(2) * bytesOf(call.in[0].dtype);
  const char* from = (const char*)call.in[0].data;
  char* to = (char*)call.out[0].data;
  parallelRange(context, outer * m, larger(1, 65536 / bytes), [=](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; item++)
      __builtin_memcpy(to + item * bytes, from + (item / m * n + index[item % m]) * bytes, bytes);
  });
}

inline const char* scatterAddCheck(const Call& call) {
  if (const char* error = indexedCheck(call, 3, 1)) return error;
  return call.in[0].dtype == DType::f32 ? nullptr : wrongTypes;
}

inline void scatterAddRun(const Call& call, const void*, Context& context) {
  int64_t outer = call.integer(0), n = call.integer(1), inner = call.integer(2),
          m = call.integer(3);
  const int32_t* index = call.in[1].i32();
  if (!indicesInRange(index, m, n, context) || call.out[0].count == 0) return;
  const float* g = (const float*)call.in[0].data;
  float* out = (float*)call.out[0].data;
  // Each task owns some columns of one outer slice, so that every sum runs in the same order.
  int64_t columns = smaller(inner, larger(64, roundUp(16384 / larger(1, larger(m, n)), 64)));
  int64_t blocks = ceilDiv(inner, columns);
  int64_t grain = larger(1, 16384 / ((n + m) * columns));
  parallelRange(context, outer * blocks, grain, [=](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; item++) {
      int64_t o = item / blocks, c = item % blocks * columns, count = smaller(columns, inner - c);
      float* slice = out + o * n * inner + c;
      for (int64_t i = 0; i < n; i++) __builtin_memset(slice + i * inner, 0, count * 4);
      for (int64_t i = 0; i < m; i++) {
        const float* x = g + (o * m + i) * inner + c;
        float* y = slice + index[i] * inner;
        int64_t k = 0;
        for (; k + W <= count; k += W) store(y + k, load(y + k) + load(x + k));
        for (; k < count; k++) y[k] += x[k];
      }
    }
  });
}

constexpr Kernel kernel_gather = {"gather", gatherCheck, nullptr, nullptr, nullptr, gatherRun};
constexpr Kernel kernel_scatterAdd = {"scatterAdd", scatterAddCheck, nullptr,
                                      nullptr,      nullptr,         scatterAddRun};

}  // namespace
}  // namespace evengrad::ISA
