// What `map` reads and writes that is not whole blocks of lanes in memory: bytes, broadcast rows
// and short blocks.
#pragma once

#include "mapPlan.h"

namespace evengrad::ISA {
namespace {

// n elements from `index` on, `stride` apart, to lanes.
inline void loadRun(float* to, DType dtype, const void* from, int64_t index, int64_t stride,
                    int64_t n) {
  auto whole = [&](auto vector, auto one) {
    int64_t i = 0;
    if (stride == 1)
      for (; i + W <= n; i += W) store(to + i, vector(i));
    for (; i < n; i++) to[i] = one(i * stride);
  };
  const uint8_t* bytes = (const uint8_t*)from + index;
  const float* lanes = (const float*)from + index;
  if (dtype == DType::u8)
    return whole([&](int64_t i) { return loadBytes(bytes + i); },
                 [&](int64_t i) { return (float)bytes[i]; });
  if (dtype == DType::boolean)
    return whole([&](int64_t i) { return maskToFloat(loadBytes(bytes + i) != splat(0.0f)); },
                 [&](int64_t i) { return (float)(bytes[i] != 0); });
  int64_t i = 0;
  if (stride == 1) {
    for (; i + W <= n; i += W) store(to + i, load(lanes + i));
    if (i < n) storePartial(to + i, (int)(n - i), loadPartial(lanes + i, (int)(n - i)));
  } else if (stride == 0) {
    vf x = splat(*lanes);
    for (; i + W <= n; i += W) store(to + i, x);
    if (i < n) storePartial(to + i, (int)(n - i), x);
  } else {
    for (; i < n; i++) to[i] = lanes[i * stride];
  }
}

// n lanes to bytes.
inline void storeRun(uint8_t* to, DType dtype, const float* from, int64_t n) {
  int64_t i = 0;
  if (dtype == DType::u8) {
    for (; i + W <= n; i += W) {
      vf x = load(from + i);
      x = x > splat(0.0f) ? x : splat(0.0f);
      storeBytes(to + i, x < splat(255.0f) ? x : splat(255.0f));
    }
    for (; i < n; i++) to[i] = from[i] > 0 ? (uint8_t)(int)(from[i] < 255 ? from[i] : 255.0f) : 0;
  } else {
    for (; i + W <= n; i += W) storeBytes(to + i, maskToFloat(load(from + i) != splat(0.0f)));
    for (; i < n; i++) to[i] = from[i] != 0;
  }
}

// Walks a broadcast input in the order of the output. It lies in the scratch, `coordinate` behind
// it.
struct MapCursor {
  int64_t index;   // of the element that comes next
  int64_t filled;  // the element that fills a block of the copy, −1 if not one alone does
  int64_t coordinate[1];

  static int64_t bytes(int ndim) { return alignUp((2 + ndim) * 8); }

  void seek(const MapPlan& plan, const MapInput& input, int64_t start) {
    index = 0;
    filled = -1;
    for (int d = plan.ndim - 1; d >= 0; d--) {
      coordinate[d] = start % plan.dims[d];
      start /= plan.dims[d];
      index += coordinate[d] * input.strides[d];
    }
  }

  void advance(const MapPlan& plan, const MapInput& input, int64_t n) {
    int d = plan.ndim - 1;
    index += n * input.strides[d];
    coordinate[d] += n;
    for (; coordinate[d] == plan.dims[d] && d > 0; d--) {
      index += input.strides[d - 1] - coordinate[d] * input.strides[d];
      coordinate[d] = 0;
      coordinate[d - 1]++;
    }
  }

  // The next n elements, `left` being left of the row: a pointer to where they lie, or to `copy`.
  // `step` becomes the bytes to the next block, 0 if all are one value.
  const char* next(const MapPlan& plan, const MapInput& input, const Buffer& buffer, float* copy,
                   int64_t n, int64_t left, int64_t* step) {
    int64_t stride = input.strides[plan.ndim - 1];
    bool lanes = bytesOf(buffer.dtype) == 4;
    *step = blockBytes;
    if (left >= n && n >= blockLanes) {
      int64_t first = index;
      advance(plan, input, n);
      if (stride == 1 && lanes) return (const char*)(buffer.f32() + first);
      if (stride == 0) *step = 0, n = blockLanes;
      if (stride != 0 || first != filled)
        loadRun(copy, buffer.dtype, buffer.data, first, stride, n);
      filled = stride == 0 ? first : -1;
      return (const char*)copy;
    }
    filled = -1;
    for (int64_t done = 0; done < n;) {
      int64_t run = smaller(n - done, left);
      if (stride == 0 && lanes)
        for (int64_t i = 0; i < run; i += W) store(copy + done + i, splat(buffer.f32()[index]));
      else
        loadRun(copy + done, buffer.dtype, buffer.data, index, stride, run);
      advance(plan, input, run);
      done += run;
      left = plan.dims[plan.ndim - 1];
    }
    return (const char*)copy;
  }
};

// Bytes of scratch for some blocks: the last vector may overhang.
constexpr int64_t wideSpace = wideBlocks * blockBytes + VEC_BYTES;

// A short row repeated so that a block can be read from any place of it. The last vector may end
// behind what is needed.
inline void loadPattern(float* to, const MapPlan& plan, const MapInput& input,
                        const Buffer& buffer) {
  int64_t period = plan.dims[plan.ndim - 1], n = input.lanes - W;
  loadRun(to, buffer.dtype, buffer.data, 0, 1, period);
  // Whole vectors need a distance of whole rows that is not shorter than a vector.
  int64_t distance = period * ceilDiv(W, period), i = period;
  for (; i < smaller(distance, n); i++) to[i] = to[i - period];
  for (; i < n; i += W) store(to + i, load(to + i - distance));
}

}  // namespace
}  // namespace evengrad::ISA
