// libxsmm: its just-in-time kernels over blocks of C, with the fastest of several block sizes. A
// right operand that is stored transposed is turned first, which the kernels do not do themselves.
#include <libxsmm.h>

#include <algorithm>

#include "driver.h"

namespace {

/// One way to cut a product: blocks of `rows` × `columns` of C, each a sum over blocks of `depth`.
struct Blocks {
  long rows, columns, depth;
};

/// Runs a block of C (m, n) over all of K. libxsmm is column-major, so that C = A·B is Cᵀ = Bᵀ·Aᵀ.
void block(const bench::Product& p, const float* b, long depth, long row, long column, long m,
           long n) {
  for (long k = 0; k < p.K; k += depth) {
    const int flags = p.transA ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
    const libxsmm_blasint ldb = p.N, lda = p.lda(), ldc = p.N;
    const float alpha = 1, beta = k ? 1 : 0;
    const auto kernel = libxsmm_smmdispatch(n, m, std::min(depth, p.K - k), &ldb, &lda, &ldc,
                                            &alpha, &beta, &flags, nullptr);
    if (!kernel) throw std::runtime_error("no kernel for this shape");
    kernel(b + k * p.N + column, p.a + (p.transA ? k * p.M + row : row * p.K + k),
           p.c + row * p.N + column);
  }
}

void multiply(const bench::Product& p, const float* b, const Blocks& by) {
  const long rows = (p.M + by.rows - 1) / by.rows, columns = (p.N + by.columns - 1) / by.columns;
#pragma omp parallel for schedule(dynamic) if (rows * columns > 1)
  for (long i = 0; i < rows * columns; i++) {
    const long row = i % rows * by.rows, column = i / rows * by.columns;
    block(p, b, by.depth, row, column, std::min(by.rows, p.M - row),
          std::min(by.columns, p.N - column));
  }
}

}  // namespace

int main() {
  libxsmm_init();
  return bench::serveProducts([](const bench::Product& p) -> bench::Work {
    auto turned = std::make_shared<bench::Floats>(p.transB ? p.K * p.N : 0);
    const auto work = [=](const Blocks& by) {
      if (p.transB) libxsmm_otrans(turned->data(), p.b, sizeof(float), p.K, p.N, p.K, p.N);
      multiply(p, p.transB ? turned->data() : p.b, by);
    };
    const std::vector<Blocks> ways{{p.M, p.N, p.K}, {32, 64, p.K},  {64, 64, p.K},
                                   {64, 64, 256},   {128, 64, 256}, {32, 128, 256},
                                   {128, 128, 256}, {64, 256, 128}, {16, 256, p.K}};
    Blocks best = ways[1];
    double least = 1e9;
    for (const Blocks& way : ways) {
      if (way.rows * way.columns > 512 * 512) continue;  // no cache holds such a block
      const double seconds = bench::sample([&] { work(way); }, 0.005);
      if (seconds < least) least = seconds, best = way;
    }
    return [=] { work(best); };
  });
}
