// Compiles the micro-ops of `map` to steps: which results stay in the accumulator, which go to an
// output, and which need a block of scratch.
#pragma once

#include "mapInput.h"

namespace evengrad::ISA {
namespace {

constexpr bool mapIsLong[] = {
#define MAP(name, signature) map_##name::isLong,
#include "../ops.def"
};
// Of one element, relative to the cheapest.
constexpr int mapCosts[] = {
#define MAP(name, signature) map_##name::cost,
#include "../ops.def"
};

struct MicroOp {
  int op, arity, result;
  int operands[3];
  int product;    // of a sum or difference: the multiplication that its step does, or −1
  bool deferred;  // a multiplication that another step does
};

struct MapValue {
  int same;         // itself, or what a settled `where` has selected
  int at;           // its entry of the table
  bool isScalar;    // the same in every lane
  bool inMemory;    // a step reads it as a block from memory
  int uses;         // by micro-ops
  int lastUse;      // micro-op, −1 if none
  int firstOutput;  // the outputs that it is: a list through nextOutput, −1 its end
};

// What a step does and reads.
struct MapReading {
  int code, n;
  int values[3];
  Source sources[3];
};

struct MapCompiler {
  const Call& call;
  const MapLayout& layout;
  int condition;  // an input that is known to be 0 or not, −1 if none is
  bool outcome;
  MapPlan* plan;
  MapValue* values;  // inputs, immediates, micro-ops, then the immediates as integers
  MicroOp* micro;
  int* nextOutput;
  int* freeBlocks;
  int nFree;

  int firstMicro() const { return call.nIn + layout.nImm; }
  int firstInteger() const { return firstMicro() + layout.nMicro; }
  int nValues() const { return firstInteger() + layout.nImm; }
  bool isResult(int v) const { return v >= firstMicro() && v < firstInteger(); }
  bool isLanes(int output) const { return bytesOf(call.out[output].dtype) == 4; }
  bool isUsed(const MicroOp& m) const {
    return values[m.result].lastUse >= 0 || values[m.result].firstOutput >= 0;
  }
  void use(int v, int by) {
    if (values[v].lastUse < by) values[v].lastUse = by;
  }
  int takeBlock() { return nFree > 0 ? freeBlocks[--nFree] : plan->nBlocks++; }

  // An immediate is a float or an integer, as its user wants it.
  int resolve(double id, bool integer) const {
    int v = (int)id;
    return values[integer && layout.isImmediate(call, v) ? v + firstInteger() - call.nIn : v].same;
  }

  void decode() {
    for (int v = 0; v < nValues(); v++)
      values[v] = {
          v,  -1, v < call.nIn ? plan->inputs[v].kind == InputKind::scalar : !isResult(v), false, 0,
          -1, -1};
    for (int i = 0; i < layout.nMicro; i++) {
      const double* row = call.params + layout.micro + 4 * i;
      const char* signature = mapSignatures[(int)row[0]];
      MicroOp& m = micro[i] = {(int)row[0], arityOf(signature), firstMicro() + i, {}, -1, false};
      for (int k = 0; k < m.arity; k++) m.operands[k] = resolve(row[1 + k], signature[k] == 'I');
      if (isSelection(m.op) && m.operands[0] == condition)
        values[m.result].same = m.operands[outcome ? 1 : 2];
    }
    for (int j = call.nOut - 1; j >= 0; j--) {
      int v = resolve(call.params[layout.outputs + j], call.out[j].dtype == DType::i32);
      plan->outputs[j] = {v, -1, layout.nMicro + j};
      nextOutput[j] = values[v].firstOutput;
      values[v].firstOutput = j;
      if (!isResult(v)) values[v].inMemory = true;
    }
    for (int i = layout.nMicro - 1; i >= 0; i--) {
      if (!isUsed(micro[i])) continue;
      for (int k = 0; k < micro[i].arity; k++) {
        use(micro[i].operands[k], i);
        values[micro[i].operands[k]].uses++;
      }
    }
  }

  // A product of inputs that is only added to the result before it, or subtracted, is left to the
  // step of the sum.
  void defer() {
    int last = -1, beforeLast = -1;  // micro-ops
    for (int i = 0; i < layout.nMicro; i++) {
      MicroOp& m = micro[i];
      if (!isUsed(m)) continue;
      for (int k = 0; k < 2 && m.product < 0 && (m.op == mapOp_add || m.op == mapOp_sub); k++) {
        int v = m.operands[k], other = m.operands[1 - k];
        if (!isResult(v) || !isResult(other) || v == other) continue;
        MicroOp& factor = micro[v - firstMicro()];
        int before = last == v - firstMicro() ? beforeLast : last;
        if (before == other - firstMicro() && !mapIsLong[micro[before].op] &&
            factor.op == mapOp_mul && values[v].uses == 1 && values[v].firstOutput < 0 &&
            !isResult(factor.operands[0]) && !isResult(factor.operands[1])) {
          factor.deferred = true;
          m.product = v - firstMicro();
          use(factor.operands[0], i);
          use(factor.operands[1], i);
        }
      }
      beforeLast = last;
      last = i;
    }
  }

