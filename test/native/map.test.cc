// The interpreter of `map`: random programs of exact operations over broadcast shapes, every lane
// and buffer type and aliased outputs against a scalar interpreter, bit for bit; what must be
// refused; many sets of buffers in one call.
#include "check.h"

using namespace test;

namespace {

struct Value {
  bool integer;
  float f;
  int32_t i;
};

Value F(float x) { return {false, x, 0}; }
Value I(int64_t x) { return {true, 0, (int32_t)(uint32_t)(uint64_t)x}; }

Value apply(int op, const Value* v) {
  float a = v[0].f, b = v[1].f;
  int64_t i = v[0].i, j = v[1].i;
  switch (op) {
    case op_neg: return F(-a);
    case op_abs: return F(std::fabs(a));
    case op_square: return F(a * a);
    case op_relu: return F(a < 0 ? 0 : a);
    case op_floor: return F(std::floor(a));
    case op_round: return F(std::nearbyint(a));
    case op_logicalNot: return F(a == 0);
    case op_isNaN: return F(a != a);
    case op_add: return F(a + b);
    case op_sub: return F(a - b);
    case op_mul: return F(a * b);
    case op_div: return F(a / b);
    case op_maximum: return F(a > b || a != a ? a : b);
    case op_minimum: return F(a < b || a != a ? a : b);
    case op_less: return F(a < b);
    case op_greaterEqual: return F(a >= b);
    case op_logicalAnd: return F(a != 0 && b != 0);
    case op_where: return a != 0 ? v[1] : v[2];
    case op_negI: return I(-i);
    case op_absI: return I(i < 0 ? -i : i);
    case op_signI: return I((i > 0) - (i < 0));
    case op_squareI: return I(i * i);
    case op_addI: return I(i + j);
    case op_subI: return I(i - j);
    case op_mulI: return I(i * j);
    case op_maximumI: return I(i > j ? i : j);
    case op_minimumI: return I(i < j ? i : j);
    case op_equalI: return F(i == j);
    case op_notEqualI: return F(i != j);
    case op_lessI: return F(i < j);
    case op_lessEqualI: return F(i <= j);
    case op_greaterI: return F(i > j);
    case op_greaterEqualI: return F(i >= j);
    case op_whereI: return a != 0 ? v[1] : v[2];
    case op_toI32:
      return I(a != a               ? 0
               : a >= 2147483648.0f ? INT32_MAX
               : a < -2147483648.0f ? INT32_MIN
                                    : (int64_t)a);
    case op_toF32: return F((float)v[0].i);
  }
  std::abort();
}

const std::vector<int> ops = {
    op_neg,        op_abs,      op_square,        op_relu,         op_floor,      op_round,
    op_logicalNot, op_isNaN,    op_add,           op_sub,          op_mul,        op_div,
    op_maximum,    op_minimum,  op_less,          op_greaterEqual, op_logicalAnd, op_where,
    op_negI,       op_absI,     op_signI,         op_squareI,      op_addI,       op_subI,
    op_mulI,       op_maximumI, op_minimumI,      op_equalI,       op_notEqualI,  op_lessI,
    op_lessEqualI, op_greaterI, op_greaterEqualI, op_whereI,       op_toI32,      op_toF32};

struct Program {
  std::vector<int64_t> dims;
  std::vector<Data> in;
  std::vector<std::vector<int64_t>> strides;
  std::vector<double> immediates;
  std::vector<std::vector<int>> micro;
  std::vector<int> outputs;
  std::vector<DType> types;
  std::vector<int> aliases;  // of each output: an input, or −1

