// `random`: Philox's published vectors, distributions, and the same bits on every ISA; `iota`;
// `orthogonal`.
#include "check.h"

using namespace test;

namespace {

Data key(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return Data(std::vector<int32_t>{(int32_t)a, (int32_t)b, (int32_t)c, (int32_t)d});
}

void philox4x32(const uint32_t k[2], uint32_t x[4]) {
  uint32_t k0 = k[0], k1 = k[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = 0xD2511F53ull * x[0], p1 = 0xCD9E8D57ull * x[2];
    uint32_t y[4] = {(uint32_t)(p1 >> 32) ^ x[1] ^ k0, (uint32_t)p1,
                     (uint32_t)(p0 >> 32) ^ x[3] ^ k1, (uint32_t)p0};
    std::memcpy(x, y, 16);
    k0 += 0x9E3779B9, k1 += 0xBB67AE85;
  }
}

// The word of each element, by the definition; `high` is added to the block's upper word.
std::vector<uint32_t> words(Data& key, int64_t n, uint32_t high = 0) {
  const uint32_t* k = (const uint32_t*)key.data();
  std::vector<uint32_t> r;
  for (int64_t block = 0; block * 4 < n; block++) {
    uint32_t x[4] = {(uint32_t)block, (uint32_t)(block >> 32) + high, k[2], k[3]};
    philox4x32(k, x);
    r.insert(r.end(), x, x + 4);
  }
  r.resize((size_t)n);
  return r;
}

void knownAnswers() {
  // Random123's kat_vectors, philox4x32 with 10 rounds.
  uint32_t zero[4] = {}, ones[4] = {~0u, ~0u, ~0u, ~0u},
           pi[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
  uint32_t k0[2] = {}, k1[2] = {~0u, ~0u}, k2[2] = {0xa4093822, 0x299f31d0};
  philox4x32(k0, zero), philox4x32(k1, ones), philox4x32(k2, pi);
  CHECK(zero[0] == 0x6627e8d5 && zero[3] == 0x9b00dbd8, "philox of zeros");
  CHECK(ones[0] == 0x408f276d && ones[3] == 0x6d5451fd, "philox of ones: %x %x", ones[0], ones[3]);
  CHECK(pi[0] == 0xd16cfe09 && pi[3] == 0x24126ea1, "philox of pi: %x %x", pi[0], pi[3]);
}

void uniform(const KernelTable& table) {
  Data k = key(1, 2, 3, 0x80000004);
  for (int64_t n : sizes()) {
    Data out(DType::f32, n), ints(DType::i32, n);
    std::vector<uint32_t> w = words(k, n);
    CHECK(call(table, randomKernel, {&k}, {&out}, {0, -2, 3}).empty(), "uniform");
    CHECK(call(table, randomKernel, {&k}, {&ints}, {2, -5, 12}).empty(), "integers");
    for (int64_t i = 0; i < n; i++) {
      float u = (float)(w[i] >> 8) * 0x1p-24f, want = -2 + u * 5;
      CHECK(out.f()[i] == want, "%s uniform %d: %g, want %g", table.isa, (int)i, out.f()[i], want);
      CHECK(ints.i()[i] == -5 + (int32_t)(((uint64_t)w[i] * 17) >> 32), "%s integer %d", table.isa,
            (int)i);
    }
  }
  constexpr int many = 1000003;
  std::vector<uint32_t> upper = words(k, many / 2 + 1), lower = words(k, many, 1 << 20);
  for (double p : {0.0, 0x1p-32, 0.25, 0.7, 1.0}) {
    Data flags(DType::boolean, many);
    CHECK(call(table, randomKernel, {&k}, {&flags}, {4, p, 0}).empty(), "bernoulli");
    int undecided = 0;
    for (int i = 0; i < many; i++) {
      uint32_t half = i % 2 ? upper[i / 2] >> 16 : upper[i / 2] & 0xffff;
      uint32_t x = half << 16 | lower[i] >> 16;
      CHECK(flags.u()[i] == (x < p * 4294967296.0), "%s bernoulli %g %d", table.isa, p, i);
      undecided += half == (uint32_t)(p * 65536);
    }
    CHECK(p == 1 || undecided > 4, "bernoulli %g: %d are decided by the lower half", p, undecided);
  }
  Data all(DType::i32, 1000), narrow(DType::f32, 100000);
  call(table, randomKernel, {&k}, {&all}, {2, -2147483648.0, 2147483648.0});
  std::vector<uint32_t> w = words(k, 1000);
  for (int i = 0; i < 1000; i++)
    CHECK((uint32_t)all.i()[i] == w[i] + 0x80000000u, "%s the full range of integers", table.isa);
  call(table, randomKernel, {&k}, {&narrow}, {0, 16777216, 16777218});
  for (float x : narrow.floats())
    CHECK(x >= 16777216 && x < 16777218, "%s %g is not below b", table.isa, x);
}

void normal(const KernelTable& table, int kind, double variance, double fourth) {
  Data k = key(5, 6, 7, 8), out(DType::f32, 1 << 20), twice(DType::f32, 1 << 20),
       part(DType::f32, 1001);
  CHECK(call(table, randomKernel, {&k}, {&out}, {(double)kind, 0, 1}).empty(), "normal");
  call(table, randomKernel, {&k}, {&twice}, {(double)kind, 0, 1}, 2);
  CHECK(out.same(twice), "%s random %d: threads differ", table.isa, kind);
  call(table, randomKernel, {&k}, {&part}, {(double)kind, 3, 2});
  double m = 0, v = 0, q = 0, worst = 0;
  for (float x : out.floats()) {
    m += x, v += (double)x * x, q += (double)x * x * x * x;
    worst = std::max(worst, (double)std::fabs(x));
  }
  double n = (double)out.count;
  CHECK(std::fabs(m / n) < 5e-3 && std::fabs(v / n - variance) < 1e-2 &&
            std::fabs(q / n - fourth) < 5e-2,
        "%s random %d: mean %g, variance %g, fourth moment %g", table.isa, kind, m / n, v / n,
        q / n);
  CHECK(kind == 1 ? worst > 4 && worst < 6 : worst <= 2 && worst > 1.999,
        "%s random %d: reaches %g", table.isa, kind, worst);
  for (int i = 0; i < 1001; i++)
    CHECK(std::fabs(part.f()[i] - (3 + 2 * (double)out.f()[i])) < 1e-5, "%s random %d: not scaled",
          table.isa, kind);
  std::vector<uint32_t> w = words(k, 1000);
  for (int i = 0; i < 1000; i += 2) {
    double r = std::sqrt(-2 * std::log((double)(float)(w[i] >> 1 | 1) * 0x1p-31));
    double angle = 2 * M_PI * w[i + 1] * 0x1p-32, u1 = ((w[i] >> 8) + 0.5) * 0x1p-24;
    if (kind == 1)
      CHECK(std::fabs(out.f()[i] - r * std::cos(angle)) < 1e-6 &&
                std::fabs(out.f()[i + 1] - r * std::sin(angle)) < 1e-6,
            "%s normal %d is not Box-Muller's", table.isa, i);
    double z = out.f()[i], p = std::erfc(-z / std::sqrt(2)) / 2,
           lowest = std::erfc(std::sqrt(2)) / 2;
    if (kind == 3)
      CHECK(std::fabs(p - (lowest + u1 * (1 - 2 * lowest))) < 1e-6,
            "%s truncated %d is not the quantile", table.isa, i);
  }
}

void everyIsaAgrees() {
  Data k = key(9, 10, 11, 12);
  for (int kind = 0; kind < 5; kind++) {
    std::unique_ptr<Data> first;
    everyIsa([&](const KernelTable& table) {
      Data out(kind == 2 ? DType::i32 : kind == 4 ? DType::boolean : DType::f32, 200003);
      CHECK(
          call(table, randomKernel, {&k}, {&out}, {(double)kind, kind == 4 ? 0.3 : -1, 3}).empty(),
          "random");
      if (!first) first = std::make_unique<Data>(out);
      CHECK(first->same(out), "random %d: %s differs", kind, table.isa);
    });
  }
}

void orthogonal(const KernelTable& table, int64_t m, int64_t n) {
  Data in(gaussian(m * n, 3)), q(DType::f32, m * n), twice(DType::f32, m * n);
  std::string error = call(table, orthogonalKernel, {&in}, {&q}, {(double)m, (double)n});
  CHECK(error.empty(), "orthogonal: %s", error.c_str());
  call(table, orthogonalKernel, {&in}, {&twice}, {(double)m, (double)n}, 2);
  CHECK(q.same(twice), "%s orthogonal: threads differ", table.isa);
  double worst = 0, below = 0, least = 1;
  for (int64_t a = 0; a < n; a++)
    for (int64_t b = 0; b < n; b++) {
      double dot = 0, r = 0;
      for (int64_t i = 0; i < m; i++) {
        dot += (double)q.f()[i * n + a] * q.f()[i * n + b];
        r += (double)q.f()[i * n + a] * in.f()[i * n + b];
      }
      worst = std::max(worst, std::fabs(dot - (a == b)));
      if (a > b) below = std::max(below, std::fabs(r));  // R = QᵀA
      if (a == b) least = std::min(least, r);
    }
  CHECK(worst < 1e-6 && below < 1e-4 && (n == 0 || least > 0), "%s orthogonal (%d,%d): %g %g %g",
        table.isa, (int)m, (int)n, worst, below, least);
}

// FNV-1a of the bytes.
uint32_t hash(Data& data) {
  uint32_t h = 2166136261u;
  for (int64_t i = 0; i < 4 * data.count; i++) h = (h ^ data.u()[i]) * 16777619u;
  return h;
}

// Of shapes whose products are thin, turned or deep; the hashes are those of every machine that has
// a fused multiply-add.
void orthogonalIsTheSameEverywhere() {
  struct {
    int64_t m, n;
    uint32_t hash;
  } shapes[] = {{7, 7, 0xfefb93d7},
                {300, 12, 0x2c3c7384},
                {97, 97, 0x5e748a30},
                {700, 130, 0x36e9ff24},
                {530, 530, 0x5b5d10a1}};
  for (auto& shape : shapes) {
    std::unique_ptr<Data> first;
    everyIsa([&](const KernelTable& table) {
      const int64_t count = shape.m * shape.n;
      Data k = key(1, 2, 3, 4), in(DType::f32, count), q(DType::f32, count);
      call(table, randomKernel, {&k}, {&in}, {1, 0, 1});
      call(table, orthogonalKernel, {&in}, {&q}, {(double)shape.m, (double)shape.n}, 2);
      if (std::string(table.isa) != "sse")
        CHECK(hash(q) == shape.hash, "%s orthogonal (%d,%d): hash %#x", table.isa, (int)shape.m,
              (int)shape.n, hash(q));
      if (!first) first = std::make_unique<Data>(q);
      float apart = 0;
      for (int64_t i = 0; i < count; i++)
        apart = std::max(apart, std::fabs(q.f()[i] - first->f()[i]));
      CHECK(apart < 1e-5, "%s orthogonal (%d,%d): %g apart", table.isa, (int)shape.m, (int)shape.n,
            apart);
    });
  }
}

}  // namespace

int main() {
  knownAnswers();
  everyIsaAgrees();
  orthogonalIsTheSameEverywhere();
  everyIsa([](const KernelTable& table) {
    uniform(table);
    normal(table, 1, 1, 3);
    normal(table, 3, 0.7737413, 1.4163);
    for (int64_t n : sizes()) {
      Data f(DType::f32, n), i(DType::i32, n);
      CHECK(call(table, iotaKernel, {}, {&f}, {0.1, 0.3}).empty() &&
                call(table, iotaKernel, {}, {&i}, {5, -3}).empty(),
            "iota");
      for (int64_t j = 0; j < n; j++)
        CHECK(f.f()[j] == (float)(0.1 + (double)j * 0.3) && i.i()[j] == 5 - 3 * (int)j, "%s iota",
              table.isa);
    }
    Data two(DType::i32, 2), three(DType::f32, 3), flags(DType::boolean, 3), k = key(1, 2, 3, 4);
    CHECK(!call(table, iotaKernel, {}, {&two}, {2147483647, 1}).empty(), "iota beyond int32");
    CHECK(!call(table, iotaKernel, {}, {&two}, {0.5, 1}).empty(), "iota between integers");
    CHECK(!call(table, randomKernel, {&two}, {&three}, {0, 0, 1}).empty(), "a short key");
    CHECK(!call(table, randomKernel, {&k}, {&two}, {0, 0, 1}).empty(), "uniform integers");
    CHECK(!call(table, randomKernel, {&k}, {&two}, {2, 1, 1}).empty(), "an empty range");
    CHECK(!call(table, randomKernel, {&k}, {&three}, {0, -3e38, 3e38}).empty(), "too wide a range");
    CHECK(!call(table, randomKernel, {&k}, {&three}, {0, NAN, 1}).empty(), "NaN bounds");
    CHECK(!call(table, randomKernel, {&k}, {&three}, {4, 0.5, 0}).empty(), "float flags");
    CHECK(!call(table, randomKernel, {&k}, {&flags}, {4, 1.5, 0}).empty(), "a probability above 1");
    CHECK(!call(table, orthogonalKernel, {&three}, {&three}, {1, 3}).empty(), "a wide matrix");
    for (int64_t m : {1, 2, 5, 17, 64, 130}) orthogonal(table, m, m), orthogonal(table, m + 40, m);
    orthogonal(table, 3, 0);
    orthogonal(table, 300, 290);
  });
  return report();
}
