// map: a fused chain of elementwise operations, interpreted block by block so that intermediates
// never leave registers and the L1 cache.
//
// params  ndim, dims…, for every input ndim strides in elements (0 broadcasts), nImm, immediates…,
//         nMicro, nMicro rows of (op, a, b, c), nOut value ids
// Values  0…nIn−1 the inputs, then the immediates, then each micro-op's result. `op` is the index
// of its MAP row. Lanes   F (float) from f32, u8 and bool, I from i32; stored as f32, u8
// (saturated), bool (≠ 0) and i32. An output may be the same memory as an input that is not
// broadcast.
#pragma once

#include "mapCompile.h"

namespace evengrad::ISA {
namespace {

// One thread's run over a range.
struct MapWorker {
  const MapPlan& plan;
  const Call& call;
  char* shared;
  const bool* direct;  // of each output: it may be written where it belongs at once
  char* own;

  char** table() const { return (char**)own; }
  char* block(int i) const { return own + plan.blocksOffset + i * blockBytes; }
  char* edge(int stream) const { return own + plan.edgesOffset + stream * blockBytes; }
  char* wide(int entry) const {
    return own + plan.wideOffset + (entry - plan.nStreams) * wideSpace;
  }
  MapWrap* wraps() const { return (MapWrap*)(own + plan.wrapsOffset); }
  MapCursor& cursor(const MapInput& input) const { return *(MapCursor*)(own + input.cursor); }

  // body(stream, buffer, output), output being −1 for an input.
  template <class Body>
  VEC_INLINE void streams(Body body) const {
    for (int i = 0; i < plan.nIn; i++)
      if (plan.inputs[i].kind == InputKind::direct) body(plan.inputs[i].at, call.in[i], -1);
    for (int j = 0; j < plan.nOut; j++)
      if (bytesOf(call.out[j].dtype) == 4) body(plan.outputs[j].at, call.out[j], j);
  }

  // Everything in the table but the streams.
  MapTable begin(int64_t start) const {
    MapTable t{table(), 0, wraps()};
    for (int i = 0; i < plan.nIn; i++) {
      const MapInput& input = plan.inputs[i];
      if (input.kind != InputKind::gathered) continue;
      cursor(input).seek(plan, input, start);
      t.wraps[t.nWraps++] = {input.at, 0, 0, nullptr};
    }
    for (int j = 0; j < plan.nOut; j++)
      if (bytesOf(call.out[j].dtype) != 4)
        t.wraps[t.nWraps++] = {plan.outputs[j].at, blockBytes, 0, nullptr};
    for (int i = 0; i < plan.nImmediates; i++)
      t.at[plan.nStreams + plan.nWide + i] = plan.immediates[i];
    for (int i = 0; i < plan.nBlocks; i++) t.at[plan.blocks + i] = block(i);
    for (int i = 0; i < plan.nIn; i++) {
      const MapInput& input = plan.inputs[i];
      if (input.kind == InputKind::scalar) t.at[input.at] = shared + input.shared;
      if (input.kind != InputKind::row) continue;
      int64_t period = plan.dims[plan.ndim - 1] * 4;
      char* row = input.lanes ? shared + input.shared : (char*)call.in[i].data;
      t.at[input.at] = row + start * 4 % period;
      if (blockBytes % period != 0)
        t.wraps[t.nWraps++] = {input.at, blockBytes % period, period, row + period};
    }
    return t;
  }

  // Of n elements, for as many blocks as there are in them.
  void makeInputs(const MapTable& t, int64_t n, int64_t left) const {
    MapWrap* wrap = t.wraps;
    for (int i = 0; i < plan.nIn; i++) {
      const MapInput& input = plan.inputs[i];
      if (input.kind != InputKind::gathered) continue;
      float* copy = (float*)wide(input.at);
      t.at[input.at] =
          (char*)cursor(input).next(plan, input, call.in[i], copy, n, left, &wrap->step);
      wrap++;
    }
    for (int j = 0; j < plan.nOut; j++)
      if (bytesOf(call.out[j].dtype) != 4) t.at[plan.outputs[j].at] = wide(plan.outputs[j].at);
  }

  void storeBytes(int64_t start, int64_t n) const {
    for (int j = 0; j < plan.nOut; j++) {
      const Buffer& out = call.out[j];
      if (bytesOf(out.dtype) != 4)
        storeRun(out.u8() + start, out.dtype, (const float*)wide(plan.outputs[j].at), n);
    }
  }

  void runBlocks(const MapTable& t, int64_t start, int64_t blocks) const {
    streams([&](int s, const Buffer& buffer, int) { t.at[s] = (char*)(buffer.f32() + start); });
    if (plan.isLoop)
      runSteps(plan.steps, t, 1, (int)blocks * blockVectors);
    else
      runSteps(plan.steps, t, blocks, blockVectors);
  }

  // At most a block, with copies of inputs that may not be read as far as a block reaches, and of
  // outputs that may not be written as far or too early.
  void runEdge(const MapTable& t, int64_t start, int64_t n) const {
    streams([&](int s, const Buffer& buffer, int output) {
      char* data = (char*)(buffer.f32() + start);
      t.at[s] = n == blockLanes && (output < 0 || direct[output]) ? data : edge(s);
      if (output < 0 && n < blockLanes) loadRun((float*)edge(s), DType::f32, data, 0, 1, n);
    });
    runSteps(plan.steps, t, 1, (int)ceilDiv(n, W));
    streams([&](int s, const Buffer& buffer, int output) {
      if (output >= 0 && t.at[s] == edge(s))
        loadRun(buffer.f32() + start, DType::f32, t.at[s], 0, 1, n);
    });
  }

