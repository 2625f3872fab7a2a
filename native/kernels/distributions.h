// Distributions made of random words: each draws 4·WD elements from the words of WD blocks, flags
// twice as many.
//
// Floats and doubles are used with +, −, ×, ÷ and √ only, in a fixed order and never fused, so that
// every ISA draws the same bits.
#pragma once

#include "maths.h"
#include "philox.h"

namespace evengrad::ISA {
namespace {

// The largest float below x.
inline float below(float x) {
  if (x == 0) return -0x1p-149f;
  int32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  bits += x > 0 ? -1 : 1;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}

// low + n·2⁻²⁴·(high − low), n the upper 24 bits.
struct Uniform {
  float low, range, last;

  Uniform(double a, double b) : low((float)a), range((float)b - low) {
    last = range > 0 ? below((float)b) : low;
  }

  VEC_INLINE void operator()(const PhiloxWords& words, float* out) const {
    vi bits[2];
    inOrder<BlockOrder>(words.pair(0, 1), words.pair(2, 3), bits);
    for (int h = 0; h < 2; h++) {
      vf u = convert((vi)((vu)bits[h] >> 8)) * splat(0x1p-24f);
      vf x = splat(low) + u * splat(range);
      store(out + h * W, x > splat(last) ? splat(last) : x);
    }
  }
};

// least + ⌊word·count / 2³²⌋
struct Integer {
  int32_t least;
  uint64_t count;

  Integer(double a, double b) : least((int32_t)a), count((uint64_t)(b - a)) {}

  VEC_INLINE void operator()(PhiloxWords words, int32_t* out) const {
    if (count <= 0xffffffff)  // otherwise the word is the number
      for (vul& x : words.lane) x = mulLow32(x, (uint32_t)count) >> 32;
    vi bits[2];
    inOrder<BlockOrder>(words.pair(0, 1), words.pair(2, 3), bits);
    for (int h = 0; h < 2; h++) store(out + h * W, (vi)((vu)bits[h] + (vu)splat(least)));
  }
};

// −2 ln(m/2³¹) for integers m from 1 to 2³¹: m = 2ᵏ(1 + f), ln(1 + f) = 2 artanh(f/(2 + f)). Good
// to 4 ULP.
VEC_INLINE vf minusTwoLog(vf m) {
  constexpr int32_t sqrtHalf = 0x3f3504f3, scale = 31 << 23;
  vi i = (vi)m - (sqrtHalf + scale);
  vf k = convert(i >> 23);
  vf f = (vf)((i & 0x007fffff) + sqrtHalf) - splat(1.0f);
  vf s = f / (f + splat(2.0f)), z = s * s;
  // (−4 artanh s)/s, 8.0e-10
  vf p = splat(-0.7995514802f) + z * splat(-0.5974187391f);
  p = splat(-4.0f) + z * (splat(-1.333335522f) + z * p);
  return k * splat(-1.386294361f) + s * p;
}

// Box and Muller (1958): r cos 2πu and r sin 2πu with r = √(−2 ln v). v is an odd multiple of 2⁻³¹
// rounded to a float: it is precise where it is small, which is where r is large.
VEC_INLINE void boxMuller(vi word0, vi word1, vf deviation, vf* z0, vf* z1) {
  vf r = deviation * sqrt(minusTwoLog(convert((vi)((vu)word0 >> 1) | 1)));
  // The angle is a quarter turn times (the upper two bits of q) and a rest in [−⅛, ⅛) turns.
  vu q = (vu)word1 + (1u << 29);
  vf x = convert((vi)((vu)word1 << 2) >> 2) * splat(0x1.921fb6p-30f);
  vf z = x * x;
  // sin x, 3.8e-9; cos x, 3.9e-8
  vf s = x + x * (z * (splat(-0.1666665461f) +
                       z * (splat(0.008332160764f) + z * splat(-0.0001951528353f))));
  vf c = splat(1.0f) +
         z * (splat(-0.4999988475f) + z * (splat(0.04165577707f) + z * splat(-0.001359185402f)));
  vi odd = (vi)(q << 1) < 0;
  vf cosine = odd ? s : c, sine = odd ? c : s;
  *z0 = r * (vf)((vu)cosine ^ ((q + (1u << 30)) & (1u << 31)));
  *z1 = r * (vf)((vu)sine ^ (q & (1u << 31)));
}

// Words (0, 1) of a block give its first two elements, words (2, 3) the others.
struct Normal {
  float mean, deviation;

  Normal(double a, double b) : mean((float)a), deviation((float)b) {}

