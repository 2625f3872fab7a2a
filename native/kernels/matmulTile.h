// The matrix product's inner loops: a tile of C is summed in registers and finished on its way to
// memory.
#pragma once

#include "transpose.h"

namespace evengrad::ISA {
namespace {

// One row per ISA. A tile has up to MR rows of NV vectors, or fewer rows of more vectors in as many
// registers; a tile of dot products has dotRows × dotColumns. Panels are at most KC terms deep, and
// a chunk's part of B takes about chunkBytes, which with A's panels should stay in the L2 cache.
struct TileSizes {
  int MR, NV, dotRows, dotColumns;
  int64_t KC, chunkBytes;
};

#if VEC_BYTES == 64
constexpr TileSizes tileSizes = {14, 2, 4, 5, 1024, 400 << 10};
#elif VEC_BYTES == 32
constexpr TileSizes tileSizes = {6, 2, 3, 4, 512, 128 << 10};
#elif defined(__aarch64__)
constexpr TileSizes tileSizes = {8, 3, 4, 5, 512, 200 << 10};
#else
constexpr TileSizes tileSizes = {4, 2, 3, 4, 512, 128 << 10};
#endif

constexpr int MR = tileSizes.MR, NV = tileSizes.NV, NR = NV * W;
constexpr int tileElements = MR * NR;  // elements
constexpr int leastKept = MR / 2;      // rows of a tile that keeps, if there is more than one
constexpr int prefetchRows = 32;       // some hundred cycles
constexpr int leastFetching = 32;      // terms that take longer than to prefetch a tile of C

// Widths of tiles in vectors with the most rows that fit in the registers, the widest first: few
// rows take wide tiles.
struct TileWidth {
  int vectors, rows;
};
#if VEC_BYTES == 64
constexpr TileWidth tileWidths[] = {{8, 3}, {4, 6}, {NV, MR}, {1, MR}};
#elif defined(__aarch64__)
constexpr TileWidth tileWidths[] = {{6, 4}, {NV, MR}, {2, MR}, {1, MR}};
#else
constexpr TileWidth tileWidths[] = {{4, 2}, {NV, MR}, {1, MR}};
#endif

// What becomes of a product P: C = [C +] scale·P, then + bias to every row, then max(0, ·).
struct Epilogue {
  float scale = 1;
  bool add = false;
  bool relu = false;

