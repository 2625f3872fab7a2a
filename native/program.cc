// Decoding and verifying programs: whatever the numbers are, the result is safe to run or an error.
#include "program.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "memory.h"

namespace evengrad {

const char* const kKernelNames[] = {
#define KERNEL(name) #name,
#include "ops.def"
};
const int kKernelCount = static_cast<int>(sizeof kKernelNames / sizeof *kKernelNames);

namespace {

constexpr int64_t kMaxCount = int64_t{1} << 40;
constexpr int64_t kMaxExact = int64_t{1} << 53;
constexpr size_t kMaxNumbers = size_t{1} << 26;

#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(printf, 1, 2)))
#endif
std::string
format(const char* pattern, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

// False for what is no integer from 0 to max, NaN included.
bool integer(double value, int64_t max, int64_t* result) {
  if (!(value >= 0 && value <= static_cast<double>(max)) || value != std::floor(value)) {
    return false;
  }
  *result = static_cast<int64_t>(value);
  return true;
}

double gigabytes(double bytes) { return bytes / 1e9; }

}  // namespace

class Program::Decoder {
 public:
  Decoder(const Encoded& encoded, const KernelTable& table, Program& program)
      : encoded_(encoded), table_(table), program_(program) {}

  bool decode() { return arena() && slots() && buffers() && code() && link(); }
  const std::string& error() const { return error_; }

 private:
  struct Row {  // of `buffers`
    Place place;
    DType dtype;
    int64_t count;

    int64_t bytes() const { return count * bytesOf(dtype); }
    bool overlaps(const Row& other) const {
      if (place.inSlot || other.place.inSlot) return place == other.place;
      return place.at < other.place.at + other.bytes() && other.place.at < place.at + bytes();
    }
    bool same(const Row& other) const {
      return place == other.place && dtype == other.dtype && count == other.count;
    }
  };

  bool fail(std::string reason) {
    error_ = "internal: program: " + std::move(reason);
    return false;
  }

  bool failAt(size_t index, int64_t kernel, const std::string& reason) {
    return fail(format("instruction %zu (%s): ", index, kKernelNames[kernel]) + reason);
  }

  bool arena() {
    const double bytes = encoded_.arenaBytes;
    if (bytes > static_cast<double>(physicalBytes())) {
      error_ = format(
          "out of memory: this graph needs %.1f GB for intermediates and this machine has %.1f GB",
          gigabytes(bytes), gigabytes(static_cast<double>(physicalBytes())));
      return false;
    }
    if (!integer(bytes, kMaxExact, &program_.arenaBytes_)) {
      return fail(format("arenaBytes must be an integer, got %g", bytes));
    }
    return true;
  }

  bool dtype(double value, DType* result) {
    int64_t index;
    if (!integer(value, 3, &index)) return false;
    *result = static_cast<DType>(index);
    return true;
  }

  bool slots() {
    const std::vector<double>& rows = encoded_.slots;
    if (rows.size() % 3 || rows.size() > kMaxNumbers) {
      return fail(format("slots must be rows of 3, got %zu numbers", rows.size()));
    }
    for (size_t i = 0; i < rows.size(); i += 3) {
      Slot slot;
      int64_t access;
      if (!dtype(rows[i], &slot.dtype)) {
        return fail(format("slot %zu: no dtype is %g", i / 3, rows[i]));
      }
      if (!integer(rows[i + 1], kMaxCount, &slot.count)) {
        return fail(format("slot %zu: a count must be an integer, got %g", i / 3, rows[i + 1]));
      }
      if (!integer(rows[i + 2], 2, &access)) {
        return fail(format("slot %zu: writable must be 0, 1 or 2, got %g", i / 3, rows[i + 2]));
      }
      slot.access = static_cast<Access>(access);
      program_.slots_.push_back(slot);
    }
    return true;
  }

