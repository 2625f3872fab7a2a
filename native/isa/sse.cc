// The kernels for any x86-64.
#include "../kernel.h"

#if !defined(__SSE2__) || defined(__SSE3__)
#error "compile for the x86-64 baseline"
#endif

#define ISA sse

#include "../vec/sse.h"
// The vectors come before the kernels.
#include "../kernels/all.h"

namespace evengrad {

extern const KernelTable kernelTable_sse;
const KernelTable kernelTable_sse = {"sse", sse::kernels};

}  // namespace evengrad
