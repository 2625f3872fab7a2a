// map: a fused chain of elementwise operations, interpreted tile by tile so that intermediates
// never leave the L1 cache.
//
// params  ndim, dims…, for every input ndim strides in elements (0 broadcasts), nImm, immediates…,
//         nMicro, nMicro rows of (op, a, b, c), nOut value ids
// Values  0…nIn−1 the inputs, then the immediates, then each micro-op's result. `op` is the index
// of its MAP row. Lanes   F (float) from f32, u8 and bool, I from i32; stored as f32, u8
// (saturated), bool (≠ 0) and i32. An output may be the same memory as an input that is not
// broadcast.
#pragma once

#include "mapPlan.h"

namespace evengrad::ISA {
namespace {

// Where a value's tile is; `mask` is −1, or 0 for a value that is the same in every lane (one
// vector of it is stored).
struct Operand {
  const char* data;
  int64_t mask;

  template <class V, class E>
  VEC_INLINE V at(int64_t byte) const {
    return load((const E*)(data + (byte & mask)));
  }
};

template <class V>
struct ElementOf;
template <>
struct ElementOf<vf> {
  using type = float;
};
template <>
struct ElementOf<vi> {
  using type = int32_t;
};
template <class V>
using Element = typename ElementOf<V>::type;

using MapLoop = void (*)(char* out, Operand a, Operand b, Operand c, int64_t bytes);

// One micro-op over a tile of whole vectors. `out` may be an operand's own memory.
template <class Op, class Signature = decltype(&Op::apply)>
struct LoopOf;
template <class Op, class R, class A>
struct LoopOf<Op, R (*)(A)> {
  static void run(char* out, Operand a, Operand, Operand, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += VEC_BYTES)
      store((Element<R>*)(out + i), Op::apply(a.at<A, Element<A>>(i)));
  }
};
template <class Op, class R, class A, class B>
struct LoopOf<Op, R (*)(A, B)> {
  static void run(char* out, Operand a, Operand b, Operand, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += VEC_BYTES)
      store((Element<R>*)(out + i), Op::apply(a.at<A, Element<A>>(i), b.at<B, Element<B>>(i)));
  }
};
template <class Op, class R, class A, class B, class C>
struct LoopOf<Op, R (*)(A, B, C)> {
  static void run(char* out, Operand a, Operand b, Operand c, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += VEC_BYTES)
      store((Element<R>*)(out + i),
            Op::apply(a.at<A, Element<A>>(i), b.at<B, Element<B>>(i), c.at<C, Element<C>>(i)));
  }
};

constexpr MapLoop mapLoops[] = {
#define MAP(name, signature) LoopOf<map_##name>::run,
#include "../ops.def"
};

// `n` elements of a buffer to lanes: stride 0 fills, 1 copies.
inline void loadRun(float* to, DType dtype, const void* from, int64_t index, int64_t stride,
                    int64_t n) {
  if (dtype == DType::u8) {
    const uint8_t* p = (const uint8_t*)from + index;
    for (int64_t i = 0; i < n; i++) to[i] = p[i * stride];
  } else if (dtype == DType::boolean) {
    const uint8_t* p = (const uint8_t*)from + index;
    for (int64_t i = 0; i < n; i++) to[i] = p[i * stride] != 0;
  } else {
    const float* p = (const float*)from + index;
    if (stride == 1) {
      __builtin_memcpy(to, p, n * 4);
    } else if (stride == 0) {
      vf x = splat(*p);
      int64_t i = 0;
      for (; i + W <= n; i += W) store(to + i, x);
      for (; i < n; i++) to[i] = *p;
    } else {
      for (int64_t i = 0; i < n; i++) to[i] = p[i * stride];
    }
  }
}

inline void storeRun(void* to, DType dtype, int64_t index, const float* from, int64_t n) {
  uint8_t* p = (uint8_t*)to + index;
  if (dtype == DType::u8) {
    for (int64_t i = 0; i < n; i++)
      p[i] = from[i] > 0 ? (uint8_t)(int)(from[i] < 255 ? from[i] : 255.0f) : 0;
  } else if (dtype == DType::boolean) {
    for (int64_t i = 0; i < n; i++) p[i] = from[i] != 0;
  } else {
    __builtin_memmove((float*)to + index, from, n * 4);
  }
}

