// Every kernel, in the table that an ISA exports. Included once by each file of native/isa, after
// its vectors.
#pragma once

#include "checks.h"
// checks.h comes first: the others build on it.
#include "concat.h"
#include "gather.h"
#include "layerNorm.h"
#include "mapEach.h"
#include "matmul.h"

#include "crossEntropy.h"
#include "histogram.h"
#include "moments.h"
#include "pick.h"
#include "place.h"
#include "random.h"
#include "reduce.h"
#include "softmax.h"
#include "strided.h"
// These use what the kernels above define.
#include "iota.h"
#include "norms.h"
#include "orthogonal.h"

namespace evengrad::ISA {
namespace {

constexpr Kernel kernels[] = {
#define KERNEL(name) kernel_##name,
#include "../ops.def"
};

}  // namespace
}  // namespace evengrad::ISA
