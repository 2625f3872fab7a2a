// Every operation of `map` on one operand, and those on two, against double precision: exact ones
// bit for bit, the others within 1 ULP (2 for composites) over all exponents.
#include "functions.h"

using namespace test;

namespace {

// Floats of every exponent and sign, with the special ones.
std::vector<float> everywhere(uint32_t step) {
  std::vector<float> v = specials();
  for (uint64_t bits = 0; bits < 1ull << 32; bits += step) {
    uint32_t b = (uint32_t)bits;
    float x;
    std::memcpy(&x, &b, 4);
    v.push_back(x);
  }
  // Where functions change their ways.
  for (float edge : {0.0f, 1.0f, -1.0f, 88.7228f, -103.9721f, -87.3365f, 9.01f, 10.05f, -14.4f,
                     3.1415927f, 1e6f, -1e6f, 20.0f, 14.4f, -3.9f, 8.0f, -10.9f, -109.0f})
    for (int i = -2000; i <= 2000; i++) v.push_back(edge + (float)i * 1e-3f);
  v.push_back(-0x1.e8d534p+1f);  // where a sigmoid in float lanes had 1.008 ULP
  return v;
}

void unary(const Function& u, const std::vector<float>& x) {
  Data in(x), out(DType::f32, (int64_t)x.size());
  std::vector<double> want;
  for (float v : x) want.push_back(u.f(v));
  everyIsa([&](const KernelTable& table) {
    std::string error = call(table, mapKernel, {&in}, {&out}, unaryParams(u.op, in.count));
    CHECK(error.empty(), "%s: %s", mapOpNames[u.op], error.c_str());
    double worst = 0;
    float at = 0;
    for (int64_t i = 0; i < in.count; i++) {
      float rounded = (float)want[i], got = out.f()[i];
      double d = ulps(got, want[i]);
      // A zero keeps its sign, except what has none.
      if (rounded == 0 && got == 0 && std::signbit(rounded) != std::signbit(got) && keepsZero(u.op))
        d = 1e20;
      // A limit is reached: a derivative may be made of the distance from it.
      if (rounded == want[i] && rounded != got && (u.limit <= 1 || want[i] == x[i])) d = 1e10;
      if (d > worst) worst = d, at = x[i];
    }
    if (std::getenv("VERBOSE"))
      std::printf("%s %s %.4f ULP at %a\n", table.isa, mapOpNames[u.op], worst, at);
    CHECK(worst <= u.limit + 1e-9, "%s %s: %g ULP at %a (%g)", table.isa, mapOpNames[u.op], worst,
          at, at);
  });
}

// A lane's result depends on its operand alone, also where its neighbours need another way.
void alone(const KernelTable& table, const Function& u) {
  std::mt19937 engine(11);
  std::vector<float> tame, mixed;
  for (int i = 0; i < 5000; i++) tame.push_back((float)((int32_t)engine() * 0x1p-27));
  mixed = tame;
  for (size_t i = 0; i < mixed.size(); i += 7) mixed[i] = specials()[engine() % specials().size()];
  Data in(tame), other(mixed), want(DType::f32, in.count), got(DType::f32, in.count);
  call(table, mapKernel, {&in}, {&want}, unaryParams(u.op, in.count));
  call(table, mapKernel, {&other}, {&got}, unaryParams(u.op, in.count));
  for (int64_t i = 0; i < in.count; i++)
    CHECK(i % 7 == 0 || std::memcmp(want.f() + i, got.f() + i, 4) == 0,
          "%s %s(%a): %a among others, %a among its like", table.isa, mapOpNames[u.op], tame[i],
          got.f()[i], want.f()[i]);
}

struct Binary {
  MapOp op;
  double limit;
  double (*f)(float, float);
};

const Binary binaries[] = {
    {op_add, 0.5, [](float a, float b) { return (double)(a + b); }},
    {op_sub, 0.5, [](float a, float b) { return (double)(a - b); }},
    {op_mul, 0.5, [](float a, float b) { return (double)(a * b); }},
    {op_div, 0.5, [](float a, float b) { return (double)(a / b); }},
    {op_pow, 1, [](float a, float b) { return (double)powl(a, b); }},
    {op_maximum, 0,
     [](float a, float b) {
       return std::isnan(a) || std::isnan(b) ? NAN : (double)(a > b ? a : b);
     }},
    {op_minimum, 0,
     [](float a, float b) {
       return std::isnan(a) || std::isnan(b) ? NAN : (double)(a < b ? a : b);
     }},
    {op_equal, 0, [](float a, float b) { return (double)(a == b); }},
    {op_notEqual, 0, [](float a, float b) { return (double)(a != b); }},
    {op_less, 0, [](float a, float b) { return (double)(a < b); }},
    {op_lessEqual, 0, [](float a, float b) { return (double)(a <= b); }},
    {op_greater, 0, [](float a, float b) { return (double)(a > b); }},
    {op_greaterEqual, 0, [](float a, float b) { return (double)(a >= b); }},
    {op_logicalAnd, 0, [](float a, float b) { return (double)(a != 0 && b != 0); }},
    {op_logicalOr, 0, [](float a, float b) { return (double)(a != 0 || b != 0); }},
};

void binary(const KernelTable& table, const Binary& b, const std::vector<float>& x,
            const std::vector<float>& y) {
  Data left(x), right(y), out(DType::f32, (int64_t)x.size());
  std::string error = call(table, mapKernel, {&left, &right}, {&out},
                           {1, (double)left.count, 1, 1, 0, 1, (double)b.op, 0, 1, 0, 2});
  CHECK(error.empty(), "%s: %s", mapOpNames[b.op], error.c_str());
  for (int64_t i = 0; i < left.count; i++) {
    double want = b.f(x[i], y[i]), d = ulps(out.f()[i], want);
    CHECK(d <= b.limit + 1e-9, "%s %s(%a, %a): got %a, want %a", table.isa, mapOpNames[b.op], x[i],
          y[i], out.f()[i], want);
  }
}

}  // namespace

int main(int argc, char** argv) {
  uint32_t step = argc > 1 ? (uint32_t)std::atoi(argv[1]) : 3989;
  std::vector<float> x = everywhere(step), left, right;
  for (float a : specials())
    for (float b : specials()) left.push_back(a), right.push_back(b);
  std::mt19937 engine(7);
  for (int i = 0; i < 200000; i++) {
    uint32_t bits = engine(), exponent = (uint32_t)engine() % 4000;
    float a, b = ((float)exponent - 2000) / 100;
    std::memcpy(&a, &bits, 4);
    if (i % 3 == 0) b = std::round(b);
    left.push_back(i % 2 ? a : std::fabs(a));
    right.push_back(b);
  }
  for (const Function& f : exactFunctions) unary(f, x);
  for (const Function& f : inexactFunctions) unary(f, x);
  everyIsa([&](const KernelTable& table) {
    for (const Binary& b : binaries) binary(table, b, left, right);
    for (const Function& f : inexactFunctions) alone(table, f);
  });
  return report();
}
