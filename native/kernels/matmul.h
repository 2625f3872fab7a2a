// matmul: batches of C = A·B, blocked and packed after BLIS (Van Zee and van de Geijn, 2015).
//
// params  batch, M, N, K, transA, transB, strideA, strideB
// in      A (M, K), or (K, M) if transA, batch b at b·strideA (0 shares one); B (K, N), or (N, K)
// if transB, likewise out     (batch, M, N), all f32
#pragma once

#include "matmulMicro.h"

namespace evengrad::ISA {
namespace {

// One product. A's element (i, p) is a[i·rowA + p·columnA], B's (p, j) is b[p·rowB + j·columnB]; C
// is dense.
struct Product {
  int64_t M, N, K;
  const float *a, *b;
  float* c;
  int64_t rowA, columnA, rowB, columnB;

  // Packing costs about as much as 16 rows or columns of products; what is used less is read where
  // it lies.
  bool packsA() const { return N > 4 * NR; }
  // Rows of B that lie far apart are read in place once, not twice.
  bool packsB() const { return columnB != 1 || M > (N > 512 ? MR : 3 * MR); }
  double flops() const { return 2.0 * (double)M * (double)N * (double)K; }

  int64_t rows() const { return smaller(M, matmulSizes.packedRows); }
  int64_t columns() const { return smaller(N, matmulSizes.packedColumns); }
  int64_t depth() const { return smaller(K, matmulSizes.KC); }
  int64_t bytesOfA() const { return packsA() ? alignUp(rows() * depth() * 4) : 0; }
  // Without packing, the last panel still is, as it must be read in whole vectors.
  int64_t bytesOfB() const {
    return alignUp((packsB() ? roundUp(columns(), NR) : NR) * depth() * 4);
  }
  int64_t bytes() const { return bytesOfA() + bytesOfB(); }
};

// body(chunk) over the pool, or here if there is none.
template <class Body>
inline void chunksOn(Context* context, int64_t chunks, Body body) {
  if (context)
    parallel(*context, chunks, [&](int64_t chunk, int) { body(chunk); });
  else
    for (int64_t i = 0; i < chunks; i++) body(i);
}

// The block of C at (row, column), rows × columns, from terms [term, term + depth).
struct Block {
  const Product& p;
  int64_t row, rows, column, columns, term, depth;
  float *packedA, *packedB;

  int64_t rowPanels() const { return ceilDiv(rows, MR); }
  int64_t columnPanels() const { return ceilDiv(columns, NR); }
  // Panels of rows are as equal as they can be, so that none is much shorter than the microkernel
  // wants.
  int64_t panelRow(int64_t i) const { return i * rows / rowPanels(); }

  int panelColumns(int64_t j) const { return (int)smaller(NR, columns - j * NR); }
  bool panelPacked(int64_t j) const { return p.packsB() || panelColumns(j) < NR; }
  float* packedPanel(int64_t j) const { return packedB + (p.packsB() ? j * NR * depth : 0); }

  void packA(int64_t i) const {
    int64_t r = panelRow(i);
    int n = (int)(panelRow(i + 1) - r);
    packPanel(p.a + (row + r) * p.rowA + term * p.columnA, p.rowA, p.columnA, packedA + r * depth,
              n, n, depth);
  }
  void packB(int64_t j) const {
    if (!panelPacked(j)) return;
    int n = panelColumns(j);
    packPanel(p.b + term * p.rowB + (column + j * NR) * p.columnB, p.columnB, p.rowB,
              packedPanel(j), n, (int)roundUp(n, W), depth);
  }

  void compute(int64_t firstI, int64_t lastI, int64_t firstJ, int64_t lastJ) const {
    bool packsA = p.packsA();
    for (int64_t j = firstJ; j < lastJ; j++) {
      Tile t;
      t.columns = panelColumns(j);
      t.k = depth;
      t.rowC = p.N;
      t.add = term > 0;
      bool packed = panelPacked(j);
      t.b = packed ? packedPanel(j) : p.b + term * p.rowB + column + j * NR;
      t.rowB = packed ? roundUp(t.columns, W) : p.rowB;
      for (int64_t i = firstI; i < lastI; i++) {
        int64_t r = panelRow(i);
        int n = (int)(panelRow(i + 1) - r);
        t.a = packsA ? packedA + r * depth : p.a + (row + r) * p.rowA + term * p.columnA;
        t.rowA = packsA ? 1 : p.rowA;
        t.columnA = packsA ? n : p.columnA;
        t.c = p.c + (row + r) * p.N + column + j * NR;
        runTile(t, n);
      }
    }
  }

