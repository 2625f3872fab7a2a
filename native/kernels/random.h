// random: counter-based numbers, the same bits whatever the ISA or the number of threads.
//
// The words are Philox's (philox.h), the distributions those of distributions.h.
//
// params  kind, a, b
// in      key i32 (4): seedLo, seedHi, streamLo, streamHi as bits
// out     any count: kind 0 uniform f32 in [a, b); 1 normal f32, mean a, deviation b; 2 integers
//         i32 in [a, b); 3 f32 a + b·z with z normal, truncated to [−2, 2]; 4 bool, true with
//         probability a (b is 0)
#pragma once

#include "distributions.h"

namespace evengrad::ISA {
namespace {

enum RandomKind { uniform, normal, integer, truncated, bernoulli, randomKinds };

constexpr DType randomTypes[] = {DType::f32, DType::f32, DType::i32, DType::f32, DType::boolean};

inline const char* randomCheck(const Call& call) {
  if (call.nIn != 1 || call.nOut != 1 || call.nParams != 3) return wrongArguments;
  if (!sizes(call, 0, 1) || call.params[0] >= randomKinds) return wrongParameters;
  if (call.in[0].dtype != DType::i32) return wrongTypes;
  if (call.in[0].count != 4) return wrongCounts;
  int64_t kind = call.integer(0);
  if (call.out[0].dtype != randomTypes[kind]) return wrongTypes;
  constexpr double most = 3.4028234663852886e38;
  constexpr const char* wrongRange = "the bounds of the range are wrong";
  double a = call.params[1], b = call.params[2];
  if (!(__builtin_fabs(a) <= most && __builtin_fabs(b) <= most)) return wrongParameters;
  float range = (float)b - (float)a;
  if (kind == uniform && !(range >= 0 && range <= (float)most)) return wrongRange;
  if (kind == integer && (!integers(call, 1, 3) || a < INT32_MIN || b > INT32_MAX + 1.0 || a >= b))
    return wrongRange;
  if (kind == bernoulli && !(a >= 0 && a <= 1)) return wrongRange;
  return nullptr;
}

// Elements [begin, end), begin a multiple of 8·WD.
template <class Distribution, class T>
void randomFill(const Distribution& draw, const PhiloxKeys& keys, T* out, int64_t begin,
                int64_t end) {
  constexpr int64_t block = 4 * perWord<Distribution>, step = block * WD;
  constexpr int64_t round = step * philoxTogether;
  // To `to` what stands from `begin` on.
  const auto one = [&](T* to) {
    PhiloxWords words[philoxTogether];
    philox(keys, begin / block, words);
    VEC_UNROLL
    for (int u = 0; u < philoxTogether; u++) {
      if constexpr (perWord<Distribution> == 2)
        draw(words[u], to + u * step, begin + u * step);
      else
        draw(words[u], to + u * step);
    }
  };
  for (; begin + round <= end; begin += round) one(out + begin);
  if (begin == end) return;
  T rest[round];
  one(rest);
  __builtin_memcpy(out + begin, rest, (size_t)(end - begin) * sizeof(T));
}

template <class Distribution, class T>
void randomRunAs(const Call& call, T* out, Context& context) {
  PhiloxKeys keys((const uint32_t*)call.in[0].data);
  const auto made = [&] {
    if constexpr (perWord<Distribution> == 2)
      return Distribution(call.params[1], keys);
    else
      return Distribution(call.params[1], call.params[2]);
  };
  const Distribution draw = made();
  parallelRange(context, call.out[0].count, 16384,
                [&](int64_t begin, int64_t end, int) { randomFill(draw, keys, out, begin, end); });
}

inline void randomRun(const Call& call, const void*, Context& context) {
  const Buffer& out = call.out[0];
  switch (call.integer(0)) {
    case uniform: return randomRunAs<Uniform>(call, out.f32(), context);
    case normal: return randomRunAs<Normal>(call, out.f32(), context);
    case integer: return randomRunAs<Integer>(call, out.i32(), context);
    case truncated: return randomRunAs<TruncatedNormal>(call, out.f32(), context);
    case bernoulli: return randomRunAs<Bernoulli>(call, out.u8(), context);
  }
}

constexpr Kernel kernel_random = {"random", randomCheck, nullptr, nullptr, nullptr, randomRun};

}  // namespace
}  // namespace evengrad::ISA
