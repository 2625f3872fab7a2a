// The product of two matrices in any layout, cut into chunks that threads share.
#pragma once

#include "matmulTile.h"

namespace evengrad::ISA {
namespace {

// C (M, N) from A (M, K) and B (K, N): A's element (i, p) is at i·rowA + p·columnA, B's (p, j) at
// p·rowB + j·columnB, of each pair of strides one being 1. C's (i, j) is at i·rowC + j·columnC,
// where columnC is 1 unless the product was turned.
struct Product {
  int64_t M, N, K;
  int64_t rowA, columnA, rowB, columnB, rowC, columnC = 1;
  Epilogue epilogue;

  double flops() const { return 2.0 * (double)M * (double)N * (double)K; }
  // Cᵀ = Bᵀ·Aᵀ
  Product turned() const {
    return {N, M, K, columnB, rowB, columnA, rowA, columnC, rowC, epilogue};
  }
};

struct Operands {
  const float *a, *b;
  float* c;
  const float* bias = nullptr;  // (N), added to every row of C

  Operands turned() const { return {b, a, c, bias}; }
};

// n cut into pieces of about `size`, as equal as multiples of `unit` can be.
inline int64_t evenly(int64_t n, int64_t size, int64_t unit) {
  return larger(unit, roundUp(ceilDiv(n, larger(1, ceilDiv(n, size))), unit));
}

// A panel of `lanes` lanes and k terms, to[p·width + i] = from[i·laneStride + p·termStride], zeros
// up to `width`.
static void packPanel(const float* from, int64_t laneStride, int64_t termStride, float* to,
                      int lanes, int width, int64_t k) {
  if (laneStride != 1) {
    transpose(from, laneStride, to, width, lanes, k);
  } else {
    // Whole vectors, as what is too much lies within the next row and is written over with it.
    int64_t whole = termStride >= roundUp(lanes, W) ? larger(0, k - 1) : 0;
    for (int64_t p = 0; p < whole; p++)
      for (int i = 0; i < lanes; i += W) store(to + p * width + i, load(from + p * termStride + i));
    for (int64_t p = whole; p < k; p++)
      for (int i = 0; i < lanes; i++) to[p * width + i] = from[p * termStride + i];
  }
  for (int64_t p = 0; lanes < width && p < k; p++)
    for (int i = lanes; i < width; i++) to[p * width + i] = 0;
}

// What a worker has packed: B from a first column on, and rows of chunks of A, a bit each.
struct Packed {
  int64_t columns = -1;
  uint64_t rows = 0;
};

// Products of so few columns, if they have more rows, may be summed lane by lane, as dot products…
constexpr int64_t thinColumns = 12;
// …if they have so many terms: the lanes' sums must be worth adding up.
constexpr int64_t dotTerms = 64;

// How a product is computed. Every size follows from the shape alone.
struct Scheme {
  Product p;
  bool turned;  // p is the product turned
  bool dots;    // by dot products, rather than by rows of B times elements of A
  // Packed before, all of it. Otherwise A is read where it lies, and rows of B are packed by who
  // needs them first.
  bool packsA, packsB;
  bool ownA;             // every thread packs what it reads of A, rather than all threads once
  int width;             // index of the widest tile
  int64_t depth, block;  // terms, and rows of C, at a time
  int64_t chunkRows, chunkColumns;  // of C; the rows in units: panels, or for dots single ones

  explicit Scheme(const Product& product) : p(product) {
    const bool thinN = p.N <= thinColumns && p.M > p.N;
    turned = thinN && (p.columnA != 1 || p.K < dotTerms);
    if (turned) p = p.turned();
    // Summing the lanes of dot products costs as much as 100 terms, transposing B as 4 rows of C.
    dots = p.columnA == 1 && p.K >= dotTerms &&
           (thinN || (p.rowB == 1 && p.M <= 32 && p.K >= 24 * p.M));
    depth = evenly(p.K, tileSizes.KC, 1);
    // Enough chunks for threads to share evenly, each long enough to be worth claiming.
    double flops = p.flops() / 12;
    flops = flops < 2.5e5 ? 2.5e5 : flops > 4e6 ? 4e6 : flops;
    if (dots)
      planDots(flops);
    else
      planTiles(flops);
  }