  bool scalesOrClips() const { return scale != 1 || relu; }
};

// A tile of C over k terms. A's element (i, p) is a[i·rowA + p·columnA], B's (p, j) is
// b[p·rowB + j] or, for dot products, b[p + j·rowB]; C's (i, j) is c[i·rowC + j·columnC], one of
// the two strides being 1.
struct Tile {
  const float* a;
  int64_t rowA, columnA;
  const float* b;  // may be read to the end of each row's last vector
  int64_t rowB;
  // A kernel that `keeps` copies the rows of B that it reads to `kept`, densely, and fetches what
  // is wanted later and the prefetcher would not find: with each term as many bytes as a row has,
  // from `ahead` on, a gap of `gap` bytes following every `run` terms.
  float* kept;
  const char* ahead;
  int64_t run, gap;
  float* c;
  int64_t rowC, columnC;
  int64_t k;
  int columns;
  const Epilogue* epilogue;
  const float* bias;  // for the tile's columns of C, or null
  bool plain;         // nothing to do but to store whole vectors in rows, or to add them
  bool across;        // C's rows are the tile's columns
};

VEC_INLINE void get(const float* p, vf& x) { x = load(p); }
VEC_INLINE void get(const float* p, float& x) { x = *p; }
VEC_INLINE void put(float* p, vf x) { store(p, x); }
VEC_INLINE void put(float* p, float x) { *p = x; }
#if VEC_BYTES > 16
VEC_INLINE void get(const float* p, v4& x) { x = *(const v4Memory*)p; }
VEC_INLINE void put(float* p, v4 x) { *(v4Memory*)p = x; }
#endif

// As many elements as V has, from the sums x to C.
template <class V>
VEC_INLINE void finishLanes(const Epilogue& e, const float* x, const float* bias, float* c) {
  V y, z;
  get(x, y);
  y = y * e.scale;
  if (e.add) get(c, z), y = z + y;
  if (bias) get(bias, z), y = y + z;
  if (e.relu) y = y < V{} ? V{} : y;
  put(c, y);
}

// The sums x (rows, width) of a tile go to C.
static void finish(const Tile& t, const float* x, int64_t rows, int64_t width) {
  const Epilogue& e = *t.epilogue;
  alignas(64) float turned[tileElements];
  int64_t columns = t.columns, rowC = t.rowC;
  if (t.across) {
    transpose(x, width, turned, rows, rows, columns);
    x = turned;
    width = rows;
    rows = columns;
    columns = width;
    rowC = t.columnC;
  }
  for (int64_t i = 0; i < rows; i++) {
    const float *y = x + i * width, *bias = t.bias;
    float* c = t.c + i * rowC;
    int64_t j = 0;
    for (; j + W <= columns; j += W) finishLanes<vf>(e, y + j, bias ? bias + j : bias, c + j);
    for (; W > 4 && j + 4 <= columns; j += 4)
      finishLanes<v4>(e, y + j, bias ? bias + j : bias, c + j);
    for (; j < columns; j++) finishLanes<float>(e, y + j, bias ? bias + j : bias, c + j);
  }
}

// M rows of V vectors: every term's B row times M repeated elements of A.
template <int V, int M, bool keeps>
static void tile(const Tile& t) {
  vf acc[M][V];
  VEC_UNROLL
  for (int i = 0; i < M; i++) {
    VEC_UNROLL
    for (int v = 0; v < V; v++) acc[i][v] = vf{};
  }
  // One pointer for 3 rows, as x86 addresses base + {0, 1, 2}·index.
  constexpr int bases = (M + 2) / 3;
  const char *a[bases], *b = (const char*)t.b;
  // Strides in bytes: the compiler would make a second loop for a stride of 1.
  const int64_t rowA = t.rowA * 4, columnA = t.columnA * 4, rowB = t.rowB * 4;
  VEC_UNROLL
  for (int i = 0; i < bases; i++) a[i] = (const char*)t.a + 3 * i * rowA;
  // C comes from afar where B's terms are many: it is fetched while they are summed.
  for (int i = 0; i < M && t.k >= leastFetching; i++) {
    VEC_UNROLL
    for (int v = 0; v < V * VEC_BYTES; v += 64)
      __builtin_prefetch((const char*)(t.c + i * t.rowC) + v, 1, 3);
  }
  float* kept = t.kept;
  const char* ahead = t.ahead;
  int64_t run = t.run;
  for (int64_t p = t.k; p > 0; p--) {
    vf row[V];
    VEC_UNROLL
    for (int v = 0; v < V; v++) {
      row[v] = load((const float*)b + v * W);
      if (keeps) {
        __builtin_prefetch(ahead + v * VEC_BYTES, 0, 2);
        store(kept + v * W, row[v]);
      }
    }
    VEC_UNROLL
    for (int i = 0; i < M; i++) {
      vf x = splat(*(const float*)(a[i / 3] + i % 3 * rowA));
      VEC_UNROLL
      for (int v = 0; v < V; v++) acc[i][v] = fma(x, row[v], acc[i][v]);
    }
    VEC_UNROLL
    for (int i = 0; i < bases; i++) a[i] += columnA;
    b += rowB;
    if (keeps) {
      kept += V * W;
      ahead += V * VEC_BYTES;
      if (--run == 0) run = t.run, ahead += t.gap;
    }
  }
  if (t.plain) {
    float* c = t.c;
    const bool add = t.epilogue->add;
    VEC_UNROLL
    for (int i = 0; i < M; i++) {
      VEC_UNROLL
      for (int v = 0; v < V; v++) store(c + v * W, add ? load(c + v * W) + acc[i][v] : acc[i][v]);
      c += t.rowC;
    }
  } else {
    alignas(64) float x[M * V * W];
    VEC_UNROLL
    for (int i = 0; i < M; i++) {
      VEC_UNROLL
      for (int v = 0; v < V; v++) store(x + (i * V + v) * W, acc[i][v]);
    }
    finish(t, x, M, V * W);
  }
}

using TileKernel = void (*)(const Tile&);

template <int V, int most, int least, bool keeps>
struct TileKernels {
  TileKernel rows[most];

