// Statistics of channels, the middle axis of (outer, n, inner), over the other two: what batch
// normalization and its gradient sum.
//
// params       outer, n, inner, mask: bit i is set if output i is wanted; those outputs, in order
// moments      x f32 → mean (n), rest (n): the mean of x − mean, which rounding left over, and
//              variance (n)
// channelSums  g, y f32 → Σg (n), Σ g·y (n)
#pragma once

#include "lines.h"

namespace evengrad::ISA {
namespace {

// Channels side by side where inner is 1, up to `most` of them, or one.
struct Channels {
  static constexpr int vectors = 4;
  static constexpr int most = vectors * W;

  int64_t first, count;  // in the channels' order
  int64_t runs, run,
      pitch;      // of neighbouring elements: how many, their length, and from one to the next
  bool together;  // a run belongs to one channel

  int64_t elements() const { return together ? runs * run : runs; }

  // `count` sums for each channel: term(vector of the run, offset, lanes, accumulators) adds
  // elements to float lanes, which after 16 steps are added up in doubles.
  template <int sums, class Term>
  VEC_INLINE void sum(double (*to)[most], Term term) const {
    Wide all[sums][vectors];
    for (int k = 0; k < sums; k++)
      for (int v = 0; v < vectors; v++) all[k][v] = wide(0.0);
    int64_t at = 0, from = 0;
    for (int64_t r = 0; r < runs;) {
      vf some[vectors][sums] = {};
      for (int step = 0; step < 16 && r < runs; step++) {
        if (run - from >= most) {
          VEC_UNROLL
          for (int v = 0; v < vectors; v++) term(v, at + from + v * W, W, some[v]);
        } else {
          VEC_UNROLL
          for (int v = 0; v < vectors; v++)
            if (from + v * W < run)
              term(v, at + from + v * W, (int)smaller(W, run - from - v * W), some[v]);
        }
        from += most;
        if (from < run) continue;
        from = 0;
        at += pitch;
        r++;
      }
      VEC_UNROLL
      for (int k = 0; k < sums; k++) {
        if (together) {
          vf four = (some[0][k] + some[1][k]) + (some[2][k] + some[3][k]);
          all[k][0] = all[k][0] + wide(four);
        } else {
          VEC_UNROLL
          for (int v = 0; v < vectors; v++) all[k][v] = all[k][v] + wide(some[v][k]);
        }
      }
    }
    VEC_UNROLL
    for (int k = 0; k < sums; k++) {
      if (together) {
        to[k][0] = Along::sum(all[k][0]).low[0];
        continue;
      }
      for (int v = 0; v < vectors; v++) {
        store(to[k] + v * W, all[k][v].low);
        store(to[k] + v * W + WD, all[k][v].high);
      }
    }
  }
};

// Mean and variance of channels, from d = x − shift for a shift near the mean: the variance is
// mean d² − (mean d)², where little cancels. The shift is the mean of the first few elements, or,
// if that was too far, what they gave for the mean.
struct Moments {
  double mean[Channels::most], variance[Channels::most];
  vf shift[Channels::vectors];

  VEC_INLINE Moments(const Channels& own, const float* x) {
    double none[1][Channels::most];
    find<0>(own, x, none, [](int64_t, int, vf, vf*) VEC_BODY {});
  }
  // And `more` sums of what has to do with d: term(offset, lanes, d, accumulators).
  template <int more, class Term>
  VEC_INLINE Moments(const Channels& own, const float* x, double (&others)[more][Channels::most],
                     Term term) {
    find<more>(own, x, others, term);
  }

 private:
  template <int more, class Others, class Term>
  VEC_INLINE void find(const Channels& own, const float* x, Others& others, Term term) {
    double n = (double)own.elements(), sums[2 + more][Channels::most];
    for (int v = 0; v < Channels::vectors; v++)
      shift[v] = v == 0 || !own.together ? near(own, x, v) : shift[0];
    for (int tries = 0; tries < 2; tries++) {
      own.sum<2 + more>(sums, [&](int v, int64_t at, int lanes, vf* to) VEC_BODY {
        vf d = loadSome(x + at, lanes) - shift[v];
        if (lanes < W) d = laneIndices() < splat(lanes) ? d : vf{};
        to[0] += d;
        to[1] = fma(d, d, to[1]);
        term(at, lanes, d, to + 2);
      });
      bool far = false;
      for (int c = 0; c < own.count; c++) {
        double rest = sums[0][c] / n, spread = sums[1][c] / n - rest * rest;
        far |= rest * rest > 4 * spread;
        mean[c] = (double)shift[c / W][c % W] + rest;
        variance[c] = spread < 0 ? 0 : spread;
      }
      if (!far || tries == 1) break;
      for (int c = 0; c < own.count; c++) shift[c / W][c % W] = (float)mean[c];
      if (own.together)
        for (int v = 0; v < Channels::vectors; v++) shift[v] = splat((float)mean[0]);
    }
    for (int k = 0; k < more; k++)
      for (int c = 0; c < own.count; c++) others[k][c] = sums[2 + k][c];
  }

