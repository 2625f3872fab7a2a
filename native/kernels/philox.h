// Philox4x32-10 (Salmon et al., 2011): random words from a counter, many blocks of four at a time.
//
// key = (seedLo, seedHi), counter = (blockLo, blockHi, streamLo, streamHi); element i of a draw is
// made of word i mod 4 of block i / 4, a flag of half of word i / 2 mod 4 of block i / 8.
#pragma once

namespace evengrad::ISA {
namespace {

// What does not change from block to block, in every lane: the keys of the rounds and the stream.
struct PhiloxKeys {
  vul round[10][2], stream[2];

  // key: seedLo, seedHi, streamLo, streamHi
  explicit PhiloxKeys(const uint32_t* key) {
    uint32_t k0 = key[0], k1 = key[1];
    for (auto& k : round) {
      k[0] = (vul)splat((int64_t)k0);
      k[1] = (vul)splat((int64_t)k1);
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    for (int i = 0; i < 2; i++) stream[i] = (vul)splat((int64_t)key[2 + i]);
  }
};

// The words of WD blocks: word j of each in the low half of lane[j]'s lanes, the high halves
// undefined.
struct PhiloxWords {
  vul lane[4];

  // Words `a` of the blocks in the even lanes, words `b` in the odd ones.
  VEC_INLINE vi pair(int a, int b) const { return (vi)((lane[a] & 0xffffffff) | (lane[b] << 32)); }
};

// The steps of one vector overlap those of the others: as many as the registers (32 or 16) allow.
constexpr int philoxTogether = VEC_BYTES == 64 ? 4 : 3;

// philoxTogether · WD blocks from `block`.
VEC_INLINE void philox(const PhiloxKeys& keys, int64_t block, PhiloxWords* words) {
  vul lanes, x[philoxTogether][4];
  VEC_UNROLL
  for (int i = 0; i < WD; i++) lanes[i] = (uint64_t)i;
  VEC_UNROLL
  for (int u = 0; u < philoxTogether; u++) {
    x[u][0] = (vul)splat(block + u * WD) + lanes;
    x[u][1] = x[u][0] >> 32;
    x[u][2] = keys.stream[0], x[u][3] = keys.stream[1];
  }
  VEC_UNROLL
  for (int round = 0; round < 10; round++) {
    VEC_UNROLL
    for (int u = 0; u < philoxTogether; u++) {
      vul p0 = mulLow32(x[u][0], 0xD2511F53), p1 = mulLow32(x[u][2], 0xCD9E8D57);
      x[u][0] = (p1 >> 32) ^ x[u][1] ^ keys.round[round][0];
      x[u][2] = (p0 >> 32) ^ x[u][3] ^ keys.round[round][1];
      x[u][1] = p1;
      x[u][3] = p0;
    }
  }
  VEC_UNROLL
  for (int u = 0; u < philoxTogether; u++)
    for (int j = 0; j < 4; j++) words[u].lane[j] = x[u][j];
}

// Half `h` of the words of WD blocks in the order of the elements, from words (0, 1) of the blocks
// in a and (2, 3) in b, both in pairs.
template <int h>
struct BlockOrder {
  static constexpr int from(int i) {
    int block = h * (WD / 2) + i / 4, word = i % 4;
    return word / 2 * W + 2 * block + word % 2;
  }
};

// Half `h` of the lanes of a and b by turns.
template <int h>
struct ByTurns {
  static constexpr int from(int i) { return h * (W / 2) + i / 2 + i % 2 * W; }
};

template <template <int> class Order>
VEC_INLINE void inOrder(vi a, vi b, vi out[2]) {
  out[0] = shuffle<Order<0>>(a, b);
  out[1] = shuffle<Order<1>>(a, b);
}

}  // namespace
}  // namespace evengrad::ISA
