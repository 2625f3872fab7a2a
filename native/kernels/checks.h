// What the kernels' checks share: exact integer parameters, products that cannot overflow, and work
// split over the pool.
#pragma once

#include <stdint.h>

namespace evengrad::ISA {
namespace {

// Parameters [from, to) are integers that a double and an int64 hold exactly.
inline bool integers(const Call& call, int from, int to) {
  if (from < 0 || to > call.nParams) return false;
  for (int i = from; i < to; i++) {
    double p = call.params[i];
    if (!(p >= -0x1p53 && p <= 0x1p53) || p != (double)(int64_t)p) return false;
  }
  return true;
}

inline bool sizes(const Call& call, int from, int to) {
  if (!integers(call, from, to)) return false;
  for (int i = from; i < to; i++)
    if (call.params[i] < 0) return false;
  return true;
}

// Their product, or −1 where it passes 2⁵³ (also if another factor is 0).
inline int64_t product(const int64_t* factors, int n) {
  int64_t r = 1;
  bool zero = false;
  for (int i = 0; i < n; i++) {
    if (factors[i] < 0 || factors[i] > int64_t{1} << 53) return -1;
    if (factors[i] == 0) {
      zero = true;
    } else if (__builtin_mul_overflow(r, factors[i], &r) || r > int64_t{1} << 53) {
      return -1;
    }
  }
  return zero ? 0 : r;
}
inline int64_t product(int64_t a, int64_t b, int64_t c = 1, int64_t d = 1) {
  int64_t f[] = {a, b, c, d};
  return product(f, 4);
}

// Σ (dᵢ − 1)·strideᵢ over the negative and over the positive strides: the span of a strided view
// that is not empty.
struct Span {
  int64_t low = 0, high = 0;

  bool add(int64_t dim, int64_t stride) {
    int64_t reach;
    if (__builtin_mul_overflow(dim - 1, stride, &reach)) return false;
    return !__builtin_add_overflow(reach < 0 ? low : high, reach, reach < 0 ? &low : &high);
  }
  bool within(int64_t offset, int64_t count) const {
    int64_t first, last;
    return !__builtin_add_overflow(offset, low, &first) &&
           !__builtin_add_overflow(offset, high, &last) && first >= 0 && last < count;
  }
};

constexpr const char* wrongArguments = "the number of buffers or parameters is wrong";
constexpr const char* wrongParameters =
    "a parameter is not an integer, is out of range, or a size is too large";
constexpr const char* wrongTypes = "these element types are not supported";
constexpr const char* wrongCounts = "a buffer's size does not match the parameters";

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t ceilDiv(int64_t a, int64_t b) { return a / b + (a % b != 0); }
inline int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }
inline int64_t alignUp(int64_t bytes) { return (bytes + 63) & ~int64_t{63}; }

template <class Body>
VEC_ONCE void runChunk(void* body, int64_t chunk, int worker) {
  (*(Body*)body)(chunk, worker);
}

// body(chunk, worker) for every chunk.
template <class Body>
inline void parallel(Context& context, int64_t chunks, Body body) {
  if (chunks == 1) return runChunk<Body>(&body, 0, 0);
  if (chunks > 1) context.pool.run(chunks, runChunk<Body>, &body);
}

// body(begin, end, worker) over [0, n) in pieces of `grain`.
template <class Body>
inline void parallelRange(Context& context, int64_t n, int64_t grain, Body body) {
  parallel(context, ceilDiv(n, grain), [=](int64_t chunk, int worker) {
    body(chunk * grain, smaller(n, (chunk + 1) * grain), worker);
  });
}

}  // namespace
}  // namespace evengrad::ISA
