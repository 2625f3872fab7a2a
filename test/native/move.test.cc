// The kernels that move elements: strided, place, concat, gather, scatterAdd, pick and unpick.
#include "check.h"

using namespace test;

namespace {

Data sequence(DType type, int64_t n) {
  Data d(type, n);
  for (int64_t i = 0; i < n; i++) {
    if (type == DType::f32) d.f()[i] = (float)i + 0.5f;
    if (type == DType::i32) d.i()[i] = (int32_t)i - 7;
    if (bytesOf(type) == 1) d.u()[i] = type == DType::u8 ? (uint8_t)(i * 7) : (uint8_t)(i % 3 == 0);
  }
  return d;
}

bool equal(Data& a, int64_t i, Data& b, int64_t j) {
  int64_t n = bytesOf(a.dtype);
  return !std::memcmp((char*)a.data() + i * n, (char*)b.data() + j * n, n);
}

// Every index of dims, in order, as the position that strides give it.
std::vector<int64_t> walk(const std::vector<int64_t>& dims, const std::vector<int64_t>& strides,
                          int64_t at) {
  std::vector<int64_t> r = {at};
  for (size_t d = 0; d < dims.size(); d++) {
    std::vector<int64_t> next;
    for (int64_t base : r)
      for (int64_t i = 0; i < dims[d]; i++) next.push_back(base + i * strides[d]);
    r = next;
  }
  return r;
}

struct Case {
  std::vector<int64_t> dims, strides;
  int64_t offset, size;
};

const Case cases[] = {
    {{}, {}, 2, 3},
    {{5}, {1}, 0, 5},
    {{5}, {-1}, 4, 5},
    {{7}, {3}, 1, 20},
    {{0, 3}, {3, 1}, 0, 0},
    {{3, 0}, {0, 1}, 5, 9},
    {{4, 6}, {6, 1}, 0, 24},
    {{6, 4}, {1, 6}, 0, 24},
    {{97, 130}, {1, 97}, 0, 97 * 130},
    {{130, 97}, {-1, 130}, 129, 97 * 130},
    {{300, 257}, {1, 300}, 0, 300 * 257},
    {{3, 70, 33}, {70 * 33, 1, 70}, 0, 3 * 70 * 33},
    {{33, 3, 70}, {1, 33 * 70, 33}, 0, 3 * 70 * 33},
    {{4, 5, 6, 7}, {1, 4, 20, 120}, 0, 840},
    {{4, 5, 6, 7}, {210, 7, 35, 1}, 0, 840},
    {{5, 4, 6, 7}, {7, 210, 35, 1}, 0, 840},
    {{8, 9}, {0, 1}, 3, 20},
    {{8, 9}, {1, 0}, 3, 20},
    {{2, 3, 40000}, {120000, 40000, 1}, 0, 240000},
    {{2, 39999}, {40000, 1}, 1, 80000},
    {{1, 5, 1, 3}, {99, 3, 7, 1}, 0, 15},
};

std::vector<double> viewParams(const Case& c) {
  std::vector<double> p = {(double)c.dims.size()};
  for (int64_t d : c.dims) p.push_back((double)d);
  for (int64_t s : c.strides) p.push_back((double)s);
  p.push_back((double)c.offset);
  return p;
}

void views(const KernelTable& table, DType type) {
  for (const Case& c : cases) {
    std::vector<int64_t> at = walk(c.dims, c.strides, c.offset);
    for (int threads : {1, 2}) {
      Data in = sequence(type, c.size), out(type, (int64_t)at.size());
      std::string error = call(table, stridedKernel, {&in}, {&out}, viewParams(c), threads);
      CHECK(error.empty(), "strided: %s", error.c_str());
      for (size_t i = 0; i < at.size(); i++)
        CHECK(equal(out, (int64_t)i, in, at[i]), "%s strided case %d at %d", table.isa,
              (int)(&c - cases), (int)i);

      Data small = sequence(type, (int64_t)at.size()), all(type, c.size), want(type, c.size);
      std::vector<double> p = viewParams(c);
      p.push_back(1);
      error = call(table, placeKernel, {&small}, {&all}, p, threads);
      CHECK(error.empty(), "place: %s", error.c_str());
      bool repeats = false;
      for (size_t d = 0; d < c.dims.size(); d++) repeats |= c.strides[d] == 0;
      if (repeats) continue;
      for (int64_t i = 0; i < c.size; i++) {
        if (type == DType::f32) want.f()[i] = 1;
        if (type == DType::i32) want.i()[i] = 1;
        if (bytesOf(type) == 1) want.u()[i] = 1;
      }
      for (size_t i = 0; i < at.size(); i++)
        std::memcpy((char*)want.data() + at[i] * bytesOf(type),
                    (char*)small.data() + i * bytesOf(type), bytesOf(type));
      CHECK(want.same(all), "%s place case %d", table.isa, (int)(&c - cases));
    }
  }
}

void refusals(const KernelTable& table) {
  Data in(DType::f32, 20), out(DType::f32, 12), bytes(DType::u8, 12), index(DType::i32, 4);
  auto refused = [&](int kernel, std::vector<Data*> ins, Data& o, std::vector<double> p) {
    std::string error = call(table, kernel, ins, {&o}, p);
    CHECK(error.rfind("refused", 0) == 0, "kernel %d: bad arguments are not refused", kernel);
  };
  refused(stridedKernel, {&in}, out, {2, 3, 4, 4, 1, 9});
  refused(stridedKernel, {&in}, out, {2, 3, 4, 4, 1, -1});
  refused(stridedKernel, {&in}, out, {2, 3, 4, -4, 1, 0});
  refused(stridedKernel, {&in}, out, {2, 3, 4, 4503599627370496, 1, 0});
  refused(stridedKernel, {&in}, out, {2, 3, 4, 4, 0.5, 0});
  refused(stridedKernel, {&in}, out, {2, 3, 4, 4, 1});
  refused(stridedKernel, {&in}, out, {99, 3, 4, 4, 1, 0});
  refused(stridedKernel, {&in}, bytes, {2, 3, 4, 4, 1, 0});
  refused(stridedKernel, {&in}, out, {2, 3, 5, 5, 1, 0});
  refused(placeKernel, {&out}, in, {2, 3, 4, 8, 2, 0, 0});
  refused(placeKernel, {&out}, in, {2, 3, 4, 4, 1, 9, 0});
  refused(placeKernel, {&bytes}, bytes, {1, 12, 1, 0, 256});
  refused(concatKernel, {&in, &out}, in, {1, 1, 20, 12});
  refused(gatherKernel, {&in, &index}, out, {1, 5, 4, 4});
  refused(gatherKernel, {&in, &out}, out, {1, 5, 4, 3});
  refused(pickKernel, {&in, &index}, out, {4, 5, 1, -1});
}

void indexed(const KernelTable& table, int64_t outer, int64_t n, int64_t inner, int64_t m) {
  Data x = sequence(DType::f32, outer * n * inner), index(DType::i32, m),
       out(DType::f32, outer * m * inner);
  std::mt19937 engine(1);
  for (int64_t i = 0; i < m; i++) index.i()[i] = (int32_t)(engine() % n);
  std::vector<double> p = {(double)outer, (double)n, (double)inner, (double)m};
  for (int threads : {1, 2}) {
    std::string error = call(table, gatherKernel, {&x, &index}, {&out}, p, threads);
    CHECK(error.empty(), "gather: %s", error.c_str());
    Data sums(DType::f32, outer * n * inner);
    std::vector<float> want((size_t)sums.count, 0);
    for (int64_t o = 0; o < outer; o++)
      for (int64_t i = 0; i < m; i++)
        for (int64_t k = 0; k < inner; k++) {
          float v = x.f()[(o * n + index.i()[i]) * inner + k];
          CHECK(out.f()[(o * m + i) * inner + k] == v, "%s gather", table.isa);
          want[(o * n + index.i()[i]) * inner + k] += v;
        }
    error = call(table, scatterAddKernel, {&out, &index}, {&sums}, p, threads);
    CHECK(error.empty(), "scatterAdd: %s", error.c_str());
    CHECK(sums.floats() == want, "%s scatterAdd (%d,%d,%d,%d)", table.isa, (int)outer, (int)n,
          (int)inner, (int)m);
  }
}

void labelled(const KernelTable& table, int64_t outer, int64_t n, int64_t inner) {
  Data x(gaussian(outer * n * inner, 1)), labels(DType::i32, outer * inner),
      out(DType::f32, outer * inner);
  for (int64_t i = 0; i < labels.count; i++)
    labels.i()[i] = i % 4 == 3 ? -100 : (int32_t)(i * 7 % n);
  std::vector<double> p = {(double)outer, (double)n, (double)inner, -100};
  for (int threads : {1, 2}) {
    std::string error = call(table, pickKernel, {&x, &labels}, {&out}, p, threads);
    CHECK(error.empty(), "pick: %s", error.c_str());
    Data back(DType::f32, x.count);
    std::vector<float> want((size_t)x.count, 0);
    for (int64_t o = 0; o < outer; o++)
      for (int64_t i = 0; i < inner; i++) {
        int32_t label = labels.i()[o * inner + i];
        int64_t at = (o * n + label) * inner + i;
        float v = label == -100 ? 0 : x.f()[at];
        CHECK(out.f()[o * inner + i] == v, "%s pick", table.isa);
        if (label != -100) want[at] = v;
      }
    error = call(table, unpickKernel, {&out, &labels}, {&back}, p, threads);
    CHECK(error.empty(), "unpick: %s", error.c_str());
    CHECK(back.floats() == want, "%s unpick", table.isa);
  }
}

void concatenated(const KernelTable& table, DType type) {
  for (int64_t outer : {0, 1, 3})
    for (int64_t inner : {1, 7, 30000}) {
      Data a = sequence(type, outer * 2 * inner), b = sequence(type, 0),
           c = sequence(type, outer * 5 * inner);
      Data out(type, outer * 7 * inner);
      std::string error = call(table, concatKernel, {&a, &b, &c}, {&out},
                               {(double)outer, (double)inner, 2, 0, 5}, 2);
      CHECK(error.empty(), "concat: %s", error.c_str());
      for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < 7 * inner; i++) {
          bool first = i < 2 * inner;
          CHECK(equal(out, o * 7 * inner + i, first ? a : c,
                      first ? o * 2 * inner + i : o * 5 * inner + i - 2 * inner),
                "%s concat", table.isa);
        }
    }
}