  void planDots(double flops) {
    packsA = ownA = false, packsB = p.rowB != 1;
    width = 0;
    block = p.M;
    chunkRows = evenly(p.M, share(flops, p.N, p.M), tileSizes.dotRows);
    chunkColumns = chunkRows < p.M ? p.N : share(flops, p.M, p.N);
    chunkColumns = evenly(p.N, chunkColumns, tileSizes.dotColumns);
  }

  void planTiles(double flops) {
    width = 0;
    while (tileWidths[width].vectors > NV && p.M > tileWidths[width].rows) width++;
    const int64_t widest = tileWidths[width].vectors * W;
    // Packing A costs as much as 4 columns of C, or more where its rows lie far apart.
    packsA = p.N > 128 && p.M > MR / 2, packsB = false;
    // A's panels stream through for each chunk's columns: 4 MiB of them stay in the L3 cache.
    block = packsA ? smaller(p.M, evenly(p.M, (1 << 20) / depth, MR)) : p.M;
    int64_t columns = share(flops, block, p.N);
    if (block * depth > 1 << 16) columns = larger(columns, 96);  // A streams through for each chunk
    columns = smaller(columns, larger(widest, tileSizes.chunkBytes / (4 * depth)));
    chunkColumns = evenly(p.N, roundUp(columns, widest), widest);
    // A thread that goes on with other columns of B packs them.
    int64_t rows = larger(256, share(flops, smaller(chunkColumns, p.N), p.M));
    const int64_t panels = ceilDiv(block, MR);
    chunkRows = evenly(panels, ceilDiv(rows, MR), 1);
    // Writing what other cores have read costs more than packing a little of it once more.
    ownA = packsA && block * depth <= 1 << 16 && ceilDiv(panels, chunkRows) <= 64;
  }

  // How many of n rows make `flops` over `others` columns.
  int64_t share(double flops, int64_t others, int64_t n) const {
    double rows = flops / (2.0 * (double)others * (double)depth);
    return rows >= (double)n ? n : larger(1, (int64_t)rows);
  }

  int64_t aBytes() const { return packsA ? alignUp(4 * depth * block) : 0; }
  int64_t columnBytes() const {
    return alignUp(4 * depth * roundUp(smaller(chunkColumns, p.N), W));
  }
  int64_t sharedBytes() const { return packsB ? alignUp(4 * depth * p.N) : ownA ? 0 : aBytes(); }
  int64_t workerBytes() const {
    return dots ? 0 : alignUp(sizeof(Packed)) + columnBytes() + (ownA ? aBytes() : 0);
  }
  int64_t bytes(int threads) const { return sharedBytes() + threads * workerBytes(); }
};

// body(chunk, worker) over the pool, or here if there is none.
template <class Body>
inline void chunksOn(Context* context, int64_t chunks, Body body) {
  if (context)
    parallel(*context, chunks, body);
  else
    for (int64_t i = 0; i < chunks; i++) body(i, 0);
}

// The order of chunks that lie `across` columns and `down` rows of them. As many columns as there
// are threads take turns, so that each thread tends to stay with columns of B that it has packed.
struct Order {
  int64_t team, across, down;

  int64_t chunks() const { return across * down; }
  int64_t first(int64_t chunk) const { return chunk / (team * down) * team; }  // of those columns
  int64_t taking(int64_t chunk) const { return smaller(team, across - first(chunk)); }
  int64_t turn(int64_t chunk) const { return chunk - first(chunk) * down; }
  int64_t row(int64_t chunk) const { return turn(chunk) / taking(chunk); }
  int64_t column(int64_t chunk) const { return first(chunk) + turn(chunk) % taking(chunk); }
};

// Rows [row, row + rows) of C from terms [term, term + depth).
struct Block {
  const Scheme& s;
  const Product& p;
  const Operands& at;
  char* scratch;
  int64_t row, rows, term, depth;
  Epilogue epilogue;
  bool biased;
  int64_t panels, panelRows, tallPanels;  // of rows, as equal as they can be

