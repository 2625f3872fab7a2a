// The kernels for AArch64.
#include "../kernel.h"

#if !defined(__aarch64__)
#error "compile for AArch64"
#endif

#define ISA neon

#include "../vec/neon.h"
// The vectors come before the kernels.
#include "../kernels/all.h"

namespace evengrad {

extern const KernelTable kernelTable_neon;
const KernelTable kernelTable_neon = {"neon", neon::kernels};

}  // namespace evengrad
