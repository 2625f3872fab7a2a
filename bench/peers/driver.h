// A peer in C++: answers lines of JSON on standard input, like every contender of the benchmarks.
//   {"do":"open","kind":…,…}  gets ready, works once, writes its results to the file "out"
//   {"do":"sample","ms":20}   works for at least that long, answers {"measured":seconds per call}
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

/// A flat JSON object whose texts hold no escapes.
class Spec {
 public:
  explicit Spec(std::string line) : line_(std::move(line)) {}

  std::string text(const std::string& key) const {
    const size_t at = find(key) + 1;
    return line_.substr(at, line_.find('"', at) - at);
  }
  double number(const std::string& key) const { return std::stod(line_.substr(find(key))); }
  size_t size(const std::string& key) const { return static_cast<size_t>(number(key)); }

 private:
  size_t find(const std::string& key) const {
    const size_t at = line_.find("\"" + key + "\":");
    if (at == std::string::npos) throw std::runtime_error("no " + key + " in the case");
    return at + key.size() + 3;
  }
  std::string line_;
};

/// Floats aligned to a page, as every library likes them best.
class Floats {
 public:
  explicit Floats(size_t size) : size_(size) {
    const size_t bytes = (size * sizeof(float) + 4095) / 4096 * 4096;
    data_ = static_cast<float*>(std::aligned_alloc(4096, bytes ? bytes : 4096));
    for (size_t i = 0; i < bytes / sizeof(float); i++) data_[i] = 0;
  }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  ~Floats() { std::free(data_); }
  float* data() { return data_; }
  size_t size() const { return size_; }

  void read(const std::string& path) { transfer(path, "rb", std::fread); }
  void write(const std::string& path) { transfer(path, "wb", std::fwrite); }

 private:
  template <class Move>
  void transfer(const std::string& path, const char* mode, Move move) {
    std::FILE* file = std::fopen(path.c_str(), mode);
    if (!file || move(data_, sizeof(float), size_, file) != size_)
      throw std::runtime_error("cannot use " + path);
    std::fclose(file);
  }
  size_t size_;
  float* data_;
};

/// Work that is ready to be done any number of times.
using Work = std::function<void()>;

/// Makes the work of a case, or returns none for a kind that the peer does not know.
using Open = std::function<Work(const Spec&)>;

inline int threads() {
  const char* count = std::getenv("BENCH_NUM_THREADS");
  return count ? std::atoi(count) : 1;
}

inline double secondsOf(const Work& work, long calls) {
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < calls; i++) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds per call over at least `seconds`, after a tenth of that to warm up.
inline double sample(const Work& work, double seconds) {
  double warm = 0;
  long calls = 0;
  while (warm < seconds / 10) warm += secondsOf(work, 1), calls++;
  calls = std::max(1L, static_cast<long>(seconds / (warm / calls)) + 1);
  return secondsOf(work, calls) / calls;
}

inline int serve(const Open& open) {
  Work work;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      const Spec spec(line);
      if (spec.text("do") == "open") {
        work = nullptr;
        work = open(spec);
        std::cout << (work ? "{\"ok\":true}" : "{\"unsupported\":\"no such kind of work\"}")
                  << std::endl;
      } else {
        const double measured = sample(work, spec.number("ms") / 1000);
        std::printf("{\"measured\":%.9g}\n", measured);
        std::fflush(stdout);
      }
    } catch (const std::exception& error) {
      std::cout << "{\"error\":\"" << error.what() << "\"}" << std::endl;
    }
  }
  return 0;
}

/// C (M, N) = op(A) · op(B), all row-major; op(A) is (M, K) and op(B) (K, N).
struct Product {
  long M, N, K;
  bool transA, transB;
  const float *a, *b;
  float* c;
  long lda() const { return transA ? M : K; }
  long ldb() const { return transB ? K : N; }
};

/// Serves products: `make` turns one into work.
inline int serveProducts(const std::function<Work(const Product&)>& make) {
  return serve([&](const Spec& spec) -> Work {
    if (spec.text("kind") != "gemm") return nullptr;
    const size_t M = spec.size("M"), N = spec.size("N"), K = spec.size("K");
    const std::string layout = spec.text("layout");
    auto a = std::make_shared<Floats>(M * K), b = std::make_shared<Floats>(K * N),
         c = std::make_shared<Floats>(M * N);
    a->read(spec.text("a"));
    b->read(spec.text("b"));
    const Product product{static_cast<long>(M),
                          static_cast<long>(N),
                          static_cast<long>(K),
                          layout[0] == 't',
                          layout[1] == 't',
                          a->data(),
                          b->data(),
                          c->data()};
    const Work work = make(product);
    work();
    c->write(spec.text("out"));
    return [=] {
      (void)a, (void)b, (void)c;  // alive as long as the work
      work();
    };
  });
}

}  // namespace bench
