// histogram: how many elements lie in each of equal bins of a range, whatever the number of
// threads.
//
// params  bins, from 1 to 65536
// in      x f32 (n), low f32 (1), high f32 (1); out (bins) i32
//
// Bin i holds low + i·width ≤ x < low + (i + 1)·width, the last one high as well. Elements outside
// and NaN are not counted, and none are if a bound is not finite or low > high; if low = high,
// those equal to it lie in bin 0.
#pragma once

namespace evengrad::ISA {
namespace {

constexpr int64_t histogramPiece = 32768;
constexpr int histogramTables = 4;  // elements in a row often fall into one bin: four counters each

inline const char* histogramCheck(const Call& call) {
  if (call.nIn != 3 || call.nOut != 1 || call.nParams != 1) return wrongArguments;
  if (!integers(call, 0, 1) || call.params[0] < 1 || call.params[0] > 65536) return wrongParameters;
  for (int i = 0; i < 3; i++)
    if (call.in[i].dtype != DType::f32) return wrongTypes;
  if (call.out[0].dtype != DType::i32) return wrongTypes;
  if (call.in[0].count > INT32_MAX) return wrongParameters;
  bool fit = call.in[1].count == 1 && call.in[2].count == 1;
  return fit && call.out[0].count == call.integer(0) ? nullptr : wrongCounts;
}

// A thread's counters: tables of (bins + 1), whose last one takes what is not counted.
inline int64_t histogramCounters(const Call& call) {
  return histogramTables * (call.integer(0) + 1);
}

inline int64_t histogramScratch(const Call& call, int threads) {
  return threads * histogramCounters(call) * (int64_t)sizeof(int32_t);
}

inline void histogramRun(const Call& call, const void*, Context& context) {
  int64_t bins = call.integer(0), counters = histogramCounters(call);
  const float* x = call.in[0].f32();
  int32_t* all = (int32_t*)context.scratch;  // (threads, tables, bins + 1)
  int threads = context.pool.threads();
  __builtin_memset(all, 0, histogramScratch(call, threads));
  double low = *call.in[1].f32(), high = *call.in[2].f32();
  if (!__builtin_isfinite(low) || !__builtin_isfinite(high)) low = 1, high = 0;
  double scale = high > low ? (double)bins / (high - low) : 0, last = (double)(bins - 1);
  parallelRange(context, call.in[0].count, histogramPiece,
                [=](int64_t begin, int64_t end, int worker) {
                  int32_t* own = all + worker * counters;
                  for (int64_t i = begin; i < end; i++) {
                    double v = x[i], t = (v - low) * scale;
                    double bin = v >= low && v <= high ? (t < last ? t : last) : (double)bins;
                    own[i % histogramTables * (bins + 1) + (int64_t)bin]++;
                  }
                });
  int32_t* out = call.out[0].i32();
  for (int64_t bin = 0; bin < bins; bin++) {
    int32_t sum = 0;
    for (int64_t t = 0; t < threads * histogramTables; t++) sum += all[t * (bins + 1) + bin];
    out[bin] = sum;
  }
}

constexpr Kernel kernel_histogram = {"histogram", histogramCheck, histogramScratch,
                                     nullptr,     nullptr,        histogramRun};

}  // namespace
}  // namespace evengrad::ISA
