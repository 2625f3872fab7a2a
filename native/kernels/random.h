// random: counter-based numbers, the same whatever the ISA or the number of threads.
//
// Philox4x32-10 (Salmon et al., 2011): key = (seedLo, seedHi), counter = (blockLo, blockHi,
// streamLo, streamHi); element i is made of word i mod 4 of block i / 4. Doubles are used with +,
// −, ×, ÷ and √ only, in a fixed order and never fused.
//
// params  kind, a, b
// in      key i32 (4): seedLo, seedHi, streamLo, streamHi as bits
// out     any count: kind 0 uniform f32 in [a, b); 1 normal f32, mean a, deviation b; 2 integers
// i32 in [a, b);
//         3 f32 a + b·z with z normal, truncated to [−2, 2]
#pragma once

#include "maths.h"

namespace evengrad::ISA {
namespace {

enum RandomKind { uniform, normal, integer, truncated, randomKinds };

inline const char* randomCheck(const Call& call) {
  if (call.nIn != 1 || call.nOut != 1 || call.nParams != 3) return wrongArguments;
  if (!sizes(call, 0, 1) || call.params[0] >= randomKinds) return wrongParameters;
  if (call.in[0].dtype != DType::i32) return wrongTypes;
  if (call.in[0].count != 4) return wrongCounts;
  bool integers32 = call.params[0] == integer;
  if (call.out[0].dtype != (integers32 ? DType::i32 : DType::f32)) return wrongTypes;
  double a = call.params[1], b = call.params[2];
  float range = (float)b - (float)a;
  if (!(__builtin_fabs(a) <= 3.4028234663852886e38 && __builtin_fabs(b) <= 3.4028234663852886e38))
    return wrongParameters;
  if (call.params[0] == uniform && !(range >= 0 && range <= 3.4028234663852886e38))
    return "the bounds of the range are wrong";
  if (integers32 && (!integers(call, 1, 3) || a < INT32_MIN || b > INT32_MAX + 1.0 || a >= b))
    return "the bounds of the range are wrong";
  return nullptr;
}

struct RandomKey {
  uint32_t seed[2], stream[2];
};

// WD blocks from `block`: word j of each in the low half of w[j]'s lanes, the high halves
// undefined.
VEC_INLINE void philox(const RandomKey& key, int64_t block, vul w[4]) {
  vul lanes;
  VEC_UNROLL
  for (int i = 0; i < WD; i++) lanes[i] = (uint64_t)i;
  vul counter = (vul)splat(block) + lanes;
  vul x0 = counter, x1 = counter >> 32;
  vul x2 = (vul)splat((int64_t)key.stream[0]), x3 = (vul)splat((int64_t)key.stream[1]);
  uint32_t k0 = key.seed[0], k1 = key.seed[1];
  VEC_UNROLL
  for (int round = 0; round < 10; round++) {
    vul p0 = mulLow32(x0, 0xD2511F53), p1 = mulLow32(x2, 0xCD9E8D57);
    x0 = (p1 >> 32) ^ x1 ^ (vul)splat((int64_t)k0);
    x2 = (p0 >> 32) ^ x3 ^ (vul)splat((int64_t)k1);
    x1 = p1;
    x3 = p0;
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  w[0] = x0, w[1] = x1, w[2] = x2, w[3] = x3;
}

// The upper 24 bits of each word as an integer in a double.
VEC_INLINE vd upper24(vul word) {
  vul bits = (word & 0xffffffff) >> 8;
  return (vd)(bits | (vul)splat(0x1p52)) - splat(0x1p52);
}

// Box and Muller (1958): z0 = r cos 2πu₂, z1 = r sin 2πu₂, r = √(−2 ln u₁), u₁ = (n + ½)·2⁻²⁴, u₂ =
// n·2⁻²⁴.
VEC_INLINE void boxMuller(vul word0, vul word1, vd* z0, vd* z1) {
  vd u1 = (upper24(word0) + splat(0.5)) * splat(0x1p-24);
  vd r = sqrt(splat(-2.0) * logPositive<false>(u1));
  vd quarters = upper24(word1) * splat(0x1p-22);  // 4·u₂
  vd t = quarters + splat(roundingMagic);
  vd x = (quarters - (t - splat(roundingMagic))) * splat(1.5707963267948966);
  vl q = (vl)t;
  vd s = sinPolynomial<false>(x), c = cosPolynomial<false>(x);
  vl odd = (q & 1) != 0;
  vd sine = odd ? c : s, cosine = odd ? s : c;
  *z0 = r * (vd)((vl)cosine ^ (((q + 1) & 2) << 62));
  *z1 = r * (vd)((vl)sine ^ ((q & 2) << 62));
}

// Φ⁻¹(½ + q) for |q| ≤ Φ(2) − ½, a minimax rational function of q²: 1.5e-9.
VEC_INLINE vd truncatedNormal(vul word) {
  static constexpr double p[] = {2.50662827826945045,  -30.8295259162678355, 139.983505483550572,
                                 -281.347061396981053, 227.608730208951916,  -41.5973155507564961};
  static constexpr double d[] = {1.0,
                                 -13.3463983382794278,
                                 67.5187043565074501,
                                 -158.460375599109134,
                                 165.891604663327845,
                                 -56.6175108082208611};
  vd u = (upper24(word) + splat(0.5)) * splat(0x1p-24);
  vd q = (u - splat(0.5)) * splat(0.9544997361036416);
  vd v = q * q;
  vd z = q * (polynomial<false>(v, p) / polynomial<false>(v, d));
  z = z > splat(2.0) ? splat(2.0) : z;
  return z < splat(-2.0) ? splat(-2.0) : z;
}

// Words 0 and 1 of block i at even and odd lanes of a, or all words 0 before all words 1; words 2
// and 3 likewise in b. Half h of the blocks' words, in the order of the elements.
template <int h, bool paired>
struct ElementOrder {
  static constexpr int from(int i) {
    int block = h * (WD / 2) + i / 4, word = i % 4 % 2, second = i % 4 / 2 * W;
    return second + (paired ? 2 * block + word : word * WD + block);
  }
};

template <bool paired>
VEC_INLINE void storeInOrder(vi a, vi b, int32_t* out) {
  store(out, shuffle<ElementOrder<0, paired>>(a, b));
  store(out + W, shuffle<ElementOrder<1, paired>>(a, b));
}

struct RandomTask {
  RandomKey key;
  double a, b;
  float low, range, limit;

  // 4·WD elements from the words of WD blocks.
  template <RandomKind kind>
  VEC_INLINE void generate(vul w[4], float* out) const {
    constexpr int64_t lowHalf = 0xffffffff;
    if constexpr (kind == uniform) {
      for (int h = 0; h < 2; h++) {
        vi even = (vi)((w[0] & lowHalf) | (w[1] << 32)),
           odd = (vi)((w[2] & lowHalf) | (w[3] << 32));
        vu bits = (vu)(h == 0 ? shuffle<ElementOrder<0, true>>(even, odd)
                              : shuffle<ElementOrder<1, true>>(even, odd));
        vf x = splat(low) + convert((vi)(bits >> 8)) * splat(0x1p-24f) * splat(range);
        store(out + h * W, x > splat(limit) ? splat(limit) : x);
      }
    } else if constexpr (kind == integer) {
      // word·range / 2³²; a range of 2³² is the word itself.
      uint64_t count = (uint64_t)(b - a);
      if (count <= 0xffffffff)
        for (int j = 0; j < 4; j++) w[j] = mulLow32(w[j], (uint32_t)count) >> 32;
      vi even = (vi)((w[0] & lowHalf) | (w[1] << 32)), odd = (vi)((w[2] & lowHalf) | (w[3] << 32));
      vi least = splat((int32_t)a);
      even = (vi)((vu)even + (vu)least);
      odd = (vi)((vu)odd + (vu)least);
      storeInOrder<true>(even, odd, (int32_t*)out);
    } else {
      vd z[4];
      if constexpr (kind == normal) {
        boxMuller(w[0], w[1], &z[0], &z[1]);
        boxMuller(w[2], w[3], &z[2], &z[3]);
      } else {
        for (int j = 0; j < 4; j++) z[j] = truncatedNormal(w[j]);
      }
      for (int j = 0; j < 4; j++) z[j] = splat(a) + splat(b) * z[j];
      storeInOrder<false>((vi)join(z[0], z[1]), (vi)join(z[2], z[3]), (int32_t*)out);
    }
  }

  // The words of several steps first, then their use: loops short enough for their steps to
  // overlap.
  template <RandomKind kind>
  void fill(float* out, int64_t begin, int64_t end) const {
    constexpr int64_t step = 4 * WD, steps = 8;
    vul w[steps][4];
    float rest[step];
    for (int64_t i = begin; i < end; i += steps * step) {
      int64_t count = smaller(steps, ceilDiv(end - i, step));
      for (int64_t s = 0; s < count; s++) philox(key, (i + s * step) / 4, w[s]);
      for (int64_t s = 0; s < count; s++) {
        int64_t at = i + s * step;
        if (at + step <= end) {
          generate<kind>(w[s], out + at);
        } else {
          generate<kind>(w[s], rest);
          __builtin_memcpy(out + at, rest, (end - at) * 4);
        }
      }
    }
  }

  void fill(RandomKind kind, float* out, int64_t begin, int64_t end) const {
    switch (kind) {
      case uniform: return fill<uniform>(out, begin, end);
      case normal: return fill<normal>(out, begin, end);
      case integer: return fill<integer>(out, begin, end);
      default: return fill<truncated>(out, begin, end);
    }
  }
};

// The largest float below x.
inline float below(float x) {
  if (x == 0) return -0x1p-149f;
  int32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  bits += x > 0 ? -1 : 1;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}

inline void randomRun(const Call& call, const void*, Context& context) {
  RandomTask task;
  __builtin_memcpy(&task.key, call.in[0].data, 16);
  RandomKind kind = (RandomKind)call.integer(0);
  task.a = call.params[1];
  task.b = call.params[2];
  task.low = (float)task.a;
  task.range = (float)task.b - task.low;
  task.limit = task.range > 0 ? below((float)task.b) : task.low;
  float* out = (float*)call.out[0].data;
  parallelRange(context, call.out[0].count, 16384,
                [&](int64_t begin, int64_t end, int) { task.fill(kind, out, begin, end); });
}

constexpr Kernel kernel_random = {"random", randomCheck, nullptr, nullptr, nullptr, randomRun};

}  // namespace
}  // namespace evengrad::ISA