  bool buffers() {
    const std::vector<double>& rows = encoded_.buffers;
    if (rows.size() % 4 || rows.size() > kMaxNumbers) {
      return fail(format("buffers must be rows of 4, got %zu numbers", rows.size()));
    }
    for (size_t i = 0; i < rows.size(); i += 4) {
      const size_t index = i / 4;
      Row row;
      int64_t kind;
      if (!integer(rows[i], 1, &kind)) {
        return fail(format("buffer %zu: kind must be 0 or 1, got %g", index, rows[i]));
      }
      if (!dtype(rows[i + 2], &row.dtype)) {
        return fail(format("buffer %zu: no dtype is %g", index, rows[i + 2]));
      }
      if (!integer(rows[i + 3], kMaxCount, &row.count)) {
        return fail(format("buffer %zu: a count must be an integer, got %g", index, rows[i + 3]));
      }
      row.place.inSlot = kind == 1;
      if (row.place.inSlot) {
        const int64_t last = static_cast<int64_t>(program_.slots_.size()) - 1;
        if (!integer(rows[i + 1], last, &row.place.at)) {
          return fail(format("buffer %zu: no slot is %g", index, rows[i + 1]));
        }
        const Slot& slot = program_.slots_[row.place.at];
        if (slot.dtype != row.dtype || slot.count != row.count) {
          return fail(
              format("buffer %zu: dtype or count differs from slot %g", index, rows[i + 1]));
        }
      } else {
        if (!integer(rows[i + 1], program_.arenaBytes_, &row.place.at) || row.place.at % 64) {
          return fail(format("buffer %zu: an offset must be a multiple of 64 in the arena, got %g",
                             index, rows[i + 1]));
        }
        if (row.bytes() > program_.arenaBytes_ - row.place.at) {
          return fail(format("buffer %zu: ends behind the arena's %lld bytes", index,
                             static_cast<long long>(program_.arenaBytes_)));
        }
      }
      rows_.push_back(row);
    }
    return true;
  }

  bool next(int64_t max, int64_t* result) {
    return at_ < encoded_.code.size() && integer(encoded_.code[at_++], max, result);
  }

  // A length and as many buffer ids.
  bool operands(int64_t* count) {
    if (!next(static_cast<int64_t>(encoded_.code.size() - at_), count)) return false;
    for (int64_t i = 0; i < *count; ++i) {
      int64_t id;
      if (!next(static_cast<int64_t>(rows_.size()) - 1, &id)) return false;
      ids_.push_back(id);
      program_.operands_.push_back({nullptr, rows_[id].count, rows_[id].dtype});
      program_.places_.push_back(rows_[id].place);
    }
    return true;
  }

  bool code() {
    const std::vector<double>& code = encoded_.code;
    if (code.size() > kMaxNumbers) return fail("too long");
    program_.firstVariableWrite_ = SIZE_MAX;
    while (at_ < code.size()) {
      const size_t index = program_.instructions_.size();
      int64_t kernel, nIn, nOut, nParams;
      if (!next(kKernelCount - 1, &kernel)) {
        return fail(format("instruction %zu: no kernel is %g", index, code[at_ - 1]));
      }
      ids_.clear();
      if (!operands(&nIn)) return failAt(index, kernel, "bad list of inputs");
      if (!operands(&nOut)) return failAt(index, kernel, "bad list of outputs");
      if (!next(static_cast<int64_t>(code.size() - at_), &nParams) ||
          static_cast<size_t>(nParams) > code.size() - at_) {
        return failAt(index, kernel, "bad list of params");
      }
      // Any number may be right here, as for map's immediates: each kernel's check decides.
      const auto params = code.begin() + static_cast<ptrdiff_t>(at_);
      program_.params_.insert(program_.params_.end(), params, params + nParams);
      at_ += static_cast<size_t>(nParams);
      if (!outputs(index, kernel, nIn, nOut)) return false;
      Call call{};
      call.nIn = static_cast<int>(nIn);
      call.nOut = static_cast<int>(nOut);
      call.nParams = static_cast<int>(nParams);
      program_.instructions_.push_back({&table_.kernels[kernel], call, nullptr});
      kernels_.push_back(kernel);
    }
    program_.firstVariableWrite_ =
        std::min(program_.firstVariableWrite_, program_.instructions_.size());
    return true;
  }