  std::vector<double> params() const {
    std::vector<double> p = {(double)dims.size()};
    p.insert(p.end(), dims.begin(), dims.end());
    for (auto& s : strides) p.insert(p.end(), s.begin(), s.end());
    p.push_back((double)immediates.size());
    p.insert(p.end(), immediates.begin(), immediates.end());
    p.push_back((double)micro.size());
    for (auto& row : micro) p.insert(p.end(), row.begin(), row.end());
    p.insert(p.end(), outputs.begin(), outputs.end());
    return p;
  }
  int64_t total() const {
    int64_t n = 1;
    for (int64_t d : dims) n *= d;
    return n;
  }
};

Data randomData(DType type, int64_t n, std::mt19937& engine) {
  Data d(type, n);
  for (int64_t i = 0; i < n; i++) {
    uint32_t r = engine();
    if (type == DType::f32)
      d.f()[i] =
          r % 16 == 0 ? specials()[r / 16 % specials().size()] : (float)(int32_t)engine() * 1e-8f;
    if (type == DType::i32) d.i()[i] = (int32_t)r >> (r & 31);
    if (type == DType::u8) d.u()[i] = (uint8_t)r;
    if (type == DType::boolean) d.u()[i] = r % 3 == 0;
  }
  return d;
}

const std::vector<std::vector<int64_t>> shapes = {
    {},
    {0},
    {1},
    {15},
    {16},
    {17},
    {1031},
    {64, 10},
    {3, 700},
    {5, 513},
    {40, 3},
    {700, 2},
    {2, 3, 5},
    {4, 1, 33},
    {9, 16, 8},
    {3, 5, 70},
    {2, 300, 3},
    {7, 0, 3},
    {30000},
    {200, 150},
    {3, 4500},
    // Rows of whole blocks, and rows of several blocks and a rest.
    {9, 128},
    {6, 256},
    {2, 3, 384},
    {3, 2, 300},
    {2, 5000}};

Program randomProgram(std::mt19937& engine) {
  auto pick = [&](int n) { return (int)(engine() % (uint32_t)n); };
  Program p;
  p.dims = shapes[pick((int)shapes.size())];
  int64_t total = p.total();
  int nIn = pick(5), nImm = pick(4), nMicro = pick(3) ? pick(12) : 40 + pick(60);
  if (total > 5000) nMicro %= 12;
  const DType types[] = {DType::f32, DType::f32, DType::f32, DType::i32, DType::u8, DType::boolean};
  for (int i = 0; i < nIn; i++) {
    std::vector<int64_t> strides(p.dims.size());
    int64_t size = 1, whole = pick(2);
    for (int d = (int)p.dims.size() - 1; d >= 0; d--) {
      bool keep = whole || pick(2);
      strides[d] = keep ? size : 0;
      if (keep) size *= p.dims[d];
    }
    p.strides.push_back(strides);
    p.in.push_back(randomData(types[pick(6)], size, engine));
  }
  std::vector<bool> integer;
  for (Data& d : p.in) integer.push_back(d.dtype == DType::i32);
  for (int k = 0; k < nImm; k++) {
    p.immediates.push_back(pick(3) ? pick(20) - 10 : specials()[pick((int)specials().size())]);
    integer.push_back(false);
  }
  auto immediateFits = [&](int id) {
    double x = id >= nIn && id < nIn + nImm ? p.immediates[id - nIn] : NAN;
    return x >= INT32_MIN && x <= INT32_MAX && x == std::floor(x);
  };
  for (int m = 0, tries = 0; m < nMicro && tries < 10000; tries++) {
    int op = ops[pick((int)ops.size())];
    const char* s = mapOpSignatures[op];
    std::vector<int> row = {op, 0, 0, 0};
    bool good = !integer.empty();
    int k = 0;
    for (; s[k] != '>' && good; k++) {
      int id = pick(4) ? (int)integer.size() - 1 - pick(std::min(6, (int)integer.size()))
                       : pick((int)integer.size());
      // Conditions are often inputs, which may be one number.
      if (k == 0 && (op == op_where || op == op_whereI) && nIn > 0 && pick(2)) id = pick(nIn);
      good = integer[id] == (s[k] == 'I') || (s[k] == 'I' && immediateFits(id));
      row[1 + k] = id;
    }
    if (!good) continue;
    p.micro.push_back(row);
    integer.push_back(s[k + 1] == 'I');
    m++;
  }
  int nOut = integer.empty() ? 0 : 1 + pick(3);
  std::vector<bool> taken((size_t)nIn);
  for (int j = 0; j < nOut; j++) {
    int id = pick(3) ? (int)integer.size() - 1 - pick(std::min(3, (int)integer.size()))
                     : pick((int)integer.size());
    p.outputs.push_back(id);
    const DType floats[] = {DType::f32, DType::f32, DType::u8, DType::boolean};
    p.types.push_back(integer[id] ? DType::i32 : floats[pick(4)]);
    int alias = -1;
    for (int i = 0; i < nIn && alias < 0; i++) {
      bool whole = p.in[i].count == total && total > 0;
      int64_t stride = 1;
      for (int d = (int)p.dims.size() - 1; d >= 0; d--) {
        if (p.dims[d] != 1 && p.strides[i][d] != stride) whole = false;
        stride *= p.dims[d];
      }
      if (whole && !taken[i] && bytesOf(p.in[i].dtype) == bytesOf(p.types[j]) && pick(2)) alias = i;
    }
    if (alias >= 0) taken[alias] = true;
    p.aliases.push_back(alias);
  }
  return p;
}

std::vector<Data> oracle(Program& p) {
  std::vector<Data> out;
  for (DType t : p.types) out.emplace_back(t, p.total());
  for (int64_t at = 0; at < p.total(); at++) {
    std::vector<Value> values;
    for (size_t i = 0; i < p.in.size(); i++) {
      int64_t index = 0, rest = at;
      for (int d = (int)p.dims.size() - 1; d >= 0; d--) {
        index += rest % p.dims[d] * p.strides[i][d];
        rest /= p.dims[d];
      }
      Data& x = p.in[i];
      values.push_back(x.dtype == DType::f32   ? F(x.f()[index])
                       : x.dtype == DType::i32 ? I(x.i()[index])
                                               : F(x.u()[index]));
    }
    for (double x : p.immediates) values.push_back(F((float)x));
    size_t firstImmediate = p.in.size(), firstMicro = values.size();
    auto get = [&](int id, bool integer) {
      if (integer && (size_t)id >= firstImmediate && (size_t)id < firstMicro)
        return I((int64_t)p.immediates[id - firstImmediate]);
      return values[id];
    };
    for (auto& row : p.micro) {
      const char* s = mapOpSignatures[row[0]];
      Value operands[3] = {};
      for (int k = 0; s[k] != '>'; k++) operands[k] = get(row[1 + k], s[k] == 'I');
      values.push_back(apply(row[0], operands));
    }
    for (size_t j = 0; j < p.outputs.size(); j++) {
      Value v = get(p.outputs[j], p.types[j] == DType::i32);
      if (p.types[j] == DType::f32) out[j].f()[at] = v.f;
      if (p.types[j] == DType::i32) out[j].i()[at] = v.i;
      if (p.types[j] == DType::u8) out[j].u()[at] = v.f > 0 ? (uint8_t)std::min(v.f, 255.0f) : 0;
      if (p.types[j] == DType::boolean) out[j].u()[at] = v.f != 0;
    }
  }
  return out;
}

bool agree(Data& a, Data& b, int64_t i) {
  if (a.dtype == DType::f32)
    return a.f()[i] == b.f()[i] || (std::isnan(a.f()[i]) && std::isnan(b.f()[i]));
  if (a.dtype == DType::i32) return a.i()[i] == b.i()[i];
  return a.u()[i] == b.u()[i];
}

void run(const KernelTable& table, Program p, std::vector<Data>& want, int seed, int threads) {
  std::vector<Data> out;
  for (DType t : p.types) out.emplace_back(t, p.total());
  std::vector<Data*> ins, outs;
  for (Data& d : p.in) ins.push_back(&d);
  for (size_t j = 0; j < out.size(); j++) {
    outs.push_back(p.aliases[j] >= 0 ? ins[p.aliases[j]] : &out[j]);
    if (p.aliases[j] >= 0 && outs.back()->dtype != p.types[j]) {  // the same memory, another type
      outs.back() = &out[j];
    }
  }
  std::string error = call(table, mapKernel, ins, outs, p.params(), threads);
  CHECK(error.empty(), "program %d: %s", seed, error.c_str());
  for (size_t j = 0; j < out.size(); j++)
    for (int64_t i = 0; i < want[j].count; i++)
      CHECK(agree(*outs[j], want[j], i), "%s program %d (%d threads): output %d at %d", table.isa,
            seed, threads, (int)j, (int)i);
}

void refusals(const KernelTable& table) {
  Data x(DType::f32, 6), i(DType::i32, 6), out(DType::f32, 6), ints(DType::i32, 6),
      small(DType::f32, 5);
  auto refused = [&](std::vector<Data*> in, Data& o, std::vector<double> p) {
    std::string error = call(table, mapKernel, in, {&o}, p);
    CHECK(error.rfind("refused", 0) == 0, "bad arguments are not refused (%d)", (int)p.size());
  };
  std::vector<double> good = {2, 2, 3, 3, 1, 0, 1, op_neg, 0, 0, 0, 1};
  CHECK(call(table, mapKernel, {&x}, {&out}, good).empty(), "a good call is refused");
  for (size_t n = 0; n < good.size(); n++)
    refused({&x}, out, {good.begin(), good.begin() + (long)n});
  auto with = [&](int at, double value) {
    std::vector<double> p = good;
    p[at] = value;
    return p;
  };
  for (double bad : {-1.0, 0.5, (double)NAN, (double)INFINITY, 1e300, 9007199254740993.0})
    for (int at = 0; at < (int)good.size(); at++)
      if (at < 9 || at > 10) refused({&x}, out, with(at, bad));
  refused({&x}, out, with(7, mapOpCount));
  refused({&x}, out, with(8, 1));
  refused({&x}, out, with(11, 2));
  refused({&x}, out, with(3, 4));
  refused({&x}, out, with(7, op_negI));
  refused({&i}, out, good);
  refused({&x}, ints, good);
  refused({&x}, small, good);
  refused({&small}, out, good);
  refused({&i}, ints, {1, 6, 1, 1, 0.5, 1, op_addI, 0, 1, 0, 2});
  CHECK(call(table, mapKernel, {&i}, {&ints}, {1, 6, 1, 1, 3, 1, op_addI, 0, 1, 0, 2}).empty(),
        "i + 3");
}

// SGD with momentum, updating its own inputs: v ← μv + g, w ← w − ηv.
void inPlace(const KernelTable& table) {
  for (int64_t n : sizes()) {
    Data w(gaussian(n, 1)), v(gaussian(n, 2)), g(gaussian(n, 3)), w0 = w, v0 = v;
    std::string error =
        call(table, mapKernel, {&w, &v, &g}, {&v, &w},
             {1, (double)n, 1, 1,      1, 2, 0.5, 0.125,  4, op_mul, 1, 3, 0, op_add,
              5, 2,         0, op_mul, 6, 4, 0,   op_sub, 0, 7,      0, 6, 8});
    CHECK(error.empty(), "%s", error.c_str());
    for (int64_t i = 0; i < n; i++) {
      float next = v0.f()[i] * 0.5f + g.f()[i];
      CHECK(v.f()[i] == next && w.f()[i] == w0.f()[i] - next * 0.125f, "%s in place at %d of %d",
            table.isa, (int)i, (int)n);
    }
    Data a = w0, b = v0;  // a swap
    error = call(table, mapKernel, {&a, &b}, {&b, &a}, {1, (double)n, 1, 1, 0, 0, 0, 1});
    CHECK(error.empty() && a.same(v0) && b.same(w0), "%s swap of %d", table.isa, (int)n);
  }
}

// The same where a flag says so; otherwise nothing changes.
void guarded(const KernelTable& table) {
  const std::vector<double> update = {1, 1,        1, 1, 0, 2,        0.5, 0.125, 6, op_mul, 1, 4,
                                      0, op_add,   6, 2, 0, op_mul,   7,   5,     0, op_sub, 0, 8,
                                      0, op_where, 3, 7, 1, op_where, 3,   9,     0, 10,     11};
  for (int64_t n : sizes()) {
    std::vector<Data> flags = {std::vector<float>{0.0f}, std::vector<float>{-0.0f},
                               std::vector<float>{2.0f}, std::vector<float>{NAN}};
    for (uint8_t byte : {0, 1, 7})
      for (DType type : {DType::u8, DType::boolean})
        flags.push_back(Data(std::vector<uint8_t>{byte}, type));
    for (Data& flag : flags) {
      Data w(gaussian(n, 1)), v(gaussian(n, 2)), g(gaussian(n, 3)), w0 = w, v0 = v;
      std::vector<double> p = update;
      p.insert(p.begin() + 1, (double)n);
      std::string error = call(table, mapKernel, {&w, &v, &g, &flag}, {&v, &w}, p);
      CHECK(error.empty(), "%s", error.c_str());
      bool go = flag.dtype == DType::f32 ? flag.f()[0] != 0 : flag.u()[0] != 0;
      for (int64_t i = 0; i < n; i++) {
        float next = go ? v0.f()[i] * 0.5f + g.f()[i] : v0.f()[i];
        float moved = go ? w0.f()[i] - next * 0.125f : w0.f()[i];
        CHECK(v.f()[i] == next && w.f()[i] == moved, "%s guarded at %d of %d, %d", table.isa,
              (int)i, (int)n, go);
      }
    }
  }
}

// Many updates in one call have the bits of as many calls; what must be refused.
void each(const KernelTable& table) {
  const std::vector<double> update = {1, 1,        1, 1, 0, 2,        0.5, 0.125, 6, op_mul, 1, 4,
                                      0, op_add,   6, 2, 0, op_mul,   7,   5,     0, op_sub, 0, 8,
                                      0, op_where, 3, 7, 1, op_where, 3,   9,     0, 10,     11};
  auto params = [&](int64_t n) {
    std::vector<double> p = update;
    p.insert(p.begin() + 1, (double)n);
    return p;
  };
  std::vector<int64_t> counts = {513, 2, 3, 16, 17, 129, 20000, 1031, 2, 65536, 5};
  for (uint8_t go : {0, 1}) {
    Data flag(std::vector<uint8_t>{go}, DType::boolean);
    std::vector<Data> w, v, g;
    for (size_t i = 0; i < counts.size(); i++) {
      w.push_back(gaussian(counts[i], (int)i));
      v.push_back(gaussian(counts[i], (int)i + 20));
      g.push_back(gaussian(counts[i], (int)i + 40));
    }
    for (int threads : {1, 2, 3}) {
      std::vector<Data> w1 = w, v1 = v, w2 = w, v2 = v;
      std::vector<Data*> in, out;
      for (size_t i = 0; i < counts.size(); i++) {
        std::string error = call(table, mapKernel, {&w1[i], &v1[i], &g[i], &flag}, {&v1[i], &w1[i]},
                                 params(counts[i]));
        CHECK(error.empty(), "%s", error.c_str());
        for (Data* x : {&w2[i], &v2[i], &g[i], &flag}) in.push_back(x);
        for (Data* x : {&v2[i], &w2[i]}) out.push_back(x);
      }
      std::vector<double> p = params(counts[0]);
      p.insert(p.begin(), (double)counts.size());
      std::string error = call(table, mapEachKernel, in, out, p, threads);
      CHECK(error.empty(), "mapEach: %s", error.c_str());
      for (size_t i = 0; i < counts.size(); i++)
        CHECK(w1[i].same(w2[i]) && v1[i].same(v2[i]) && w[i].same(w2[i]) == !go,
              "%s mapEach: set %d of %d elements, go %d", table.isa, (int)i, (int)counts[i], go);
    }
  }

  Data x(DType::f32, 6), y(DType::f32, 9), s(DType::f32, 1), i(DType::i32, 9), b(DType::u8, 9),
      o6(DType::f32, 6), o9(DType::f32, 9), one(DType::f32, 1);
  const std::vector<double> good = {2, 1, 6, 1, 0, 0, 1, op_add, 0, 1, 0, 2};
  auto error = [&](std::vector<Data*> in, std::vector<Data*> out, std::vector<double> p) {
    return call(table, mapEachKernel, in, out, p);
  };
  auto refused = [&](std::vector<Data*> in, std::vector<Data*> out, std::vector<double> p) {
    CHECK(error(in, out, p).rfind("refused", 0) == 0, "mapEach: bad arguments are not refused");
  };
  std::vector<Data*> in = {&x, &s, &y, &s}, out = {&o6, &o9};
  CHECK(error(in, out, good).empty(), "a good call is refused");
  for (size_t n = 0; n < good.size(); n++) refused(in, out, {good.begin(), good.begin() + (long)n});
  auto with = [&](int at, double value) {
    std::vector<double> p = good;
    p[at] = value;
    return p;
  };
  for (double bad : {-1.0, 0.0, 0.5, 1.0, 3.0, 1e300, (double)NAN}) refused(in, out, with(0, bad));
  refused(in, out, with(1, 0));
  refused(in, out, with(3, 2));
  refused({&x, &s, &y}, out, good);
  refused(in, {&o6, &o9, &o9}, good);
  refused({&x, &s, &x, &s}, out, good);
  refused({&x, &s, &i, &s}, out, good);
  refused({&x, &s, &y, &b}, out, good);
  refused(in, {&o6, &i}, good);
  refused(in, {&o6, &o6}, good);
  refused({&b, &s, &b, &s}, out, {2, 1, 9, 1, 0, 0, 1, op_add, 0, 1, 0, 2});
  refused({&s, &s, &y, &s}, {&one, &o9}, {2, 1, 1, 1, 0, 0, 1, op_add, 0, 1, 0, 2});
}

}  // namespace

int main(int argc, char** argv) {
  int programs = argc > 1 ? std::atoi(argv[1]) : 1500;
  for (int seed = 0; seed < programs; seed++) {
    std::mt19937 engine((uint32_t)seed);
    Program p = randomProgram(engine);
    std::vector<Data> want = oracle(p);
    everyIsa([&](const KernelTable& table) {
      run(table, p, want, seed, 1);
      if (p.total() > 1000) run(table, p, want, seed, 2);
    });
  }
  everyIsa(refusals);
  everyIsa(inPlace);
  everyIsa(guarded);
  everyIsa(each);
  return report();
}
