// The matrix product's inner loops: the microkernel, and packing into the panels it reads.
#pragma once

namespace evengrad::ISA {
namespace {

// One row per ISA. The microkernel computes up to MR rows of NV vectors; KC is the depth of a
// panel, MC the rows of A that should stay in the L2 cache, and at most packedRows × packedColumns
// of C are computed from one packing.
struct MatmulSizes {
  int MR, NV;
  int64_t MC, KC, packedRows, packedColumns;
};

#if VEC_BYTES == 64
constexpr MatmulSizes matmulSizes = {14, 2, 140, 320, 4096, 4096};
#elif VEC_BYTES == 32
constexpr MatmulSizes matmulSizes = {6, 2, 96, 256, 4096, 4096};
#elif defined(__aarch64__)
constexpr MatmulSizes matmulSizes = {8, 3, 96, 256, 4096, 4096};
#else
constexpr MatmulSizes matmulSizes = {4, 2, 64, 256, 4096, 4096};
#endif

constexpr int MR = matmulSizes.MR, NV = matmulSizes.NV, NR = NV * W;

// C (rows, columns) = or += A·B over k terms. A's element (i, p) is a[i·rowA + p·columnA], one of
// the two strides being 1; B's row p starts at b + p·rowB and may be read to the end of its last
// vector.
struct Tile {
  const float* a;
  int64_t rowA, columnA;
  const float* b;
  int64_t rowB;
  float* c;
  int64_t rowC;
  int64_t k;
  int columns;
  bool add;
};

template <bool unitRows, int V, int M>
static void micro(const Tile& t) {
  vf acc[M][V];
  VEC_UNROLL
  for (int i = 0; i < M; i++) {
    VEC_UNROLL
    for (int v = 0; v < V; v++) acc[i][v] = vf{};
  }
  const float *a = t.a, *b = t.b;
  const int64_t rowA = unitRows ? 1 : t.rowA, columnA = unitRows ? t.columnA : 1, rowB = t.rowB;
  for (int64_t p = t.k; p > 0; p--) {
    vf bv[V];
    VEC_UNROLL
    for (int v = 0; v < V; v++) bv[v] = load(b + v * W);
    VEC_UNROLL
    for (int i = 0; i < M; i++) {
      vf x = splat(a[i * rowA]);
      VEC_UNROLL
      for (int v = 0; v < V; v++) acc[i][v] = fma(x, bv[v], acc[i][v]);
    }
    a += columnA;
    b += rowB;
  }
  const int last = t.columns - (V - 1) * W;
  const bool add = t.add;
  float* c = t.c;
  VEC_UNROLL
  for (int i = 0; i < M; i++) {
    VEC_UNROLL
    for (int v = 0; v < V; v++) {
      float* to = c + v * W;
      if (v < V - 1 || last == W)
        store(to, add ? load(to) + acc[i][v] : acc[i][v]);
      else
        storePartial(to, last, add ? loadPartial(to, last) + acc[i][v] : acc[i][v]);
    }
    c += t.rowC;
  }
}

using MicroKernel = void (*)(const Tile&);

template <bool unitRows, int V>
struct MicroRow {
  MicroKernel rows[MR];

  template <int M>
  constexpr void fill() {
    rows[M - 1] = micro<unitRows, V, M>;
    if constexpr (M > 1) fill<M - 1>();
  }
  constexpr MicroRow() : rows() { fill<MR>(); }
};

constexpr MicroRow<true, 1> packedMicro1;
constexpr MicroRow<true, 2> packedMicro2;
constexpr MicroRow<false, 1> rowMicro1;
constexpr MicroRow<false, 2> rowMicro2;
#if defined(__aarch64__)
constexpr MicroRow<true, 3> packedMicro3;
constexpr MicroRow<false, 3> rowMicro3;
constexpr const MicroKernel* microKernels[2][NV] = {
    {rowMicro1.rows, rowMicro2.rows, rowMicro3.rows},
    {packedMicro1.rows, packedMicro2.rows, packedMicro3.rows}};
#else
constexpr const MicroKernel* microKernels[2][NV] = {{rowMicro1.rows, rowMicro2.rows},
                                                    {packedMicro1.rows, packedMicro2.rows}};
#endif

inline void runTile(const Tile& t, int rows) {
  microKernels[t.rowA == 1][(t.columns - 1) / W][rows - 1](t);
}

typedef float v4 __attribute__((vector_size(16)));
typedef float v4Memory __attribute__((vector_size(16), aligned(4), may_alias));

#if defined(__clang__) || __GNUC__ >= 12
#define VEC_SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int v4i __attribute__((vector_size(16)));
#define VEC_SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, v4i{i, j, k, l})
#endif

// to[j·rowTo + i] = from[i·rowFrom + j] for i, j < 4
VEC_INLINE void transpose4(const float* from, int64_t rowFrom, float* to, int64_t rowTo) {
  v4 r0 = *(const v4Memory*)from, r1 = *(const v4Memory*)(from + rowFrom);
  v4 r2 = *(const v4Memory*)(from + 2 * rowFrom), r3 = *(const v4Memory*)(from + 3 * rowFrom);
  v4 a = VEC_SHUFFLE4(r0, r1, 0, 4, 1, 5), b = VEC_SHUFFLE4(r0, r1, 2, 6, 3, 7);
  v4 c = VEC_SHUFFLE4(r2, r3, 0, 4, 1, 5), d = VEC_SHUFFLE4(r2, r3, 2, 6, 3, 7);
  *(v4Memory*)to = VEC_SHUFFLE4(a, c, 0, 1, 4, 5);
  *(v4Memory*)(to + rowTo) = VEC_SHUFFLE4(a, c, 2, 3, 6, 7);
  *(v4Memory*)(to + 2 * rowTo) = VEC_SHUFFLE4(b, d, 0, 1, 4, 5);
  *(v4Memory*)(to + 3 * rowTo) = VEC_SHUFFLE4(b, d, 2, 3, 6, 7);
}

// to[j·rowTo + i] = from[i·rowFrom + j] for i < rows, j < columns
inline void transpose(const float* from, int64_t rowFrom, float* to, int64_t rowTo, int64_t rows,
                      int64_t columns) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    int64_t j = 0;
    for (; j + 4 <= columns; j += 4)
      transpose4(from + i * rowFrom + j, rowFrom, to + j * rowTo + i, rowTo);
    for (; j < columns; j++)
      for (int64_t r = i; r < i + 4; r++) to[j * rowTo + r] = from[r * rowFrom + j];
  }
  for (; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) to[j * rowTo + i] = from[i * rowFrom + j];
}

// A panel of `lanes` lanes and k terms, to[p·width + i] = from[i·laneStride + p·termStride], zeros
// up to `width`.
inline void packPanel(const float* from, int64_t laneStride, int64_t termStride, float* to,
                      int lanes, int width, int64_t k) {
  if (laneStride == 1) {
    for (int64_t p = 0; p < k; p++) {
      const float* x = from + p * termStride;
      float* y = to + p * width;
      int i = 0;
      for (; i + W <= lanes; i += W) store(y + i, load(x + i));
      if (i < lanes) storePartial(y + i, lanes - i, loadPartial(x + i, lanes - i));
    }
  } else {
    transpose(from, laneStride, to, width, lanes, k);
  }
  if (lanes < width)
    for (int64_t p = 0; p < k; p++)
      for (int i = lanes; i < width; i++) to[p * width + i] = 0;
}

}  // namespace
}  // namespace evengrad::ISA
