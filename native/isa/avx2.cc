// The kernels for AVX2.
#include "../kernel.h"

#if !defined(__AVX2__) || !defined(__FMA__) || defined(__AVX512F__)
#error "compile with -mavx2 -mfma, and without AVX-512"
#endif

#define ISA avx2

#include "../vec/avx2.h"
// The vectors come before the kernels.
#include "../kernels/all.h"

namespace evengrad {

extern const KernelTable kernelTable_avx2;
const KernelTable kernelTable_avx2 = {"avx2", avx2::kernels};

}  // namespace evengrad
