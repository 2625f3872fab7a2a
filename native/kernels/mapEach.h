// mapEach: one fused chain over several sets of buffers, as an optimizer updates every parameter.
//
// params  the number of sets, then those of `map` for the first: one dimension of 2 or more, and
//         strides of 0 or 1
// in      those of each set in turn; what has stride 0 is one number, the first set's for all
// out     those of each set in turn, which say how many elements it has
// Buffers that are walked hold f32 or i32.
#pragma once

#include "map.h"

namespace evengrad::ISA {
namespace {

inline bool mapEachSplit(const Call& call, MapCalls* calls) {
  if (call.nParams < 1 || !sizes(call, 0, 1)) return false;
  int64_t n = call.integer(0);
  if (n < 1 || n > call.nOut || call.nIn % n != 0 || call.nOut % n != 0) return false;
  calls->n = (int)n;
  calls->first = {call.in,         (int)(call.nIn / n), call.out, (int)(call.nOut / n),
                  call.params + 1, call.nParams - 1};
  return true;
}

inline const char* mapEachCheck(const Call& call) {
  MapCalls calls;
  if (!mapEachSplit(call, &calls)) return wrongArguments;
  const Call& first = calls.first;
  if (const char* error = mapCheck(first)) return error;
  if (first.integer(0) != 1 || first.integer(1) < 2) return wrongParameters;
  const double* strides = first.params + 2;
  for (int c = 0; c < calls.n; c++) {
    Call own = calls.at(c);
    for (int j = 0; j < own.nOut; j++) {
      if (own.out[j].dtype != first.out[j].dtype || bytesOf(own.out[j].dtype) != 4)
        return wrongTypes;
      if (own.out[j].count != own.out[0].count) return wrongCounts;
    }
    for (int i = 0; i < own.nIn; i++) {
      if (own.in[i].dtype != first.in[i].dtype) return wrongTypes;
      if (strides[i] == 0) continue;
      if (strides[i] != 1) return wrongParameters;
      if (bytesOf(own.in[i].dtype) != 4) return wrongTypes;
      if (own.in[i].count != own.out[0].count) return wrongCounts;
    }
  }
  return nullptr;
}

inline int64_t mapEachScratch(const Call& call, int threads) {
  MapCalls calls;
  return mapEachSplit(call, &calls) ? mapScratch(calls.first, threads) : 0;
}

inline void* mapEachPlan(const Call& call) {
  MapCalls calls;
  return mapEachSplit(call, &calls) ? mapPlan(calls.first) : nullptr;
}

inline void mapEachRun(const Call& call, const void* opaque, Context& context) {
  MapCalls calls;
  if (!opaque || !mapEachSplit(call, &calls)) {
    __builtin_strcpy(context.error, "out of memory");
    return;
  }
  const MapPlan& plan = mapChoose(calls.first, *(const MapPlans*)opaque);
  mapRunCalls(calls, plan, context, [&](int i) { return call.out[i * calls.first.nOut].count; });
}

constexpr Kernel kernel_mapEach = {"mapEach",   mapEachCheck, mapEachScratch,
                                   mapEachPlan, mapFree,      mapEachRun};

}  // namespace
}  // namespace evengrad::ISA