  // Added as a tree, so that equal elements have their mean exactly.
  static VEC_INLINE vf near(const Channels& own, const float* x, int v) {
    if (own.together) {
      if (own.run < W) return splat(x[0]);
      return foldLanes(load(x), [](vf a, vf b) VEC_BODY { return a + b; }) * splat(1.0f / W);
    }
    int lanes = (int)smaller(W, own.run - v * W);
    if (lanes <= 0) return vf{};
    auto row = [=](int64_t r) VEC_BODY { return loadSome(x + v * W + r * own.pitch, lanes); };
    if (own.runs < 4) return row(0);
    return ((row(0) + row(1)) + (row(2) + row(3))) * splat(0.25f);
  }
};

// body(channels, offset of the first of them) for all.
template <class Body>
inline void everyChannel(Context& context, const Call& call, Body body) {
  constexpr int64_t piece = 32768;  // elements of a task
  int64_t outer = call.integer(0), n = call.integer(1), inner = call.integer(2);
  int64_t side = inner == 1 ? Channels::most : 1, tall = larger(1, outer * inner);
  parallelRange(context, ceilDiv(n, side), larger(1, piece / (tall * side)),
                [=](int64_t begin, int64_t end, int) {
                  for (int64_t i = begin; i < end; i++) {
                    int64_t first = i * side, count = smaller(side, n - first);
                    body(Channels{first, count, inner ? outer : 0, inner == 1 ? count : inner,
                                  n * inner, inner != 1},
                         first * inner);
                  }
                });
}

// The outputs that a call wants, by their bits; null for the others.
template <int count>
struct Wanted {
  float* out[count];

  Wanted(const Call& call, int64_t mask) {
    int at = 0;
    for (int i = 0; i < count; i++) out[i] = (mask >> i & 1) ? call.out[at++].f32() : nullptr;
  }
};

template <int count>
inline const char* channelsCheck(const Call& call, int nIn) {
  if (call.nIn != nIn || call.nParams != 4) return wrongArguments;
  if (!sizes(call, 0, 4) || call.params[3] < 1 || call.params[3] >= 1 << count)
    return wrongParameters;
  int64_t n = call.integer(1), all = product(call.integer(0), n, call.integer(2));
  if (all < 0 || product(call.integer(0), call.integer(2)) < 0) return wrongParameters;
  if (call.nOut != __builtin_popcount((unsigned)call.integer(3))) return wrongArguments;
  for (int i = 0; i < nIn + call.nOut; i++) {
    const Buffer& b = i < nIn ? call.in[i] : call.out[i - nIn];
    if (b.dtype != DType::f32) return wrongTypes;
    if (b.count != (i < nIn ? all : n)) return wrongCounts;
  }
  return nullptr;
}
inline const char* momentsCheck(const Call& call) { return channelsCheck<3>(call, 1); }
inline const char* channelSumsCheck(const Call& call) { return channelsCheck<2>(call, 2); }

inline void momentsRun(const Call& call, const void*, Context& context) {
  Wanted<3> to(call, call.integer(3));
  const float* x = call.in[0].f32();
  everyChannel(context, call, [=](const Channels& own, int64_t offset) {
    if (own.elements() == 0) {
      for (float* out : to.out)
        for (int c = 0; out && c < own.count; c++) out[own.first + c] = __builtin_nanf("");
      return;
    }
    Moments m(own, x + offset);
    for (int c = 0; c < own.count; c++) {
      float mean = (float)m.mean[c];
      if (to.out[0]) to.out[0][own.first + c] = mean;
      if (to.out[1]) to.out[1][own.first + c] = (float)(m.mean[c] - (double)mean);
      if (to.out[2]) to.out[2][own.first + c] = (float)m.variance[c];
    }
  });
}

inline void channelSumsRun(const Call& call, const void*, Context& context) {
  Wanted<2> to(call, call.integer(3));
  const float *allG = call.in[0].f32(), *allY = call.in[1].f32();
  everyChannel(context, call, [=](const Channels& own, int64_t offset) {
    double sums[2][Channels::most];
    const float *g = allG + offset, *y = allY + offset;
    own.sum<2>(sums, [=](int, int64_t at, int lanes, vf* to) VEC_BODY {
      vf each = loadSome(g + at, lanes);
      to[0] += each;
      to[1] = fma(each, loadSome(y + at, lanes), to[1]);
    });
    for (int k = 0; k < 2; k++)
      for (int c = 0; to.out[k] && c < own.count; c++) to.out[k][own.first + c] = (float)sums[k][c];
  });
}

constexpr Kernel kernel_moments = {"moments", momentsCheck, nullptr, nullptr, nullptr, momentsRun};
constexpr Kernel kernel_channelSums = {"channelSums", channelSumsCheck, nullptr,
                                       nullptr,       nullptr,          channelSumsRun};

}  // namespace
}  // namespace evengrad::ISA
