// `multiply` of one instruction set, for product.test.cc: compiled once for each, with its flags,
// its name as ISA and its vectors as VEC_HEADER.
#include <stdlib.h>

#include "kernel.h"

#include VEC_HEADER
// The vectors come before the kernels.
#include "kernels/checks.h"
#include "kernels/product.h"
#include "product.h"

#define NAMED(name, isa) name##_##isa
#define NAMED_FOR(name, isa) NAMED(name, isa)

void test::NAMED_FOR(multiply, ISA)(const ProductCall& call) {
  using namespace evengrad::ISA;
  Product p;
  p.M = call.M, p.N = call.N, p.K = call.K;
  p.rowA = call.transA ? 1 : p.K, p.columnA = call.transA ? p.M : 1;
  p.rowB = call.transB ? 1 : p.N, p.columnB = call.transB ? p.K : 1;
  p.rowC = call.rowC;
  p.epilogue.scale = call.scale, p.epilogue.add = call.add, p.epilogue.relu = call.relu;
  const Scheme scheme(p);
  const int threads = call.pool ? call.pool->threads() : 1;
  const size_t bytes = (size_t)alignUp(scheme.bytes(threads) + 1);
  void* scratch = aligned_alloc(64, bytes);
  __builtin_memset(scratch, 0x7f, bytes);
  const Operands at = {call.a, call.b, call.c, call.bias};
  if (call.pool) {
    evengrad::Context context{*call.pool, scratch};
    multiply(scheme, at, &context, (char*)scratch);
  } else {
    multiply(scheme, at, nullptr, (char*)scratch);
  }
  free(scratch);
}