// [start, start + n) of the iteration space, in row-major order, for an input that broadcasts.
inline void loadStrided(float* to, const MapPlan& plan, const MapInput& input, const Buffer& buffer,
                        int64_t start, int64_t n) {
  int64_t coordinate[maxDims], index = 0, rest = start;
  int inner = plan.ndim - 1;
  for (int d = inner; d >= 0; d--) {
    coordinate[d] = rest % plan.dims[d];
    rest /= plan.dims[d];
    index += coordinate[d] * input.strides[d];
  }
  int64_t size = plan.dims[inner], stride = input.strides[inner];
  for (;;) {
    int64_t run = smaller(n, size - coordinate[inner]);
    loadRun(to, buffer.dtype, buffer.data, index, stride, run);
    to += run;
    n -= run;
    if (n == 0) return;
    index -= coordinate[inner] * stride;
    coordinate[inner] = 0;
    int d = inner - 1;
    for (; ++coordinate[d] == plan.dims[d]; d--) {
      index -= (coordinate[d] - 1) * input.strides[d];
      coordinate[d] = 0;
    }
    index += input.strides[d];
  }
}

// One thread's view of a run.
struct MapWorker {
  const MapPlan& plan;
  const Call& call;
  const bool* direct;  // for each output: its micro-op may write to the buffer
  Operand* values;
  char* registers;
  float* spill;  // for each input, a vector

  char* tile(int reg) { return registers + (int64_t)reg * plan.tile * 4; }

  void begin(const char* shared) {
    for (int v = 0; v < plan.nValues; v++) {
      const MapValue& value = plan.values[v];
      if (value.slot >= 0)
        values[v] = {shared + (int64_t)value.slot * VEC_BYTES, 0};
      else if (value.reg >= 0)
        values[v] = {tile(value.reg), -1};
    }
  }

  void loadInputs(const char* shared, int64_t start, int64_t n) {
    for (int i = 0; i < call.nIn; i++) {
      const MapInput& input = plan.inputs[i];
      const Buffer& buffer = call.in[i];
      int reg = plan.values[i].reg;
      switch (input.kind) {
        case InputKind::scalar: break;
        case InputKind::direct: {
          const char* p = (const char*)buffer.data + start * bytesOf(buffer.dtype);
          if (reg >= 0) {
            loadRun((float*)tile(reg), buffer.dtype, p, 0, 1, n);
          } else if (n < W) {
            __builtin_memcpy(spill + i * W, p, n * 4);
            values[i] = {(const char*)(spill + i * W), -1};
          } else {
            values[i] = {p, -1};
          }
          break;
        }
        case InputKind::periodic:
          values[i] = {shared + input.pattern + start % plan.dims[plan.ndim - 1] * 4, -1};
          break;
        case InputKind::strided: {
          int64_t inner = plan.dims[plan.ndim - 1];
          // A row that covers the tile is read in place.
          if (input.rows && n >= W && start % inner + n <= inner) {
            int64_t index = start % inner, rest = start / inner;
            for (int d = plan.ndim - 2; d >= 0; d--) {
              index += rest % plan.dims[d] * input.strides[d];
              rest /= plan.dims[d];
            }
            values[i] = {(const char*)buffer.data + index * 4, -1};
          } else {
            loadStrided((float*)tile(reg), plan, input, buffer, start, n);
            values[i] = {tile(reg), -1};
          }
          break;
        }
      }
    }
  }