  // Of a micro-op's step, when the accumulator holds the value `accumulator`.
  MapReading readingOf(const MicroOp& m, int accumulator) const {
    MapReading r = {loopStep, m.arity, {}, {fromMemory, fromMemory, fromMemory}};
    for (int k = 0; k < m.arity; k++) r.values[k] = m.operands[k];
    if (m.product >= 0) {
      const MicroOp& factor = micro[m.product];
      int a = factor.operands[0], b = factor.operands[1];
      bool turn = values[a].isScalar && !values[b].isScalar;
      r.values[0] = turn ? b : a;
      r.values[1] = turn ? a : b;
      if (values[r.values[1]].isScalar) r.sources[1] = fromScalar;
      int kind = m.op == mapOp_add ? 0 : m.operands[1] == factor.result ? 1 : 2;
      r.code = (r.sources[1] == fromScalar ? addScaledStep : addProductStep) + kind;
    } else if (!mapIsLong[m.op]) {
      int times = 0;
      for (int k = 0; k < m.arity; k++) times += m.operands[k] == accumulator;
      for (int k = 0; k < m.arity; k++) {
        if (m.operands[k] == accumulator && times == 1) r.sources[k] = fromAccumulator;
        // There is code for one scalar of two operands; others are read as blocks.
        bool first = k == 0 || r.sources[0] != fromScalar;
        if (values[m.operands[k]].isScalar && m.arity == 2 && first) r.sources[k] = fromScalar;
      }
      const Form* forms = m.arity == 1 ? unaryForms : m.arity == 2 ? binaryForms : ternaryForms;
      int form = 0;
      while (forms[form].a != r.sources[0] || forms[form].b != r.sources[1] ||
             forms[form].c != r.sources[2])
        form++;
      r.code = maxForms * m.op + form;
    }
    return r;
  }

  // body(i, micro-op, what its step reads) for every step, in order.
  template <class Body>
  void forSteps(Body body) {
    int accumulator = -1;
    for (int i = 0; i < layout.nMicro; i++) {
      const MicroOp& m = micro[i];
      if (!isUsed(m) || m.deferred) continue;
      body(i, m, readingOf(m, accumulator));
      accumulator = mapIsLong[m.op] ? -1 : m.result;
    }
  }

  void findMemory() {
    forSteps([&](int, const MicroOp&, const MapReading& r) {
      for (int k = 0; k < r.n; k++)
        if (r.sources[k] == fromMemory) values[r.values[k]].inMemory = true;
    });
  }

  // A scalar is one vector, or a block of them where a step wants to read it as one.
  int64_t bytesOfScalar(int v) const { return values[v].inMemory ? blockBytes : VEC_BYTES; }

  bool placeImmediates(int entries) {
    int64_t bytes = 0;
    auto each = [&](auto body) {
      for (int k = 0; k < 2 * layout.nImm; k++) {
        int v = k < layout.nImm ? call.nIn + k : firstInteger() + k - layout.nImm;
        if (values[v].lastUse >= 0 || values[v].firstOutput >= 0)
          body(v, call.params[layout.immediates + k % layout.nImm], k >= layout.nImm);
      }
    };
    each([&](int v, double, bool) { bytes += bytesOfScalar(v); });
    plan->vectors = bytes ? (char*)malloc((size_t)bytes + 64) : nullptr;
    if (bytes && !plan->vectors) return false;
    char* to = (char*)(((uintptr_t)plan->vectors + 63) & ~(uintptr_t)63);
    each([&](int v, double x, bool integer) {
      plan->immediates[plan->nImmediates] = to;
      values[v].at = entries + plan->nImmediates++;
      vf lanes = integer ? (vf)splat(fitsInt32(x) ? (int32_t)x : 0) : splat((float)x);
      for (int64_t i = 0; i < bytesOfScalar(v); i += VEC_BYTES) store((float*)(to + i), lanes);
      to += bytesOfScalar(v);
    });
    return true;
  }

