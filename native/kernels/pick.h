// pick and its adjoint, unpick: the element of an axis that a label names.
//
// params  outer, n, inner, ignore (a label that picks nothing)
// pick    x f32 (outer, n, inner), labels i32 (outer, inner) → (outer, inner), 0 where ignored
// unpick  g f32 (outer, inner), labels i32 (outer, inner) → (outer, n, inner), g at the label and 0
// elsewhere
#pragma once

#include <stdio.h>

namespace evengrad::ISA {
namespace {

inline const char* labelledCheck(const Call& call, bool pick) {
  if (call.nIn != 2 || call.nOut != 1 || call.nParams != 4) return wrongArguments;
  if (!sizes(call, 0, 3) || !integers(call, 3, 4)) return wrongParameters;
  int64_t outer = call.integer(0), n = call.integer(1), inner = call.integer(2);
  int64_t wide = product(outer, n, inner), narrow = product(outer, inner);
  if (wide < 0 || narrow < 0 || n > INT32_MAX) return wrongParameters;
  const Buffer &from = call.in[0], &labels = call.in[1], &to = call.out[0];
  if (from.dtype != DType::f32 || to.dtype != DType::f32 || labels.dtype != DType::i32)
    return wrongTypes;
  bool fit = from.count == (pick ? wide : narrow) && to.count == (pick ? narrow : wide);
  return fit && labels.count == narrow ? nullptr : wrongCounts;
}

inline bool labelsInRange(const int32_t* label, int64_t count, int64_t n, int64_t ignore,
                          Context& context) {
  for (int64_t i = 0; i < count; i++) {
    if ((label[i] >= 0 && label[i] < n) || label[i] == ignore) continue;
    snprintf(context.error, sizeof context.error,
             "label %d at position %lld is out of range for %lld classes (0 to %lld)", label[i],
             (long long)i, (long long)n, (long long)n - 1);
    return false;
  }
  return true;
}

inline const char* pickCheck(const Call& call) { return labelledCheck(call, true); }
inline const char* unpickCheck(const Call& call) { return labelledCheck(call, false); }

inline void pickRun(const Call& call, const void*, Context& context) {
  int64_t n = call.integer(1), inner = call.integer(2), ignore = call.integer(3);
  const int32_t* label = call.in[1].i32();
  if (!labelsInRange(label, call.in[1].count, n, ignore, context)) return;
  const float* x = call.in[0].f32();
  float* out = call.out[0].f32();
  parallelRange(context, call.out[0].count, 8192, [=](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; i++)
      out[i] = label[i] == ignore ? 0 : x[(i / inner * n + label[i]) * inner + i % inner];
  });
}

inline void unpickRun(const Call& call, const void*, Context& context) {
  int64_t n = call.integer(1), inner = call.integer(2), ignore = call.integer(3);
  const int32_t* label = call.in[1].i32();
  if (!labelsInRange(label, call.in[1].count, n, ignore, context) || call.out[0].count == 0) return;
  const float* g = call.in[0].f32();
  float* out = call.out[0].f32();
  int64_t slice = n * inner;
  parallelRange(context, call.integer(0), larger(1, 32768 / slice),
                [=](int64_t begin, int64_t end, int) {
                  __builtin_memset(out + begin * slice, 0, (end - begin) * slice * 4);
                  for (int64_t i = begin * inner; i < end * inner; i++)
                    if (label[i] != ignore)
                      out[(i / inner * n + label[i]) * inner + i % inner] = g[i];
                });
}

constexpr Kernel kernel_pick = {"pick", pickCheck, nullptr, nullptr, nullptr, pickRun};
constexpr Kernel kernel_unpick = {"unpick", unpickCheck, nullptr, nullptr, nullptr, unpickRun};

}  // namespace
}  // namespace evengrad::ISA