  void run(int64_t start, int64_t end, bool allDirect) const {
    MapTable t = begin(start);
    int64_t row = plan.dims[plan.ndim - 1], left = row - start % row;  // of the innermost dimension
    while (start < end) {
      int64_t n = end - start;
      // Within a row if there are blocks in it.
      if (plan.nWide > 0 && left >= blockLanes) n = smaller(n, left);
      if (plan.nWide > 0 && !(plan.alongRows && left >= blockLanes))
        n = smaller(n, wideBlocks * blockLanes);
      if (!allDirect) n = smaller(n, blockLanes);
      if (n > blockLanes) n -= n % blockLanes;
      if (plan.nWide > 0) makeInputs(t, n, left);
      if (n >= blockLanes && allDirect)
        runBlocks(t, start, n / blockLanes);
      else
        runEdge(t, start, n);
      if (plan.nWide > 0) storeBytes(start, n);
      t.advanceWraps();
      start += n;
      left = left > n ? left - n : row - (n - left) % row;
    }
  }
};

// Vectors of the scalars and patterns of the short rows, for every worker.
inline void mapShare(const Call& call, const MapPlan& plan, char* shared) {
  for (int i = 0; i < call.nIn; i++) {
    const MapInput& input = plan.inputs[i];
    float* to = (float*)(shared + input.shared);
    if (input.kind == InputKind::scalar)
      loadRun(to, call.in[i].dtype, call.in[i].data, 0, 0, input.lanes);
    else if (input.lanes > 0)
      loadPattern(to, plan, input, call.in[i]);
  }
}

inline int64_t mapScratch(const Call& call, int threads) {
  MapPlans* made = (MapPlans*)mapPlan(call);
  int64_t bytes = 0;
  if (made)
    for (const MapPlan* plan : made->plans)
      if (plan) bytes = larger(bytes, plan->sharedBytes + plan->workerBytes * threads);
  mapFree(made);
  return bytes;
}

// The plan for what the condition holds now.
inline const MapPlan& mapChoose(const Call& call, const MapPlans& made) {
  float x = 1.0f;
  if (made.condition >= 0)
    loadRun(&x, call.in[made.condition].dtype, call.in[made.condition].data, 0, 0, 1);
  return *made.plans[x != 0.0f];
}

// Buffers of several calls, one after the other, that one plan serves; `first` has those of the
// first.
struct MapCalls {
  Call first;
  int n;

  Call at(int i) const {
    Call call = first;
    call.in += i * first.nIn;
    call.out += i * first.nOut;
    return call;
  }
  // Whether an output can be written where it belongs at once. It waits for the end of a block
  // where it would overwrite an input that is still to be read.
  bool isDirect(const MapPlan& plan, int output) const {
    for (int c = 0; c < n; c++)
      for (int i = 0; i < first.nIn; i++)
        if (at(c).in[i].data == at(c).out[output].data &&
            plan.inputs[i].lastRead > plan.outputs[output].storedBy)
          return false;
    return true;
  }
};

// Of each call `total(i)` elements.
template <class Total>
inline void mapRunCalls(const MapCalls& calls, const MapPlan& plan, Context& context, Total total) {
  char* shared = (char*)context.scratch;
  mapShare(calls.first, plan, shared);
  bool* direct = (bool*)(shared + plan.directOffset);
  bool allDirect = true;
  for (int j = 0; j < calls.first.nOut; j++) allDirect &= direct[j] = calls.isDirect(plan, j);
  int64_t pieces = 0, elements = 0;
  for (int i = 0; i < calls.n; i++) {
    pieces += ceilDiv(total(i), plan.chunk);
    elements += total(i);
  }
  // Small calls share a chunk.
  int64_t grain = larger(1, plan.chunk * pieces / larger(1, elements));
  parallelRange(context, pieces, grain, [&](int64_t begin, int64_t end, int worker) {
    char* own = shared + plan.sharedBytes + worker * plan.workerBytes;
    int i = 0;
    int64_t first = 0;  // piece of call i
    for (int64_t piece = begin; piece < end; piece++) {
      for (int64_t count; piece - first >= (count = ceilDiv(total(i), plan.chunk)); i++)
        first += count;
      int64_t start = (piece - first) * plan.chunk;
      Call call = calls.at(i);
      MapWorker{plan, call, shared, direct, own}.run(start, smaller(total(i), start + plan.chunk),
                                                     allDirect);
    }
  });
}

inline void mapRun(const Call& call, const void* opaque, Context& context) {
  if (!opaque) {
    __builtin_strcpy(context.error, "out of memory");
    return;
  }
  const MapPlans& made = *(const MapPlans*)opaque;
  if (made.plans[1]->total == 0) return;
  const MapPlan& plan = mapChoose(call, made);
  mapRunCalls({call, 1}, plan, context, [&](int) { return plan.total; });
}

constexpr Kernel kernel_map = {"map", mapCheck, mapScratch, mapPlan, mapFree, mapRun};

}  // namespace
}  // namespace evengrad::ISA
