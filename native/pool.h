// The process-wide pool of helper threads that parallel kernels share.
#pragma once

#include <cstdint>

#include "kernel.h"

namespace evengrad {

inline constexpr int kMaxThreads = 256;

// Cores this process may use: its affinity mask and, on Linux, its cgroup's quota.
int usableCores();

// How many threads the next run uses, callers included. Starts as usableCores().
int threadCount();
void setThreadCount(int threads);

// One caller's view of the pool, fixed to a thread count; runs on any thread, any number at once.
// The caller takes part as worker 0 and can finish a region alone: it waits only for chunks that a
// helper has claimed, so neither a busy neighbour nor another region can stall it.
class Team final : public Parallel {
 public:
  explicit Team(int threads) : threads_(threads) {}
  int threads() const override { return threads_; }
  void run(int64_t chunks, void (*body)(void* state, int64_t chunk, int worker),
           void* state) override;

 private:
  int threads_;
};

}  // namespace evengrad