  bool alongRows() const {
    for (int j = 0; j < call.nOut; j++)
      if (!isLanes(j)) return false;
    for (int i = 0; i < call.nIn; i++) {
      int64_t stride = plan->inputs[i].strides[plan->ndim - 1];
      bool inPlace = stride == 1 && bytesOf(call.in[i].dtype) == 4;
      if (plan->inputs[i].kind == InputKind::gathered && stride != 0 && !inPlace) return false;
    }
    return true;
  }

  bool place() {
    for (int i = 0; i < call.nIn; i++)
      if (plan->inputs[i].kind == InputKind::direct) plan->inputs[i].at = plan->nStreams++;
    for (int j = 0; j < call.nOut; j++)
      if (isLanes(j)) plan->outputs[j].at = plan->nStreams++;
    int entries = plan->nStreams;
    for (int i = 0; i < call.nIn; i++)
      if (plan->inputs[i].kind == InputKind::gathered) plan->inputs[i].at = entries++;
    for (int j = 0; j < call.nOut; j++)
      if (!isLanes(j)) plan->outputs[j].at = entries++;
    plan->nWide = entries - plan->nStreams;
    plan->alongRows = alongRows();
    if (!placeImmediates(entries)) return false;
    entries += plan->nImmediates;
    int64_t shared = 0;
    for (int i = 0; i < call.nIn; i++) {
      MapInput& input = plan->inputs[i];
      if (input.kind == InputKind::scalar || input.kind == InputKind::row) input.at = entries++;
      if (input.kind == InputKind::scalar) input.lanes = bytesOfScalar(i) / 4;
      input.shared = shared;
      shared += alignUp(input.lanes * 4);
    }
    plan->directOffset = shared;
    plan->sharedBytes = alignUp(shared + call.nOut);
    plan->blocks = entries;
    for (int i = 0; i < call.nIn; i++) {
      plan->inputs[i].lastRead = values[i].lastUse;
      values[i].at = plan->inputs[i].at;
    }
    return true;
  }

  MapStep& emit(int code, int to = 0) {
    MapStep& step = plan->steps[plan->nSteps++];
    step = {code, to, 0, {}};
    return step;
  }

  // A block that is free once step i has read its operands.
  void release(const MapReading& r, int i) {
    for (int k = 0; k < r.n; k++) {
      MapValue& v = values[r.values[k]];
      if (!isResult(r.values[k]) || v.lastUse != i || v.at < plan->blocks) continue;
      freeBlocks[nFree++] = v.at - plan->blocks;
      v.at = -1;
    }
  }

  // Where a result is beside the accumulator: in an output, or in a block.
  void placeResult(MapValue& v, int i, bool isLong) {
    for (int j = v.firstOutput; j >= 0; j = nextOutput[j]) {
      plan->outputs[j].storedBy = i;
      v.at = plan->outputs[j].at;
    }
    if (v.at < 0 && (v.inMemory || isLong)) v.at = plan->blocks + takeBlock();
  }

  void emitSteps() {
    forSteps([&](int i, const MicroOp& m, const MapReading& r) {
      MapStep& step = emit(r.code);
      for (int k = 0; k < r.n; k++)
        step.operand[k] = r.sources[k] == fromAccumulator ? 0 : values[r.values[k]].at;
      release(r, i);
      MapValue& v = values[m.result];
      bool isLong = mapIsLong[m.op];
      placeResult(v, i, isLong);
      if (isLong) {
        step.to = v.at;
        step.loop = m.op;
      } else if (v.at >= plan->blocks) {
        emit(storeStep, v.at);
      }
      bool loaded = !isLong;
      for (int j = v.firstOutput; j >= 0; j = nextOutput[j]) {
        int to = plan->outputs[j].at;
        if (isLong && to == v.at) continue;
        if (!loaded) emit(loadStep).operand[0] = v.at;
        loaded = true;
        emit(storeStep, to);
      }
    });
    // Outputs that are inputs or immediates.
    for (int j = 0; j < call.nOut; j++) {
      const MapOutput& output = plan->outputs[j];
      if (isResult(output.value)) continue;
      if (output.value < call.nIn) plan->inputs[output.value].lastRead = output.storedBy;
      emit(loadStep).operand[0] = values[output.value].at;
      emit(storeStep, output.at);
    }
    emitEnd();
    plan->isLoop = isLoop();
    for (int i = 0; i < plan->nSteps; i++) moveStreams(plan->steps[i]);
  }

  void moveStreams(MapStep& step) const {
    auto move = [&](int32_t& entry) {
      if (entry < plan->nStreams) entry |= movingEntry;
    };
    move(step.to);
    for (int32_t& operand : step.operand) move(operand);
  }

  void emitEnd() {
    MapStep* last = plan->steps + plan->nSteps - 1;
    if (plan->nSteps > 0 && last->code == storeStep)
      last->code = endStoreStep;
    else
      emit(endStep);
  }

