// Transposes of matrices of 4-byte elements, in steps of vectors.
#pragma once

namespace evengrad::ISA {
namespace {

typedef float v4 __attribute__((vector_size(16)));
typedef float v4Memory __attribute__((vector_size(16), aligned(4), may_alias));
typedef int v4Lanes __attribute__((vector_size(16)));

#if defined(__clang__) || __GNUC__ >= 12
#define VEC_SHUFFLE(lanes, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define VEC_SHUFFLE(lanes, a, b, ...) __builtin_shuffle(a, b, lanes{__VA_ARGS__})
#endif

// to[j·rowTo + i] = from[i·rowFrom + j] for i, j < 4
VEC_INLINE void transpose4(const float* from, int64_t rowFrom, float* to, int64_t rowTo) {
  v4 r0 = *(const v4Memory*)from, r1 = *(const v4Memory*)(from + rowFrom);
  v4 r2 = *(const v4Memory*)(from + 2 * rowFrom), r3 = *(const v4Memory*)(from + 3 * rowFrom);
  v4 a = VEC_SHUFFLE(v4Lanes, r0, r1, 0, 4, 1, 5), b = VEC_SHUFFLE(v4Lanes, r0, r1, 2, 6, 3, 7);
  v4 c = VEC_SHUFFLE(v4Lanes, r2, r3, 0, 4, 1, 5), d = VEC_SHUFFLE(v4Lanes, r2, r3, 2, 6, 3, 7);
  *(v4Memory*)to = VEC_SHUFFLE(v4Lanes, a, c, 0, 1, 4, 5);
  *(v4Memory*)(to + rowTo) = VEC_SHUFFLE(v4Lanes, a, c, 2, 3, 6, 7);
  *(v4Memory*)(to + 2 * rowTo) = VEC_SHUFFLE(v4Lanes, b, d, 0, 1, 4, 5);
  *(v4Memory*)(to + 3 * rowTo) = VEC_SHUFFLE(v4Lanes, b, d, 2, 3, 6, 7);
}

#if VEC_BYTES >= 32
typedef float v8 __attribute__((vector_size(32)));
typedef float v8Memory __attribute__((vector_size(32), aligned(4), may_alias));
typedef int v8Lanes __attribute__((vector_size(32)));

// p[0..3], then q[0..3]
VEC_INLINE v8 loadQuads(const float* p, const float* q) {
  v4 a = *(const v4Memory*)p, b = *(const v4Memory*)q;
#if defined(__clang__) || __GNUC__ >= 12
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
#else
  return v8{a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]};
#endif
}

// to[j·rowTo + i] = from[i·rowFrom + j] for i < 8, j < 4. Vectors of 64 bytes would shuffle no more
// in a cycle.
VEC_INLINE void transpose8(const float* from, int64_t rowFrom, float* to, int64_t rowTo) {
  const float* lower = from + 4 * rowFrom;
  v8 r0 = loadQuads(from, lower), r1 = loadQuads(from + rowFrom, lower + rowFrom);
  v8 r2 = loadQuads(from + 2 * rowFrom, lower + 2 * rowFrom);
  v8 r3 = loadQuads(from + 3 * rowFrom, lower + 3 * rowFrom);
  v8 a = VEC_SHUFFLE(v8Lanes, r0, r1, 0, 8, 1, 9, 4, 12, 5, 13);
  v8 b = VEC_SHUFFLE(v8Lanes, r0, r1, 2, 10, 3, 11, 6, 14, 7, 15);
  v8 c = VEC_SHUFFLE(v8Lanes, r2, r3, 0, 8, 1, 9, 4, 12, 5, 13);
  v8 d = VEC_SHUFFLE(v8Lanes, r2, r3, 2, 10, 3, 11, 6, 14, 7, 15);
  *(v8Memory*)to = VEC_SHUFFLE(v8Lanes, a, c, 0, 1, 8, 9, 4, 5, 12, 13);
  *(v8Memory*)(to + rowTo) = VEC_SHUFFLE(v8Lanes, a, c, 2, 3, 10, 11, 6, 7, 14, 15);
  *(v8Memory*)(to + 2 * rowTo) = VEC_SHUFFLE(v8Lanes, b, d, 0, 1, 8, 9, 4, 5, 12, 13);
  *(v8Memory*)(to + 3 * rowTo) = VEC_SHUFFLE(v8Lanes, b, d, 2, 3, 10, 11, 6, 7, 14, 15);
}
#endif

// The same for `rows` ≥ R and `columns` ≥ 4. Where R and 4 do not divide them, the last steps begin
// earlier and repeat some of the work.
template <int R, class Step>
VEC_INLINE void transposeSteps(const float* from, int64_t rowFrom, float* to, int64_t rowTo,
                               int64_t rows, int64_t columns, Step step) {
  for (int64_t i = 0; i < rows; i += R) {
    int64_t row = smaller(i, rows - R);
    const float* x = from + row * rowFrom;
    float* y = to + row;
    for (int64_t j = columns; j >= 4; j -= 4) {
      step(x, rowFrom, y, rowTo);
      x += 4, y += 4 * rowTo;
    }
    int64_t back = -columns & 3;
    if (back) step(x - back, rowFrom, y - back * rowTo, rowTo);
  }
}

// to[j·rowTo + i] = from[i·rowFrom + j] for i < rows, j < columns
static void transpose(const float* from, int64_t rowFrom, float* to, int64_t rowTo, int64_t rows,
                      int64_t columns) {
  if (rows < 4 || columns < 4) {
    for (int64_t j = 0; j < columns; j++)
      for (int64_t i = 0; i < rows; i++) to[j * rowTo + i] = from[i * rowFrom + j];
    return;
  }
  constexpr int64_t block =
      64;  // columns that are written stay in the L1 cache until they are whole
  for (int64_t first = 0; first < columns; first += block) {
    int64_t j = smaller(first, columns - 4), n = smaller(block, columns - j);
#if VEC_BYTES >= 32
    if (rows >= 8) {
      transposeSteps<8>(from + j, rowFrom, to + j * rowTo, rowTo, rows, n, transpose8);
      continue;
    }
#endif
    transposeSteps<4>(from + j, rowFrom, to + j * rowTo, rowTo, rows, n, transpose4);
  }
}

}  // namespace
}  // namespace evengrad::ISA
