// matmul: batches of C = A·B, with a bias added to every row and max(0, ·) taken, if wanted.
//
// params  batch, M, N, K, transA, transB, strideA, strideB, relu
// in      A (M, K), or (K, M) if transA, batch b at b·strideA (0 shares one); B (K, N), or (N, K)
//         if transB, likewise; the bias (N), if any
// out     (batch, M, N), all f32
#pragma once

#include <stdlib.h>

#include "product.h"

namespace evengrad::ISA {
namespace {

inline const char* matmulCheck(const Call& call) {
  if (call.nIn < 2 || call.nIn > 3 || call.nOut != 1 || call.nParams != 9) return wrongArguments;
  if (!sizes(call, 0, 9) || call.params[4] > 1 || call.params[5] > 1 || call.params[8] > 1)
    return wrongParameters;
  for (int i = 0; i < call.nIn; i++)
    if (call.in[i].dtype != DType::f32) return wrongTypes;
  if (call.out[0].dtype != DType::f32) return wrongTypes;
  int64_t batch = call.integer(0), M = call.integer(1), N = call.integer(2), K = call.integer(3);
  int64_t a = product(M, K), b = product(K, N), c = product(batch, M, N);
  if (a < 0 || b < 0 || c < 0 || product(M, N) < 0 || product(batch, M) < 0) return wrongParameters;
  if (call.out[0].count != c) return wrongCounts;
  if (call.nIn == 3 && call.in[2].count != N) return wrongCounts;
  if (c == 0) return nullptr;
  auto holds = [&](int64_t size, int64_t stride, int64_t count) {
    int64_t reach = product(batch - 1, stride);
    return reach >= 0 && reach + size <= count;
  };
  if (!holds(a, call.integer(6), call.in[0].count) || !holds(b, call.integer(7), call.in[1].count))
    return wrongCounts;
  return nullptr;
}

struct MatmulPlan {
  int64_t batch, strideA, strideB, strideC;
  Scheme scheme;
  int64_t grain;  // products that a thread computes by itself; 0: the threads share each
};

inline MatmulPlan matmulDecode(const Call& call) {
  int64_t batch = call.integer(0), strideA = call.integer(6), strideB = call.integer(7);
  const bool transA = call.params[4] != 0, transB = call.params[5] != 0;
  Product p;
  p.M = call.integer(1), p.N = call.integer(2), p.K = call.integer(3);
  p.rowA = transA ? 1 : p.K, p.columnA = transA ? p.M : 1;
  p.rowB = transB ? 1 : p.N, p.columnB = transB ? p.K : 1;
  p.rowC = p.N;
  p.epilogue.relu = call.params[8] != 0;
  if (batch > 1 && strideB == 0 && !transA && strideA == p.M * p.K) {  // one tall product
    p.M *= batch;
    batch = 1;
  }
  const double flops = p.flops() + 1;
  const bool apart = batch >= 4 && flops < 2e7;
  return {batch,     strideA,   strideB,
          p.M * p.N, Scheme(p), apart ? larger(1, (int64_t)(1e6 / flops)) : 0};
}

inline void* matmulPlan(const Call& call) {
  if (call.out[0].count == 0) return nullptr;
  void* plan = malloc(sizeof(MatmulPlan));
  if (plan) {
    MatmulPlan decoded = matmulDecode(call);
    __builtin_memcpy(plan, &decoded, sizeof decoded);
  }
  return plan;
}
inline void matmulFree(void* plan) { free(plan); }

inline int64_t matmulScratch(const Call& call, int threads) {
  if (call.out[0].count == 0) return 0;
  MatmulPlan m = matmulDecode(call);
  return m.grain ? threads * m.scheme.bytes(1) : m.scheme.bytes(threads);
}

inline void matmulRun(const Call& call, const void* opaque, Context& context) {
  if (call.out[0].count == 0) return;
  const MatmulPlan* m = (const MatmulPlan*)opaque;
  if (!m) {
    __builtin_strcpy(context.error, "out of memory");
    return;
  }
  const float *a = call.in[0].f32(), *b = call.in[1].f32();
  float* c = call.out[0].f32();
  const float* bias = call.nIn == 3 ? call.in[2].f32() : nullptr;
  auto one = [=](int64_t i, Context* on, char* scratch) {
    const Operands at = {a + i * m->strideA, b + i * m->strideB, c + i * m->strideC, bias};
    multiply(m->scheme, at, on, scratch);
  };
  char* scratch = (char*)context.scratch;
  if (!m->grain) {
    for (int64_t i = 0; i < m->batch; i++) one(i, &context, scratch);
    return;
  }
  const int64_t bytes = m->scheme.bytes(1);
  parallelRange(context, m->batch, m->grain, [=](int64_t begin, int64_t end, int worker) {
    for (int64_t i = begin; i < end; i++) one(i, nullptr, scratch + worker * bytes);
  });
}

constexpr Kernel kernel_matmul = {"matmul",   matmulCheck, matmulScratch,
                                  matmulPlan, matmulFree,  matmulRun};

}  // namespace
}  // namespace evengrad::ISA
