// What a kernel is: the contract between the program executor and the code compiled once per ISA.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace evengrad {

enum class DType : uint8_t { f32 = 0, i32 = 1, u8 = 2, boolean = 3 };

[[gnu::always_inline]] inline constexpr int64_t bytesOf(DType t) {
  return t == DType::f32 || t == DType::i32 ? 4 : 1;
}

// Inline members are always inlined: a copy left in an ISA's object would be a weak symbol,
// compiled with its flags.

// A dense, contiguous, row-major block of `count` elements.
struct Buffer {
  void* data;
  int64_t count;
  DType dtype;

  [[gnu::always_inline]] float* f32() const { return static_cast<float*>(data); }
  [[gnu::always_inline]] int32_t* i32() const { return static_cast<int32_t*>(data); }
  [[gnu::always_inline]] uint8_t* u8() const { return static_cast<uint8_t*>(data); }
};

// One instruction of a program: a kernel's arguments. Integers in `params` are exact doubles.
struct Call {
  const Buffer* in;
  int nIn;
  const Buffer* out;
  int nOut;
  const double* params;
  int nParams;

  [[gnu::always_inline]] int64_t integer(int i) const { return static_cast<int64_t>(params[i]); }
};

// Splits work into chunks that any idle thread may claim; returns when all are done. A chunk's
// result must not depend on which thread runs it, nor on how many threads there are: chunk sizes
// depend on the shape alone.
class Parallel {
 public:
  virtual ~Parallel() = default;
  virtual int threads() const = 0;
  // Calls body(state, chunk, worker) for every chunk in [0, chunks), worker in [0, threads()).
  virtual void run(int64_t chunks, void (*body)(void* state, int64_t chunk, int worker),
                   void* state) = 0;
};

// What a running kernel may use besides its buffers.
struct Context {
  Parallel& pool;
  void* scratch;  // 64-byte aligned, at least what the kernel's scratchBytes asked for
  char error[256] =
      "";  // a kernel that finds bad data (a label out of range) writes the reason here and returns

  [[gnu::always_inline]] bool failed() const { return error[0] != 0; }
};

struct Kernel {
  const char* name;
  // Null if the call is safe to run for any contents of its buffers, otherwise why not. Called
  // once, when a program is created, with buffers whose data is null.
  const char* (*check)(const Call& call);
  // Bytes of scratch that run needs on `threads` threads; null means none.
  int64_t (*scratchBytes)(const Call& call, int threads);
  // An opaque plan made once per program (decoded parameters), passed to run; null means none.
  // Freed with freePlan.
  void* (*plan)(const Call& call);
  void (*freePlan)(void* plan);
  void (*run)(const Call& call, const void* plan, Context& context);
};

// The one symbol that an ISA's object exports.
struct KernelTable {
  const char* isa;
  const Kernel* kernels;  // in the order of the KERNEL rows of ops.def
};

}  // namespace evengrad