void messages(const KernelTable& table) {
  Data x(DType::f32, 40), index(std::vector<int32_t>{3, 12}), out(DType::f32, 8),
      labels(std::vector<int32_t>{1, 0, -1, 10});
  std::string error = call(table, gatherKernel, {&x, &index}, {&out}, {1, 10, 4, 2});
  CHECK(error == "index 12 at position 1 is out of range for size 10", "%s", error.c_str());
  error = call(table, scatterAddKernel, {&out, &index}, {&x}, {1, 10, 4, 2});
  CHECK(error == "index 12 at position 1 is out of range for size 10", "%s", error.c_str());
  Data picked(DType::f32, 4);
  error = call(table, pickKernel, {&x, &labels}, {&picked}, {4, 10, 1, -1});
  CHECK(error == "label 10 at position 3 is out of range for 10 classes (0 to 9)", "%s",
        error.c_str());
  error = call(table, unpickKernel, {&picked, &labels}, {&x}, {4, 10, 1, -2});
  CHECK(error == "label -1 at position 2 is out of range for 10 classes (0 to 9)", "%s",
        error.c_str());
}

}  // namespace

int main() {
  everyIsa([](const KernelTable& table) {
    for (DType type : {DType::f32, DType::i32, DType::u8, DType::boolean}) {
      views(table, type);
      concatenated(table, type);
    }
    for (int64_t n : {1, 2, 17})
      for (int64_t inner : {0, 1, 3, 16, 67, 300})
        for (int64_t m : {0, 1, 40, 500}) indexed(table, 3, n, inner, m);
    indexed(table, 1, 1000, 128, 20000);
    for (int64_t n : {1, 10, 33})
      for (int64_t inner : {0, 1, 5, 40}) labelled(table, 9, n, inner);
    labelled(table, 20000, 3, 1);
    refusals(table);
    messages(table);
  });
  return report();
}
