// A peer with the C interface to BLAS: OpenBLAS or BLIS, whichever is linked.
#include "driver.h"

extern "C" void cblas_sgemm(int order, int transA, int transB, int M, int N, int K, float alpha,
                            const float* a, int lda, const float* b, int ldb, float beta, float* c,
                            int ldc);

int main() {
  enum { rowMajor = 101, plain = 111, transposed = 112 };
  return bench::serveProducts([](const bench::Product& p) -> bench::Work {
    return [=] {
      cblas_sgemm(rowMajor, p.transA ? transposed : plain, p.transB ? transposed : plain, p.M, p.N,
                  p.K, 1, p.a, p.lda(), p.b, p.ldb(), 0, p.c, p.N);
    };
  });
}
