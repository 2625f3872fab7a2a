// The instruction sets that this machine and its operating system support, and the choice of one.
#pragma once

#include "kernel.h"

namespace evengrad {

// Those that this machine can run, best first.
const KernelTable* const* availableTables(int* count);

// The best, or the one that `forced` names (null or "" forces none). Null if it is unknown or
// cannot run here, with the reason in *error, which stays valid until the next call on this thread.
const KernelTable* chooseTable(const char* forced, const char** error);

}  // namespace evengrad
