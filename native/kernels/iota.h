// iota: start + i·step, in double and then rounded.
//
// params  start, step
// out     f32, or i32 if both are integers and every value fits
#pragma once

namespace evengrad::ISA {
namespace {

inline const char* iotaCheck(const Call& call) {
  if (call.nIn != 0 || call.nOut != 1 || call.nParams != 2) return wrongArguments;
  double start = call.params[0], step = call.params[1];
  if (!(__builtin_fabs(start) < inf && __builtin_fabs(step) < inf)) return wrongParameters;
  if (call.out[0].dtype == DType::f32) return nullptr;
  if (call.out[0].dtype != DType::i32) return wrongTypes;
  double last = start + step * (double)(call.out[0].count - 1);
  bool fits = call.out[0].count == 0 ||
              (start >= INT32_MIN && start <= INT32_MAX && last >= INT32_MIN && last <= INT32_MAX);
  return integers(call, 0, 2) && fits ? nullptr : wrongParameters;
}

inline void iotaRun(const Call& call, const void*, Context& context) {
  double start = call.params[0], step = call.params[1];
  const Buffer out = call.out[0];
  parallelRange(context, out.count, 32768, [=](int64_t begin, int64_t end, int) {
    if (out.dtype == DType::f32)
      for (int64_t i = begin; i < end; i++) out.f32()[i] = (float)(start + (double)i * step);
    else
      for (int64_t i = begin; i < end; i++)
        out.i32()[i] = (int32_t)((int64_t)start + i * (int64_t)step);
  });
}

constexpr Kernel kernel_iota = {"iota", iotaCheck, nullptr, nullptr, nullptr, iotaRun};

}  // namespace
}  // namespace evengrad::ISA
