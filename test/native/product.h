// A product of matrices with an epilogue as the kernels of any instruction set compute it, for
// product.test.cc: no kernel hands on all of what `multiply` can do.
#pragma once

#include "kernel.h"

namespace test {

struct ProductCall {
  int64_t M, N, K;
  bool transA, transB;
  const float *a, *b;  // (M, K) and (K, N), or transposed
  float* c;            // (M, N) in rows of rowC
  int64_t rowC;
  float scale;  // c = [c +] scale·a·b [+ bias], then max(0, c) if relu
  bool add, relu;
  const float* bias;         // (N), or null
  evengrad::Parallel* pool;  // null: this thread alone
};

#if defined(__x86_64__) || defined(_M_X64)
void multiply_avx512(const ProductCall&);
void multiply_avx2(const ProductCall&);
void multiply_sse(const ProductCall&);
#else
void multiply_neon(const ProductCall&);
#endif

}  // namespace test
