// Which kernel tables this machine can run. Compiled for the baseline.
#include "cpu.h"

#include <cstdio>
#include <cstring>

namespace evengrad {

#if defined(__x86_64__)
extern const KernelTable kernelTable_avx512, kernelTable_avx2, kernelTable_sse;
#elif defined(__aarch64__)
extern const KernelTable kernelTable_neon;
#else
#error "evengrad supports x86-64 and AArch64"
#endif

namespace {

struct Available {
  const KernelTable* tables[3];
  int count = 0;

  Available() {
#if defined(__x86_64__)
    // __builtin_cpu_supports also asks the operating system (XGETBV) whether it saves the
    // registers.
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("fma"))
      tables[count++] = &kernelTable_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
      tables[count++] = &kernelTable_avx2;
    tables[count++] = &kernelTable_sse;
#else
    tables[count++] = &kernelTable_neon;
#endif
  }
};

const Available& available() {
  static const Available instance;
  return instance;
}

}  // namespace

const KernelTable* const* availableTables(int* count) {
  *count = available().count;
  return available().tables;
}

const KernelTable* chooseTable(const char* forced, const char** error) {
  const Available& a = available();
  if (!forced || !*forced) return a.tables[0];
  for (int i = 0; i < a.count; i++)
    if (std::strcmp(a.tables[i]->isa, forced) == 0) return a.tables[i];
  static thread_local char message[256];
  int at = std::snprintf(
      message, sizeof message,
      "EVENGRAD_ISA: must name an instruction set of this machine, got %.40s. Choose ", forced);
  for (int i = 0; i < a.count; i++)
    at += std::snprintf(message + at, sizeof message - at, "%s%s",
                        i == 0             ? ""
                        : i == a.count - 1 ? " or "
                                           : ", ",
                        a.tables[i]->isa);
  *error = message;
  return nullptr;
}

}  // namespace evengrad