  Block(const Scheme& scheme, const Operands& operands, char* memory, int64_t firstRow,
        int64_t firstTerm)
      : s(scheme), p(s.p), at(operands), scratch(memory), row(firstRow), term(firstTerm) {
    rows = smaller(s.block, p.M - row), depth = smaller(s.depth, p.K - term);
    bool last = term + depth >= p.K;
    epilogue = p.epilogue;
    epilogue.add |= term > 0;
    epilogue.relu &= last;
    biased = at.bias && last;
    panels = ceilDiv(rows, MR);
    panelRows = rows / panels, tallPanels = rows % panels;
  }

  int64_t panelRow(int64_t i) const { return i * panelRows + smaller(i, tallPanels); }
  float* shared() const { return (float*)scratch; }
  // A worker's memory: what it has packed, columns of B, panels of A.
  Packed& packed(int worker) const {
    return *(Packed*)(scratch + s.sharedBytes() + worker * s.workerBytes());
  }
  float* ownB(int worker) const {
    return (float*)((char*)&packed(worker) + alignUp(sizeof(Packed)));
  }
  float* ownA(int worker) const { return (float*)((char*)ownB(worker) + s.columnBytes()); }
  const float* a(int64_t i) const { return at.a + (row + i) * p.rowA + term * p.columnA; }
  const float* b(int64_t j) const { return at.b + term * p.rowB + j * p.columnB; }

  Tile tile() const {
    Tile t;
    t.k = depth;
    t.rowC = p.rowC, t.columnC = p.columnC;
    t.epilogue = &epilogue;
    t.bias = nullptr;
    // One column has both strides 1, and its bias is still of C's columns.
    t.across = s.turned && (p.columnC != 1 || biased);
    return t;
  }
  void place(Tile& t, int64_t i, int64_t j, int64_t columns) const {
    t.c = at.c + (row + i) * p.rowC + j * p.columnC;
    t.columns = (int)columns;
    if (biased) t.bias = at.bias + (s.turned ? row + i : j);
  }

  void packPanels(int64_t firstI, int64_t lastI, float* to) const {
    for (int64_t i = firstI; i < lastI; i++) {
      int64_t r = panelRow(i);
      int n = (int)(panelRow(i + 1) - r);
      packPanel(a(r), p.rowA, p.columnA, to + r * depth, n, n, depth);
    }
  }
  void packA(Context* context) const {
    int64_t grain = larger(1, 16384 / (MR * s.depth));
    chunksOn(context, ceilDiv(panels, grain), [&](int64_t chunk, int) {
      packPanels(chunk * grain, smaller(panels, (chunk + 1) * grain), shared());
    });
  }

