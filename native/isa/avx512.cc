// The kernels for AVX-512.
#include "../kernel.h"

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || \
    !defined(__AVX512VL__) || !defined(__FMA__)
#error "compile with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma"
#endif

#define ISA avx512

#include "../vec/avx512.h"
// The vectors come before the kernels.
#include "../kernels/all.h"

namespace evengrad {

extern const KernelTable kernelTable_avx512;
const KernelTable kernelTable_avx512 = {"avx512", avx512::kernels};

}  // namespace evengrad
