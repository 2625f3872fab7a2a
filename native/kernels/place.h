// place: a buffer filled with one value, then another written into a strided view of it (padding, a
// slice's gradient).
//
// params  ndim, the input's dims…, the output's strides…, the output's offset, fill
// in, out the same type of any kind; out = fill, then out[offset + Σ index·stride] = in[index]
#pragma once

#include "view.h"

namespace evengrad::ISA {
namespace {

inline const char* placeCheck(const Call& call) {
  if (call.nIn != 1 || call.nOut != 1) return wrongArguments;
  View v;
  if (!v.read(call)) return wrongParameters;
  if (call.nParams != 3 + 2 * (int)call.params[0]) return wrongArguments;
  if (!integers(call, call.nParams - 2, call.nParams - 1)) return wrongParameters;
  DType dtype = call.in[0].dtype;
  if (dtype != call.out[0].dtype) return wrongTypes;
  double fill = call.params[call.nParams - 1];
  bool fits = dtype == DType::f32   ? true
              : dtype == DType::i32 ? fill >= INT32_MIN && fill <= INT32_MAX
                                    : fill >= 0 && fill <= (dtype == DType::u8 ? 255 : 1);
  if (!fits) return "the fill value does not fit the element type";
  if (call.in[0].count != v.count) return wrongCounts;
  if (!v.within(call.integer(call.nParams - 2), call.out[0].count))
    return "the view reaches outside its buffer";
  return nullptr;
}

template <class T>
inline void placeAs(const Call& call, T fill, View& v, Context& context) {
  const T* in = (const T*)call.in[0].data;
  T* all = (T*)call.out[0].data;
  parallelRange(context, call.out[0].count, 32768, [=](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; i++) all[i] = fill;
  });
  if (v.count == 0) return;
  v.collapse();
  T* out = all + call.integer(call.nParams - 2);
  int64_t inner = v.inner(), stride = v.innerStride();
  int64_t piece = smaller(inner, 16384), pieces = ceilDiv(inner, piece);
  int64_t items = v.count / inner * pieces;
  parallelRange(context, items, larger(1, 16384 / piece), [=, &v](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; item++) {
      int64_t row = item / pieces, at = item % pieces * piece, n = smaller(piece, inner - at);
      const T* from = in + row * inner + at;
      T* to = out + v.rowStart(row) + at * stride;
      if (stride == 1)
        __builtin_memcpy(to, from, n * sizeof(T));
      else
        for (int64_t i = 0; i < n; i++) to[i * stride] = from[i];
    }
  });
}

inline void placeRun(const Call& call, const void*, Context& context) {
  View v;
  v.read(call);
  double fill = call.params[call.nParams - 1];
  if (call.in[0].dtype == DType::f32)
    placeAs<float>(call, (float)fill, v, context);
  else if (call.in[0].dtype == DType::i32)
    placeAs<int32_t>(call, (int32_t)fill, v, context);
  else
    placeAs<uint8_t>(call, (uint8_t)fill, v, context);
}

constexpr Kernel kernel_place = {"place", placeCheck, nullptr, nullptr, nullptr, placeRun};

}  // namespace
}  // namespace evengrad::ISA