  // Panels [firstI, lastI) of rows, packed at packedA if at all, times columns [firstJ, lastJ). B's
  // panels go to packedB, unless they are there, when the first rows read them; columns from
  // `nextJ` on, or none if it is negative, are probably packed after them.
  void tiles(int64_t firstI, int64_t lastI, int64_t firstJ, int64_t lastJ, const float* packedA,
             float* packedB, bool there, int64_t nextJ) const {
    Tile t = tile();
    const bool plain = p.columnC == 1 && !biased && !epilogue.scalesOrClips();
    for (int64_t i = firstI; i < lastI; i++) {
      const int64_t r = panelRow(i), n = panelRow(i + 1) - r;
      t.a = s.packsA ? packedA + r * depth : a(r);
      t.rowA = s.packsA ? 1 : p.rowA;
      t.columnA = s.packsA ? n : p.columnA;
      int width = s.width;
      for (int64_t j = firstJ; j < lastJ; j += t.columns) {
        while (tileWidths[width].vectors > 1 && tileWidths[width].vectors * W > lastJ - j) width++;
        const int64_t lanes = tileWidths[width].vectors * W, columns = smaller(lanes, lastJ - j);
        float* panel = packedB + (j - firstJ) * depth;
        const bool missing = i == firstI && !there;
        const bool direct = missing && p.columnB == 1 && columns == lanes;
        if (missing && !direct)
          packPanel(b(j), p.columnB, p.rowB, panel, (int)columns, (int)lanes, depth);
        t.b = direct ? b(j) : panel;
        t.rowB = direct ? p.rowB : lanes;
        // A transposed B's next panel is fetched by who keeps a packed panel where it is.
        int64_t fetched = -1;
        if (p.columnB != 1 && j + lanes < lastJ)
          fetched = missing ? j + lanes : -1;
        else if (p.columnB != 1 && i + 1 == lastI)
          fetched = nextJ;
        t.kept = panel;
        t.run = direct ? 1 : larger(1, depth / lanes);
        t.gap = 4 * (direct ? p.rowB - lanes : p.columnB - t.run * lanes);
        t.ahead = (const char*)(direct ? t.b + prefetchRows * p.rowB : b(larger(0, fetched)));
        t.plain = plain && columns == lanes;
        place(t, r, j, columns);
        const bool keeps = (direct || fetched >= 0) && n >= leastKept && tileKernels[1][width];
        tileKernels[keeps][width][n - 1](t);
      }
    }
  }

  void dots(int64_t firstI, int64_t lastI, int64_t firstJ, int64_t lastJ) const {
    Tile t = tile();
    t.rowA = p.rowA, t.rowB = s.packsB ? depth : p.columnB;
    for (int64_t j = firstJ; j < lastJ; j += tileSizes.dotColumns) {
      const int64_t columns = smaller(tileSizes.dotColumns, lastJ - j);
      t.b = s.packsB ? shared() + j * depth : b(j);
      for (int64_t i = firstI; i < lastI;) {
        const bool many = lastI - i >= tileSizes.dotRows;
        t.a = a(i);
        place(t, i, j, columns);
        (many ? dotKernels.many : dotKernels.one)[columns - 1](t);
        i += many ? tileSizes.dotRows : 1;
      }
    }
  }

  void run(Context* context) const {
    if (s.packsA && !s.ownA) packA(context);
    if (s.packsB) transpose(b(0), p.rowB, shared(), depth, depth, p.N);
    const int64_t units = s.dots ? rows : panels;
    const Order order = {context ? context->pool.threads() : 1, ceilDiv(p.N, s.chunkColumns),
                         ceilDiv(units, s.chunkRows)};
    for (int worker = 0; !s.dots && worker < order.team; worker++) packed(worker) = {};
    chunksOn(context, order.chunks(), [&](int64_t chunk, int worker) {
      const int64_t i = order.row(chunk) * s.chunkRows, j = order.column(chunk) * s.chunkColumns;
      const int64_t lastI = smaller(units, i + s.chunkRows);
      const int64_t lastJ = smaller(p.N, j + s.chunkColumns);
      if (s.dots) return dots(i, lastI, j, lastJ);
      const int64_t next = chunk + order.team;
      const int64_t nextJ = next < order.chunks() ? order.column(next) * s.chunkColumns : -1;
      Packed& own = packed(worker);
      const uint64_t row = uint64_t{1} << order.row(chunk) % 64;
      if (s.ownA && !(own.rows & row)) packPanels(i, lastI, ownA(worker));
      tiles(i, lastI, j, lastJ, s.ownA ? ownA(worker) : shared(), ownB(worker), own.columns == j,
            nextJ == j ? -1 : nextJ);
      own.columns = j, own.rows |= row;
    });
  }
};

// With s.bytes(threads) of scratch; without a context on this thread alone. M and N are not 0.
inline void multiply(const Scheme& s, const Operands& operands, Context* context, char* scratch) {
  const Operands at = s.turned ? operands.turned() : operands;
  for (int64_t row = 0; row < s.p.M; row += s.block)
    for (int64_t term = 0; term == 0 || term < s.p.K; term += s.depth)
      Block(s, at, scratch, row, term).run(context);
}

}  // namespace
}  // namespace evengrad::ISA