  void run(Context* context) const {
    int64_t panelsA = p.packsA() ? rowPanels() : 0;
    int64_t panelsB = columnPanels();
    int64_t groupA = larger(1, 16384 / (MR * depth)), groupB = larger(1, 16384 / (NR * depth));
    int64_t chunksA = ceilDiv(panelsA, groupA), chunksB = ceilDiv(panelsB, groupB);
    if (!p.packsB()) {  // only the last panel may need it
      packB(panelsB - 1);
      chunksB = 0;
    }
    chunksOn(context, chunksA + chunksB, [&](int64_t chunk) {
      if (chunk < chunksA)
        for (int64_t i = chunk * groupA; i < smaller(panelsA, (chunk + 1) * groupA); i++) packA(i);
      else
        for (int64_t j = (chunk - chunksA) * groupB;
             j < smaller(panelsB, (chunk - chunksA + 1) * groupB); j++)
          packB(j);
    });

    int64_t tallI = smaller(rowPanels(), matmulSizes.MC / MR);
    int64_t blocksI = ceilDiv(rowPanels(), tallI);
    int64_t wideJ = (int64_t)(2e6 / (2.0 * (double)(tallI * MR) * NR * (double)depth));
    wideJ = larger(1, smaller(wideJ, panelsB));
    int64_t blocksJ = ceilDiv(panelsB, wideJ);
    chunksOn(context, blocksI * blocksJ, [&](int64_t chunk) {
      int64_t i = chunk / blocksJ * tallI, j = chunk % blocksJ * wideJ;
      compute(i, smaller(rowPanels(), i + tallI), j, smaller(panelsB, j + wideJ));
    });
  }
};

inline void multiply(const Product& p, Context* context, char* scratch) {
  float *packedA = (float*)scratch, *packedB = (float*)(scratch + p.bytesOfA());
  for (int64_t column = 0; column < p.N; column += p.columns())
    for (int64_t row = 0; row < p.M; row += p.rows())
      for (int64_t term = 0; term < p.K; term += p.depth())
        Block{p,
              row,
              smaller(p.rows(), p.M - row),
              column,
              smaller(p.columns(), p.N - column),
              term,
              smaller(p.depth(), p.K - term),
              packedA,
              packedB}
            .run(context);
}

struct MatmulCall {
  int64_t batch;
  Product first;
  int64_t strideA, strideB;
  bool overBatch;  // each product on one thread

  explicit MatmulCall(const Call& call) {
    batch = call.integer(0);
    Product& p = first;
    p.M = call.integer(1), p.N = call.integer(2), p.K = call.integer(3);
    bool transA = call.params[4] != 0, transB = call.params[5] != 0;
    strideA = call.integer(6), strideB = call.integer(7);
    p.rowA = transA ? 1 : p.K, p.columnA = transA ? p.M : 1;
    p.rowB = transB ? 1 : p.N, p.columnB = transB ? p.K : 1;
    p.a = (const float*)call.in[0].data, p.b = (const float*)call.in[1].data;
    p.c = (float*)call.out[0].data;
    if (batch > 1 && strideB == 0 && !transA && strideA == p.M * p.K) {  // one tall product
      p.M *= batch;
      batch = 1;
    }
    overBatch = batch >= 4 && p.flops() < 2e7;
  }
};

inline const char* matmulCheck(const Call& call) {
  if (call.nIn != 2 || call.nOut != 1 || call.nParams != 8) return wrongArguments;
  if (!sizes(call, 0, 8) || call.params[4] > 1 || call.params[5] > 1) return wrongParameters;
  if (call.in[0].dtype != DType::f32 || call.in[1].dtype != DType::f32 ||
      call.out[0].dtype != DType::f32)
    return wrongTypes;
  int64_t batch = call.integer(0), M = call.integer(1), N = call.integer(2), K = call.integer(3);
  int64_t a = product(M, K), b = product(K, N), c = product(batch, M, N);
  if (a < 0 || b < 0 || c < 0 || product(M, N) < 0 || product(batch, M) < 0) return wrongParameters;
  if (call.out[0].count != c) return wrongCounts;
  if (c == 0) return nullptr;
  auto holds = [&](int64_t size, int64_t stride, int64_t count) {
    int64_t reach = product(batch - 1, stride);
    return reach >= 0 && reach + size <= count;
  };
  if (!holds(a, call.integer(6), call.in[0].count) || !holds(b, call.integer(7), call.in[1].count))
    return wrongCounts;
  return nullptr;
}

inline int64_t matmulScratch(const Call& call, int threads) {
  MatmulCall m(call);
  return m.first.bytes() * (m.overBatch ? threads : 1);
}

inline void matmulRun(const Call& call, const void*, Context& context) {
  MatmulCall m(call);
  if (call.out[0].count == 0) return;
  if (m.first.K == 0) {
    __builtin_memset(call.out[0].data, 0, call.out[0].count * 4);
    return;
  }
  char* scratch = (char*)context.scratch;
  auto one = [&](int64_t index, Context* on, char* own) {
    Product p = m.first;
    p.a += index * m.strideA;
    p.b += index * m.strideB;
    p.c += index * p.M * p.N;
    multiply(p, on, own);
  };
  if (m.overBatch) {
    int64_t grain = larger(1, (int64_t)(1e6 / m.first.flops()));
    int64_t bytes = m.first.bytes();
    parallelRange(context, m.batch, grain, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; i++) one(i, nullptr, scratch + worker * bytes);
    });
  } else {
    Context* on = m.first.flops() > 5e5 ? &context : nullptr;
    for (int64_t i = 0; i < m.batch; i++) one(i, on, scratch);
  }
}

constexpr Kernel kernel_matmul = {"matmul", matmulCheck, matmulScratch,
                                  nullptr,  nullptr,     matmulRun};

}  // namespace
}  // namespace evengrad::ISA