  // n is a multiple of W, or less than W.
  void run(const char* shared, int64_t start, int64_t n) {
    loadInputs(shared, start, n);
    for (int j = 0; j < call.nOut; j++) {
      if (!direct[j]) continue;
      int v = plan.outputs[j];
      values[v].data = n < W ? tile(plan.values[v].reg) : (char*)(call.out[j].f32() + start);
    }
    int64_t bytes = roundUp(n, W) * 4;
    for (int i = 0; i < plan.nMicro; i++) {
      const MicroOp& op = plan.ops[i];
      mapLoops[op.op]((char*)values[op.result].data, values[op.a], values[op.b], values[op.c],
                      bytes);
    }
    for (int j = 0; j < call.nOut; j++) {
      const Operand& value = values[plan.outputs[j]];
      const Buffer& out = call.out[j];
      if (value.mask == 0) {
        storeScalar(out, value, start, n);
      } else if (value.data != (char*)(out.f32() + start)) {
        storeRun(out.data, out.dtype, start, (const float*)value.data, n);
      }
    }
  }

  void storeScalar(const Buffer& out, const Operand& value, int64_t start, int64_t n) {
    for (int64_t i = 0; i < n; i += W)
      storeRun(out.data, out.dtype, start + i, (const float*)value.data, smaller(n - i, W));
  }
};

// Vectors of the scalars and the patterns of short rows, ready for every worker.
inline void mapShared(const Call& call, const MapPlan& plan, char* shared) {
  for (int v = 0; v < plan.nValues; v++) {
    const MapValue& value = plan.values[v];
    if (value.slot < 0) continue;
    float* to = (float*)(shared + (int64_t)value.slot * VEC_BYTES);
    if (v < call.nIn) {
      for (int i = 0; i < W; i++) loadRun(to + i, call.in[v].dtype, call.in[v].data, 0, 0, 1);
    } else if (value.integer) {
      store((int32_t*)to, splat(fitsInt32(value.immediate) ? (int32_t)value.immediate : 0));
    } else {
      store(to, splat((float)value.immediate));
    }
  }
  for (int i = 0; i < call.nIn; i++) {
    const MapInput& input = plan.inputs[i];
    if (input.kind == InputKind::periodic)
      loadStrided((float*)(shared + input.pattern), plan, input, call.in[i], 0,
                  smaller(plan.total, plan.dims[plan.ndim - 1] + plan.tile));
  }
}

inline int64_t mapScratch(const Call& call, int threads) {
  MapPlan* plan = (MapPlan*)mapPlan(call);
  if (!plan) return 0;
  int64_t bytes = plan->sharedBytes + plan->workerBytes * threads;
  mapFree(plan);
  return bytes;
}

inline void mapRun(const Call& call, const void* opaque, Context& context) {
  const MapPlan* plan = (const MapPlan*)opaque;
  if (!plan) {
    __builtin_strcpy(context.error, "out of memory");
    return;
  }
  if (plan->total == 0) return;
  char* shared = (char*)context.scratch;
  mapShared(call, *plan, shared);
  // An output is written in place by its micro-op unless that would overwrite an input which is
  // still to be read.
  bool* direct = (bool*)(shared + plan->directOffset);
  for (int j = 0; j < call.nOut; j++) {
    const MapValue& value = plan->values[plan->outputs[j]];
    DType dtype = call.out[j].dtype;
    direct[j] = value.definedBy >= 0 && (dtype == DType::f32 || dtype == DType::i32);
    for (int k = 0; k < j; k++)
      if (plan->outputs[k] == plan->outputs[j]) direct[j] = false;
    for (int i = 0; i < call.nIn; i++)
      if (call.in[i].data == call.out[j].data && plan->values[i].reg < 0 &&
          plan->values[i].lastUse > value.definedBy)
        direct[j] = false;
  }
  parallelRange(context, plan->total, plan->chunk, [&](int64_t begin, int64_t end, int worker) {
    char* own = shared + plan->sharedBytes + worker * plan->workerBytes;
    MapWorker w{*plan,  call,
                direct, (Operand*)(own + plan->valuesOffset),
                own,    (float*)(own + plan->spillOffset)};
    w.begin(shared);
    while (begin < end) {
      int64_t n = smaller(plan->tile, end - begin);
      if (n > W) n -= n % W;
      w.run(shared, begin, n);
      begin += n;
    }
  });
}

constexpr Kernel kernel_map = {"map", mapCheck, mapScratch, mapPlan, mapFree, mapRun};

}  // namespace
}  // namespace evengrad::ISA