  template <int M>
  constexpr void fill() {
    rows[M - 1] = tile<V, M, keeps>;
    if constexpr (M > least) fill<M - 1>();
  }
  constexpr TileKernels() : rows() { fill<most>(); }
};
template <int I>
constexpr TileKernels<tileWidths[I].vectors, tileWidths[I].rows, 1, false> reading;
template <int I>
constexpr TileKernels<tileWidths[I].vectors, MR, leastKept, true> keeping;

// [keeps][index of tileWidths][rows − 1]
#if VEC_BYTES == 64
constexpr const TileKernel* tileKernels[2][4] = {
    {reading<0>.rows, reading<1>.rows, reading<2>.rows, reading<3>.rows},
    {nullptr, nullptr, keeping<2>.rows, keeping<3>.rows}};
#elif defined(__aarch64__)
constexpr const TileKernel* tileKernels[2][4] = {
    {reading<0>.rows, reading<1>.rows, reading<2>.rows, reading<3>.rows},
    {nullptr, keeping<1>.rows, keeping<2>.rows, keeping<3>.rows}};
#else
constexpr const TileKernel* tileKernels[2][3] = {
    {reading<0>.rows, reading<1>.rows, reading<2>.rows},
    {nullptr, keeping<1>.rows, keeping<2>.rows}};
#endif

// Lanes of two vectors within each quarter of 16 bytes: the first or second half of a's, then b's.
template <int half>
struct Halves {
  static constexpr int from(int i) { return i / 4 * 4 + 2 * half + i % 2 + i / 2 % 2 * W; }
};
// The same, a's and b's in turn.
template <int half>
struct Alternating {
  static constexpr int from(int i) { return i / 4 * 4 + 2 * half + i / 2 % 2 + i % 2 * W; }
};
template <template <int> class Order>
VEC_INLINE vf addHalves(vf a, vf b) {
  return (vf)shuffle<Order<0>>((vi)a, (vi)b) + (vf)shuffle<Order<1>>((vi)a, (vi)b);
}

// R rows of A times C columns of B, both dense along the terms.
template <int R, int C>
static void dotTile(const Tile& t) {
  vf acc[R][C];
  VEC_UNROLL
  for (int i = 0; i < R; i++) {
    VEC_UNROLL
    for (int j = 0; j < C; j++) acc[i][j] = vf{};
  }
  const float *a = t.a, *b = t.b;
  const int64_t rowA = t.rowA, rowB = t.rowB;
  auto step = [&](auto read) __attribute__((always_inline)) {
    vf x[R];
    VEC_UNROLL
    for (int i = 0; i < R; i++) x[i] = read(a + i * rowA);
    VEC_UNROLL
    for (int j = 0; j < C; j++) {
      vf y = read(b + j * rowB);
      VEC_UNROLL
      for (int i = 0; i < R; i++) acc[i][j] = fma(x[i], y, acc[i][j]);
    }
  };
  int64_t p = t.k;
  for (; p >= W; p -= W) {
    step([](const float* from) __attribute__((always_inline)) { return load(from); });
    a += W, b += W;
  }
  if (p > 0)
    step([p](const float* from)
             __attribute__((always_inline)) { return loadPartial(from, (int)p); });
  // Of four vectors at a time: lane q of each quarter becomes a part of the sum of vector q.
  constexpr int fours = (R * C + 3) / 4;
  alignas(64) float sums[fours * 4];
  VEC_UNROLL
  for (int q = 0; q < fours; q++) {
    vf x[4];
    VEC_UNROLL
    for (int i = 0; i < 4; i++)
      x[i] = q * 4 + i < R * C ? acc[(q * 4 + i) / C % R][(q * 4 + i) % C] : vf{};
    alignas(64) float quarters[W];
    store(quarters, addHalves<Halves>(addHalves<Alternating>(x[0], x[1]),
                                      addHalves<Alternating>(x[2], x[3])));
    v4 sum = *(const v4Memory*)quarters;
    VEC_UNROLL
    for (int i = 4; i < W; i += 4) sum += *(const v4Memory*)(quarters + i);
    *(v4Memory*)(sums + q * 4) = sum;
  }
  finish(t, sums, R, C);
}

template <int R, int C>
constexpr void fillDots(TileKernel* kernels) {
  kernels[C - 1] = dotTile<R, C>;
  if constexpr (C > 1) fillDots<R, C - 1>(kernels);
}
// Of one row, and of dotRows rows.
struct DotKernels {
  TileKernel one[tileSizes.dotColumns], many[tileSizes.dotColumns];
  constexpr DotKernels() : one(), many() {
    fillDots<1, tileSizes.dotColumns>(one);
    fillDots<tileSizes.dotRows, tileSizes.dotColumns>(many);
  }
};
constexpr DotKernels dotKernels;

}  // namespace
}  // namespace evengrad::ISA
