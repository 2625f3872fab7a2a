// concat: buffers joined along an axis.
//
// params  outer, inner, n₁…n_k
// in      k buffers (outer, nᵢ, inner) of one type; out (outer, Σn, inner)
#pragma once

namespace evengrad::ISA {
namespace {

inline const char* concatCheck(const Call& call) {
  if (call.nIn < 0 || call.nOut != 1 || call.nParams != 2 + call.nIn) return wrongArguments;
  if (!sizes(call, 0, call.nParams)) return wrongParameters;
  int64_t outer = call.integer(0), inner = call.integer(1), total = 0;
  for (int i = 0; i < call.nIn; i++) {
    int64_t n = call.integer(2 + i), count = product(outer, n, inner);
    if (count < 0 || __builtin_add_overflow(total, n, &total)) return wrongParameters;
    if (call.in[i].count != count) return wrongCounts;
    if (call.in[i].dtype != call.out[0].dtype) return wrongTypes;
  }
  if (product(outer, total, inner) < 0 || product(total, inner) < 0) return wrongParameters;
  return call.out[0].count == outer * total * inner ? nullptr : wrongCounts;
}

inline void concatRun(const Call& call, const void*, Context& context) {
  if (call.out[0].count == 0) return;
  int64_t outer = call.integer(0), bytes = call.integer(1) * bytesOf(call.out[0].dtype);
  int64_t rowBytes = call.out[0].count / outer * bytesOf(call.out[0].dtype), at = 0;
  for (int i = 0; i < call.nIn; i++) {
    int64_t part = call.integer(2 + i) * bytes;
    if (part == 0) continue;
    const char* from = (const char*)call.in[i].data;
    char* to = (char*)call.out[0].data + at;
    int64_t piece = smaller(part, 65536), pieces = ceilDiv(part, piece);
    parallelRange(
        context, outer * pieces, larger(1, 65536 / piece), [=](int64_t begin, int64_t end, int) {
          for (int64_t item = begin; item < end; item++) {
            int64_t o = item / pieces, x = item % pieces * piece;
            __builtin_memcpy(to + o * rowBytes + x, from + o * part + x, smaller(piece, part - x));
          }
        });
    at += part;
  }
}

constexpr Kernel kernel_concat = {"concat", concatCheck, nullptr, nullptr, nullptr, concatRun};

}  // namespace
}  // namespace evengrad::ISA