  bool isLoop() const {
    const MapStep& step = plan->steps[0];
    if (step.code != loopStep || plan->steps[1].code != endStep) return false;
    bool streams = step.to < plan->nStreams;
    for (int k = 0; k < arityOf(mapSignatures[step.loop]); k++)
      streams &= step.operand[k] < plan->nStreams;
    return streams;
  }

  // Of a worker: the table, its blocks, a block per stream for what is less than one, wide blocks,
  // wraps and cursors.
  void layOutWorker() {
    plan->blocksOffset = alignUp((int64_t)(plan->blocks + plan->nBlocks) * 8);
    plan->edgesOffset = plan->blocksOffset + plan->nBlocks * blockBytes;
    plan->wideOffset = plan->edgesOffset + plan->nStreams * blockBytes;
    plan->wrapsOffset = plan->wideOffset + plan->nWide * wideSpace;
    int64_t at = plan->wrapsOffset + alignUp((call.nIn + call.nOut) * (int64_t)sizeof(MapWrap));
    for (int i = 0; i < call.nIn; i++) {
      if (plan->inputs[i].kind != InputKind::gathered) continue;
      plan->inputs[i].cursor = at;
      at += MapCursor::bytes(plan->ndim);
    }
    plan->workerBytes = at;
  }

  // Chunks by shape alone: about as long for any chain, and whole blocks.
  void chunk() {
    int64_t cost = 1;
    for (int i = 0; i < layout.nMicro; i++)
      if (isUsed(micro[i])) cost += mapCosts[micro[i].op];
    plan->chunk = roundUp(larger(32768 / cost, 1), 4 * blockLanes);
  }

  bool compile() {
    decode();
    defer();
    findMemory();
    if (!place()) return false;
    emitSteps();
    layOutWorker();
    chunk();
    return true;
  }
};

// Takes arrays, each on a line of the cache, out of a block; without a block it counts the bytes.
struct Carver {
  char* block;
  int64_t bytes;

  template <class T>
  void take(T*& array, int64_t n) {
    bytes = alignUp(bytes);
    array = block ? (T*)(block + bytes) : nullptr;
    bytes += n * (int64_t)sizeof(T);
  }
};

inline void mapDrop(MapPlan* plan) {
  if (plan) free(plan->vectors);
  free(plan);
}

inline MapPlan* mapMake(const Call& call, const MapLayout& m, int condition, bool outcome) {
  MapPlan counting, *p = &counting;
  MapCompiler c{call, m, condition, outcome, nullptr, nullptr, nullptr, nullptr, nullptr, 0};
  int64_t* strides;
  auto carve = [&](char* block) {
    Carver carver{block, sizeof(MapPlan)};
    carver.take(p->inputs, call.nIn);
    carver.take(p->outputs, call.nOut);
    carver.take(p->steps, (int64_t)3 * m.nMicro + 2 * call.nOut + 1);
    carver.take(p->immediates, (int64_t)2 * m.nImm);
    carver.take(strides, (int64_t)maxDims * call.nIn);
    carver.take(c.values, c.nValues());
    carver.take(c.micro, m.nMicro);
    carver.take(c.nextOutput, call.nOut);
    carver.take(c.freeBlocks, c.nValues() + call.nOut);
    return carver.bytes;
  };
  char* block = (char*)calloc(1, (size_t)carve(nullptr));
  if (!block) return nullptr;
  p = (MapPlan*)block;
  carve(block);
  for (int i = 0; i < call.nIn; i++) p->inputs[i].strides = strides + (int64_t)maxDims * i;
  p->nIn = call.nIn;
  p->nOut = call.nOut;
  mapCollapse(call, m, p);
  mapClassify(call, p);
  c.plan = p;
  if (c.compile()) return p;
  mapDrop(p);
  return nullptr;
}

inline void mapFree(void* opaque) {
  if (MapPlans* made = (MapPlans*)opaque)
    for (MapPlan* plan : made->plans) mapDrop(plan);
  free(opaque);
}

inline void* mapPlan(const Call& call) {
  MapLayout m;
  if (MapLayout::read(call, &m)) return nullptr;
  MapPlans* made = (MapPlans*)calloc(1, sizeof(MapPlans));
  if (!made) return nullptr;
  made->condition = mapCondition(call, m);
  bool complete = true;
  for (int outcome = made->condition < 0; outcome < 2; outcome++)
    complete &= (made->plans[outcome] = mapMake(call, m, made->condition, outcome)) != nullptr;
  if (complete) return made;
  mapFree(made);
  return nullptr;
}

}  // namespace
}  // namespace evengrad::ISA