  VEC_INLINE void operator()(const PhiloxWords& words, float* out) const {
    vf z0, z1;
    boxMuller(words.pair(0, 2), words.pair(1, 3), splat(deviation), &z0, &z1);
    vi x[2];
    inOrder<ByTurns>((vi)(splat(mean) + z0), (vi)(splat(mean) + z1), x);
    for (int h = 0; h < 2; h++) store(out + h * W, (vf)x[h]);
  }
};

// Φ⁻¹(½ + q) for |q| ≤ Φ(2) − ½, a minimax rational function of q²: 1.5e-9.
VEC_INLINE vd truncatedQuantile(vul word) {
  static constexpr double p[] = {2.50662827826945045,  -30.8295259162678355, 139.983505483550572,
                                 -281.347061396981053, 227.608730208951916,  -41.5973155507564961};
  static constexpr double d[] = {1.0,
                                 -13.3463983382794278,
                                 67.5187043565074501,
                                 -158.460375599109134,
                                 165.891604663327845,
                                 -56.6175108082208611};
  // The upper 24 bits as an integer in a double.
  vd n = (vd)(((word & 0xffffffff) >> 8) | (vul)splat(0x1p52)) - splat(0x1p52);
  vd u = (n + splat(0.5)) * splat(0x1p-24);
  vd q = (u - splat(0.5)) * splat(0.9544997361036416);
  vd v = q * q;
  vd z = q * (polynomial<false>(v, p) / polynomial<false>(v, d));
  z = z > splat(2.0) ? splat(2.0) : z;
  return z < splat(-2.0) ? splat(-2.0) : z;
}

struct TruncatedNormal {
  double mean, deviation;

  TruncatedNormal(double a, double b) : mean(a), deviation(b) {}

  // Words `first` of the blocks, then words `second`.
  VEC_INLINE vi both(const PhiloxWords& words, int first, int second) const {
    vd a = splat(mean) + splat(deviation) * truncatedQuantile(words.lane[first]);
    vd b = splat(mean) + splat(deviation) * truncatedQuantile(words.lane[second]);
    return (vi)join(a, b);
  }

  template <int h>
  struct Order {
    static constexpr int from(int i) {
      int block = h * (WD / 2) + i / 4, word = i % 4;
      return word % 2 * WD + block + word / 2 * W;
    }
  };

  VEC_INLINE void operator()(const PhiloxWords& words, float* out) const {
    vi x[2];
    inOrder<Order>(both(words, 0, 1), both(words, 2, 3), x);
    for (int h = 0; h < 2; h++) store(out + h * W, (vf)x[h]);
  }
};

// Whether a number of 32 bits is less than p·2³². Its upper half is half a word; the lower one,
// half of another block's word, is looked at where the upper does not decide: once in 2¹⁶ times.
struct Bernoulli {
  const PhiloxKeys& keys;
  uint32_t low;
  vus high, always;

  Bernoulli(double p, const PhiloxKeys& keys) : keys(keys) {
    uint64_t count = (uint64_t)(p * 0x1p32 + 0.5);
    low = count & 0xffff;
    high = vus{} + (uint16_t)(count >> 16);
    always = vus{} + (uint16_t)(count >> 32);
  }

  // Elements from `at` on, two of a word.
  VEC_INLINE void operator()(const PhiloxWords& words, uint8_t* out, int64_t at) const {
    vi bits[2];
    inOrder<BlockOrder>(words.pair(0, 1), words.pair(2, 3), bits);
    for (int h = 0; h < 2; h++) {
      vus x = (vus)bits[h];
      storeBytes(out + h * 2 * W, ((vus)(x < high) & 1) | always);
      if (!low) continue;
      vi open = (vi)(x == high);
      if (__builtin_expect(any(open | open << 16), 0))
        decide(open, out + h * 2 * W, at + h * 2 * W);
    }
  }

  VEC_ONCE void decide(vi open, uint8_t* out, int64_t at) const {
    for (int i = 0; i < 2 * W; i++) {
      if (!((vus)open)[i]) continue;
      int64_t element = at + i;
      PhiloxWords words[philoxTogether];
      philox(keys, element / 4 + (int64_t{1} << 52), words);
      out[i] = ((uint32_t)words[0].lane[element % 4][0] >> 16) < low;
    }
  }
};

// Elements made of one word.
template <class Distribution>
constexpr int perWord = 1;
template <>
constexpr int perWord<Bernoulli> = 2;

}  // namespace
}  // namespace evengrad::ISA
