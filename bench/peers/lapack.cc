// LAPACK as OpenBLAS has it: the factor Q of a square matrix, by sgeqrf and sorgqr.
#include "driver.h"

extern "C" {
void sgeqrf_(const int* m, const int* n, float* a, const int* lda, float* tau, float* work,
             const int* lwork, int* info);
void sorgqr_(const int* m, const int* n, const int* k, float* a, const int* lda, const float* tau,
             float* work, const int* lwork, int* info);
}

namespace {

// Matrices are stored by columns.
class Factorization {
 public:
  explicit Factorization(const bench::Spec& spec)
      : side_(static_cast<int>(spec.size("side"))),
        count_(spec.size("side") * spec.size("side")),
        a_(count_),
        q_(count_),
        tau_(side_),
        work_(64 * spec.size("side")) {
    a_.read(spec.text("x"));
    transpose(a_);
    std::vector<bool> negative;
    run([&] {
      for (int i = 0; i < side_; i++) negative.push_back(q_.data()[at(i, i)] < 0);
    });
    // Others make the diagonal of R positive.
    for (int j = 0; j < side_; j++)
      for (int i = 0; i < side_; i++)
        if (negative[j]) q_.data()[at(i, j)] *= -1;
    transpose(q_);
    q_.write(spec.text("out"));
  }

  // `between` sees R in the upper triangle of q.
  void run(const std::function<void()>& between = nullptr) {
    std::copy(a_.data(), a_.data() + count_, q_.data());
    const int room = static_cast<int>(work_.size());
    int info = 0;
    sgeqrf_(&side_, &side_, q_.data(), &side_, tau_.data(), work_.data(), &room, &info);
    if (info == 0 && between) between();
    if (info == 0)
      sorgqr_(&side_, &side_, &side_, q_.data(), &side_, tau_.data(), work_.data(), &room, &info);
    if (info != 0) throw std::runtime_error("LAPACK says " + std::to_string(info));
  }

 private:
  size_t at(size_t i, size_t j) const { return j * static_cast<size_t>(side_) + i; }
  void transpose(bench::Floats& matrix) {
    for (int j = 0; j < side_; j++)
      for (int i = 0; i < j; i++) std::swap(matrix.data()[at(i, j)], matrix.data()[at(j, i)]);
  }

  int side_;
  size_t count_;
  bench::Floats a_, q_, tau_, work_;
};

}  // namespace

int main() {
  return bench::serve([](const bench::Spec& spec) -> bench::Work {
    if (spec.text("kind") != "qr") return nullptr;
    auto factorization = std::make_shared<Factorization>(spec);
    return [=] { factorization->run(); };
  });
}
