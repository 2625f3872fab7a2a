// A program: kernel calls over one arena and slots, decoded from numbers and verified once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernel.h"

namespace evengrad {

// What a program may do with a slot, an array that lives outside of the arena.
enum class Access : uint8_t {
  read = 0,
  variable = 1,  // state that outlives the run: a step is undone by abort only before it writes one
  output = 2,
};

struct Slot {
  DType dtype;
  int64_t count;  // elements that one step sees
  Access access;
};

// A program as TypeScript encodes it, everything still to be doubted.
struct Encoded {
  std::vector<double> slots;  // rows of 3: dtype, count, access
  std::vector<double>
      buffers;               // rows of 4: 0 = arena or 1 = slot, byte offset or slot, dtype, count
  std::vector<double> code;  // kernel, nIn, in buffers…, nOut, out buffers…, nParams, params…
  double arenaBytes = 0;
};

struct Instruction {
  const Kernel* kernel;
  Call call;
  void* plan;
};

class Program {
 public:
  // Null with a message if anything is wrong with the program. `kernels` are as many as ops.def
  // has.
  static std::unique_ptr<Program> create(const Encoded& encoded, const KernelTable& table,
                                         std::string* error);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  const std::vector<Slot>& slots() const { return slots_; }
  const std::vector<Instruction>& instructions() const { return instructions_; }
  int64_t arenaBytes() const { return arenaBytes_; }
  // The first instruction that writes a variable; the number of instructions if none does.
  size_t firstVariableWrite() const { return firstVariableWrite_; }
  // Bytes that the decoded program itself takes, roughly.
  int64_t bytes() const;

  // Before the first run: runs are to count the nanoseconds that each instruction takes.
  void startProfile() { profile_.reset(new std::atomic<int64_t>[instructions_.size()]()); }
  // What they took so far, or null.
  std::atomic<int64_t>* profile() const { return profile_.get(); }

  // The rest is for the one thread that runs the program at a time.

  // Scratch that the neediest instruction wants on that many threads.
  int64_t scratchBytes(int threads);
  // Points every buffer into the arena and at the slots' data; `strides` are elements per step.
  void place(char* arena, void* const* slotData, const int64_t* strides);
  // Moves the buffers of slots with a stride one step on.
  void advance() {
    for (const Moving& moving : moving_) {
      operands_[moving.operand].data =
          static_cast<char*>(operands_[moving.operand].data) + moving.bytes;
    }
  }

 private:
  // Where the data of one instruction's buffer is: at a byte of the arena, or in a slot.
  struct Place {
    bool inSlot;
    int64_t at;

    bool operator==(const Place& other) const { return inSlot == other.inSlot && at == other.at; }
  };
  struct Moving {
    size_t operand;
    int64_t bytes;  // per step
  };
  class Decoder;

  Program() = default;

  std::vector<Slot> slots_;
  std::vector<Instruction> instructions_;
  std::vector<Buffer> operands_;  // of all instructions, in and out
  std::vector<Place> places_;     // of operands_
  std::vector<Moving> moving_;    // of operands_, in the present run
  std::vector<double> params_;
  std::unique_ptr<std::atomic<int64_t>[]> profile_;
  int64_t arenaBytes_ = 0;
  size_t firstVariableWrite_ = 0;
  int64_t scratchBytes_ = 0;
  int scratchThreads_ = 0;
};

// As many as ops.def has KERNEL rows, in their order.
extern const char* const kKernelNames[];
extern const int kKernelCount;

}  // namespace evengrad