  // An output may be an input (in place), but may not overlap one or another output in part: a
  // kernel checks indices before it writes, and must not write over what it has checked.
  bool outputs(size_t index, int64_t kernel, int64_t nIn, int64_t nOut) {
    for (int64_t i = nIn; i < nIn + nOut; ++i) {
      const Row& out = rows_[ids_[i]];
      const long long number = i - nIn;
      if (out.place.inSlot) {
        const Access access = program_.slots_[out.place.at].access;
        if (access == Access::read) {
          return failAt(index, kernel,
                        format("out %lld is slot %lld, which is read only", number,
                               static_cast<long long>(out.place.at)));
        }
        if (access == Access::variable) {
          program_.firstVariableWrite_ = std::min(program_.firstVariableWrite_, index);
        }
      }
      for (int64_t j = 0; j < i; ++j) {
        const Row& other = rows_[ids_[j]];
        if (!out.overlaps(other) || (j < nIn && out.same(other))) continue;
        return failAt(index, kernel,
                      format("out %lld overlaps %s %lld", number, j < nIn ? "in" : "out",
                             static_cast<long long>(j < nIn ? j : j - nIn)));
      }
    }
    return true;
  }

  // The vectors have stopped growing: calls may point into them and kernels see them.
  bool link() {
    const Buffer* operand = program_.operands_.data();
    const double* param = program_.params_.data();
    for (size_t i = 0; i < program_.instructions_.size(); ++i) {
      Instruction& instruction = program_.instructions_[i];
      Call& call = instruction.call;
      call.in = operand;
      call.out = operand + call.nIn;
      operand += call.nIn + call.nOut;
      call.params = param;
      param += call.nParams;
      if (const char* reason = instruction.kernel->check(call)) {
        return failAt(i, kernels_[i], reason);
      }
      if (instruction.kernel->plan) instruction.plan = instruction.kernel->plan(call);
    }
    return true;
  }

  const Encoded& encoded_;
  const KernelTable& table_;
  Program& program_;
  std::vector<Row> rows_;
  std::vector<int64_t> ids_;      // of the instruction being decoded
  std::vector<int64_t> kernels_;  // of all instructions
  size_t at_ = 0;                 // in code
  std::string error_;
};

std::unique_ptr<Program> Program::create(const Encoded& encoded, const KernelTable& table,
                                         std::string* error) {
  std::unique_ptr<Program> program(new Program);
  Decoder decoder(encoded, table, *program);
  if (decoder.decode()) return program;
  *error = decoder.error();
  return nullptr;
}

Program::~Program() {
  for (Instruction& instruction : instructions_) {
    if (instruction.plan && instruction.kernel->freePlan) {
      instruction.kernel->freePlan(instruction.plan);
    }
  }
}

int64_t Program::bytes() const {
  return static_cast<int64_t>(
      sizeof *this + slots_.size() * sizeof(Slot) + instructions_.size() * sizeof(Instruction) +
      operands_.size() * (sizeof(Buffer) + sizeof(Place)) + params_.size() * sizeof(double));
}

int64_t Program::scratchBytes(int threads) {
  if (threads != scratchThreads_) {
    scratchBytes_ = 0;
    for (const Instruction& instruction : instructions_) {
      if (!instruction.kernel->scratchBytes) continue;
      scratchBytes_ =
          std::max(scratchBytes_, instruction.kernel->scratchBytes(instruction.call, threads));
    }
    scratchThreads_ = threads;
  }
  return scratchBytes_;
}

void Program::place(char* arena, void* const* slotData, const int64_t* strides) {
  moving_.clear();
  for (size_t i = 0; i < operands_.size(); ++i) {
    const Place& place = places_[i];
    operands_[i].data = place.inSlot ? slotData[place.at] : arena + place.at;
    if (place.inSlot && strides[place.at] != 0) {
      moving_.push_back({i, strides[place.at] * bytesOf(operands_[i].dtype)});
    }
  }
}

}  // namespace evengrad
