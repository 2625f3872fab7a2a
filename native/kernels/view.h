// A strided view of a buffer: bounds, neighbouring dimensions merged, and its rows walked in
// parallel.
#pragma once

namespace evengrad::ISA {
namespace {

constexpr int maxViewDims = 32;

struct View {
  int ndim = 0;
  int64_t dims[maxViewDims], strides[maxViewDims], count = 1;

  // From params: ndim, dims…, strides…; false if they are not sizes and integers or overflow.
  bool read(const Call& call) {
    if (!sizes(call, 0, 1) || call.params[0] > maxViewDims) return false;
    int n = (int)call.params[0];
    if (!sizes(call, 1, 1 + n) || !integers(call, 1 + n, 1 + 2 * n)) return false;
    for (int d = 0; d < n; d++) {
      dims[d] = call.integer(1 + d);
      strides[d] = call.integer(1 + n + d);
    }
    ndim = n;
    count = product(dims, n);
    return count >= 0;
  }

  bool within(int64_t offset, int64_t size) const {
    if (count == 0) return true;
    Span span;
    for (int d = 0; d < ndim; d++)
      if (!span.add(dims[d], strides[d])) return false;
    return span.within(offset, size);
  }

  // Leaves at least one dimension.
  void collapse() {
    int n = 0;
    for (int d = 0; d < ndim; d++) {
      if (dims[d] == 1) continue;
      if (n > 0 && strides[n - 1] == strides[d] * dims[d]) {
        dims[n - 1] *= dims[d];
        strides[n - 1] = strides[d];
      } else {
        dims[n] = dims[d];
        strides[n++] = strides[d];
      }
    }
    if (n == 0) {
      dims[n] = 1;
      strides[n++] = 1;
    }
    ndim = n;
  }

  int64_t inner() const { return dims[ndim - 1]; }
  int64_t innerStride() const { return strides[ndim - 1]; }

  // Where row `row` (all but the last dimension, in row-major order) begins in the strided buffer.
  int64_t rowStart(int64_t row) const {
    int64_t at = 0;
    for (int d = ndim - 2; d >= 0; d--) {
      at += row % dims[d] * strides[d];
      row /= dims[d];
    }
    return at;
  }
};

}  // namespace
}  // namespace evengrad::ISA
