// `npm run check:ulp`: the error of every inexact operation of `map`, on every ISA, over all 2³²
// floats (pow: a grid of operands), against libm in double precision. Arguments: names of
// operations; a number n looks at every n-th float only.
#include <chrono>

#include "functions.h"

using namespace test;

namespace {

constexpr int64_t chunk = 1 << 16;

struct Worst {
  double error = 0, ns = 0;
  float x = 0, y = 0, got = 0;
};

// What one thread needs to run an operation on one ISA.
class Runner {
 public:
  Runner(const KernelTable& table, MapOp op, bool binary)
      : kernel_(table.kernels[mapKernel]), inputs_(binary ? 2 : 1) {
    params_ = binary ? std::vector<double>{1, (double)chunk, 1, 1, 0, 1, (double)op, 0, 1, 0, 2}
                     : unaryParams(op, chunk);
    call_ = {in_, inputs_, &out_, 1, params_.data(), (int)params_.size()};
    plan_ = kernel_.plan(call_);
    scratch_.resize((size_t)kernel_.scratchBytes(call_, 1) + 64);
  }
  ~Runner() { kernel_.freePlan(plan_); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Returns nanoseconds.
  double run(float* x, float* y, float* out) {
    in_[0].data = x;
    in_[1].data = y;
    out_.data = out;
    char* aligned = scratch_.data();
    aligned += -(uintptr_t)aligned % 64;
    Context context{pool_, aligned};
    auto start = std::chrono::steady_clock::now();
    kernel_.run(call_, plan_, context);
    return (double)std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
  }

 private:
  const Kernel& kernel_;
  int inputs_;
  std::vector<double> params_;
  Buffer in_[2] = {{nullptr, chunk, DType::f32}, {nullptr, chunk, DType::f32}};
  Buffer out_ = {nullptr, chunk, DType::f32};
  Call call_;
  void* plan_;
  std::vector<char> scratch_;
  Threads pool_{1};
};

void compare(Worst& worst, int op, int64_t n, const float* x, const float* y, const float* got,
             const double* want) {
  for (int64_t i = 0; i < n; i++) {
    float rounded = (float)want[i];
    // The exact result, rounded: no more than half a ULP, which is what any result may have.
    if (got[i] == rounded && rounded != 0) continue;
    double error = ulps(got[i], want[i]);
    if (got[i] == 0 && rounded == 0 && std::signbit(got[i]) != std::signbit(rounded) &&
        keepsZero(op))
      error = 1e20;
    if (error > worst.error) {
      double ns = worst.ns;
      worst = {error, ns, x[i], y ? y[i] : 0, got[i]};
    }
  }
}

// fill(chunk number, x, y) makes the operands; f is the oracle.
template <class Fill, class F>
void check(MapOp op, double limit, bool binary, int64_t chunks, Fill fill, F f) {
  int isas;
  const KernelTable* const* tables = availableTables(&isas);
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::vector<Worst> worst((size_t)isas);
  auto work = [&] {
    std::vector<std::unique_ptr<Runner>> runners;
    for (int i = 0; i < isas; i++) runners.emplace_back(new Runner(*tables[i], op, binary));
    std::vector<float> x(chunk), y(chunk), out(chunk);
    std::vector<double> want(chunk);
    std::vector<Worst> own((size_t)isas);
    for (int64_t c; (c = next++) < chunks;) {
      fill(c, x.data(), y.data());
      for (int64_t i = 0; i < chunk; i++) want[i] = f(x[i], y[i]);
      for (int t = 0; t < isas; t++) {
        own[t].ns += runners[t]->run(x.data(), y.data(), out.data());
        compare(own[t], op, chunk, x.data(), binary ? y.data() : nullptr, out.data(), want.data());
      }
    }
    std::lock_guard<std::mutex> lock(mutex);
    for (int t = 0; t < isas; t++) {
      double ns = worst[t].ns + own[t].ns;
      if (own[t].error > worst[t].error) worst[t] = own[t];
      worst[t].ns = ns;
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); i++)
    threads.emplace_back(work);
  for (std::thread& t : threads) t.join();
  for (int t = 0; t < isas; t++) {
    const Worst& w = worst[t];
    bool good = w.error <= limit;
    std::printf("%-10s %-7s %8.4f ULP of %g  at %-15a", mapOpNames[op], tables[t]->isa,
                std::max(w.error, 0.5), limit, w.x);
    if (binary) std::printf(" %-15a", w.y);
    std::printf(" %6.2f ns%s\n", w.ns / (double)(chunks * chunk), good ? "" : "  TOO LARGE");
    failures += !good;
  }
  std::fflush(stdout);
}

// Operands of pow: every exponent of x with some mantissas, and exponents of y that keep x^y within
// what a float holds; some of both signs, whole and half.
void powOperands(int64_t c, float* x, float* y) {
  std::mt19937 engine((uint32_t)c);
  for (int64_t i = 0; i < chunk; i++) {
    uint32_t bits = (uint32_t)engine() & 0x7fffffff, kind = (uint32_t)engine();
    float a;
    std::memcpy(&a, &bits, 4);
    if (kind % 16 == 0) a = 1 + ((float)(int32_t)engine()) * 0x1p-40f;
    double whole = std::log2((double)a);
    double limit = std::isfinite(whole) && whole != 0 ? 152 / std::fabs(whole) : 1;
    double b = limit * ((double)engine() * 0x1p-31 - 1);
    if (kind & 16) b = std::round(b * 2) / 2;
    x[i] = (kind & 32) && b == std::round(b) ? -a : a;
    y[i] = (float)b;
    if (kind % 64 == 1) x[i] = specials()[engine() % specials().size()];
    if (kind % 64 == 2) y[i] = specials()[engine() % specials().size()];
  }
}

}  // namespace

int main(int argc, char** argv) {
  int64_t step = 1;
  std::vector<std::string> names;
  for (int i = 1; i < argc; i++) {
    int64_t number = std::atoll(argv[i]);
    if (number > 0)
      step = number;
    else
      names.push_back(argv[i]);
  }
  auto wanted = [&](MapOp op) {
    return names.empty() || std::find(names.begin(), names.end(), mapOpNames[op]) != names.end();
  };
  int64_t chunks = std::max<int64_t>((int64_t{1} << 32) / step / chunk, 1);
  for (const Function& function : inexactFunctions) {
    if (!wanted(function.op)) continue;
    auto every = [&](int64_t c, float* x, float*) {
      for (int64_t i = 0; i < chunk; i++) {
        uint32_t bits = (uint32_t)((c * chunk + i) * step);
        std::memcpy(x + i, &bits, 4);
      }
    };
    check(function.op, function.limit, false, chunks, every,
          [&](float x, float) { return function.f(x); });
  }
  if (wanted(op_pow))
    check(op_pow, 2, true, std::min<int64_t>(chunks, 4096), powOperands,
          [](float x, float y) { return std::pow((double)x, (double)y); });
  return report();
}
