// The plan of `map`: its parameters checked and decoded, dimensions collapsed, tiles of scratch
// ("registers") allocated by liveness.
#pragma once

#include <stdlib.h>

#include "elementwise.h"

namespace evengrad::ISA {
namespace {

constexpr int maxDims = 32;
constexpr int maxTile = 512;  // elements

constexpr const char* mapSignatures[] = {
#define MAP(name, signature) signature,
#include "../ops.def"
};
constexpr const char* mapNames[] = {
#define MAP(name, signature) #name,
#include "../ops.def"
};
constexpr int mapOps = sizeof(mapSignatures) / sizeof(*mapSignatures);

// "FF>F": two operands, the result's kind last.
constexpr int arityOf(const char* signature) {
  int n = 0;
  while (signature[n] != '>') n++;
  return n;
}

constexpr bool sameText(const char* a, const char* b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

// Relative cost of one element, to size chunks.
constexpr int costOf(int op) {
  constexpr const char* heavy[] = {"exp",  "expm1",    "log",        "log1p",   "sin",  "cos",
                                   "tanh", "erf",      "erfc",       "sigmoid", "pow",  "softplus",
                                   "gelu", "geluTanh", "logSigmoid", "silu",    "mish", "rsqrt"};
  for (const char* name : heavy)
    if (sameText(mapNames[op], name)) return 8;
  return 1;
}

enum class InputKind : uint8_t {
  scalar,    // every stride is 0: one vector, made once
  direct,    // contiguous over the whole shape: f32 and i32 are read in place
  periodic,  // a short row repeated: a pattern, made once
  strided    // any other: copied tile by tile, or read in place where a row covers the tile
};

struct MapInput {
  InputKind kind;
  bool rows;        // the innermost stride is 1 and elements need no conversion
  int64_t pattern;  // byte offset of a periodic input's pattern in the shared scratch
  int64_t* strides;
};

struct MapValue {
  bool integer;      // an I lane
  int definedBy;     // micro-op, or −1
  int lastUse;       // micro-op, nMicro if it is an output, −1 if unused
  int reg;           // its tile of a worker's scratch, or −1
  int slot;          // its vector in the shared scratch, or −1
  double immediate;  // if it is one
};

struct MicroOp {
  int op, result, a, b, c;
};

struct MapPlan {
  int ndim, nMicro, nValues, registers;
  int64_t total, tile, chunk;
  int64_t sharedBytes, directOffset;  // shared: vectors, patterns, flags of outputs
  int64_t workerBytes, valuesOffset,
      spillOffset;  // each worker: registers, spilled input vectors, values
  int64_t dims[maxDims];
  MapInput* inputs;
  MapValue* values;  // inputs, immediates, micro-ops, then the immediates as integers
  MicroOp* ops;
  int* outputs;  // value ids
};

// Where things are in `params`.
struct MapLayout {
  int ndim, nImm, nMicro;
  int strides, immediates, micro, outputs;

  static const char* read(const Call& call, MapLayout* m) {
    if (call.nIn < 0 || call.nOut < 0 || call.nParams < 1) return wrongArguments;
    int64_t at = 0, n = call.nParams;
    auto count = [&](int* value, int64_t limit) {
      if (at >= n || !sizes(call, (int)at, (int)at + 1) || call.params[at] > (double)limit)
        return false;
      *value = (int)call.params[at++];
      return true;
    };
    if (!count(&m->ndim, maxDims)) return "there are too many dimensions";
    m->strides = (int)at + m->ndim;
    at = m->strides + (int64_t)m->ndim * call.nIn;
    if (at > n || !sizes(call, 1, (int)at)) return wrongParameters;
    if (!count(&m->nImm, n)) return wrongParameters;
    m->immediates = (int)at;
    at += m->nImm;
    if (!count(&m->nMicro, n)) return wrongParameters;
    m->micro = (int)at;
    at += (int64_t)m->nMicro * 4;
    m->outputs = (int)at;
    if (at + call.nOut != n) return wrongArguments;
    return sizes(call, m->micro, (int)n) ? nullptr : wrongParameters;
  }

  bool isImmediate(const Call& call, int64_t id) const {
    return id >= call.nIn && id < call.nIn + nImm;
  }
};

inline bool fitsInt32(double x) {
  return x >= -2147483648.0 && x <= 2147483647.0 && x == (double)(int32_t)x;
}

inline const char* mapCheck(const Call& call) {
  MapLayout m;
  if (const char* error = MapLayout::read(call, &m)) return error;
  int64_t dims[maxDims];
  for (int d = 0; d < m.ndim; d++) dims[d] = call.integer(1 + d);
  int64_t total = product(dims, m.ndim);
  if (total < 0) return wrongParameters;
  for (int j = 0; j < call.nOut; j++)
    if (call.out[j].count != total) return wrongCounts;
  for (int i = 0; i < call.nIn && total > 0; i++) {
    Span span;
    for (int d = 0; d < m.ndim; d++)
      if (!span.add(dims[d], call.integer(m.strides + i * m.ndim + d))) return wrongParameters;
    if (!span.within(0, call.in[i].count)) return wrongCounts;
  }

  auto isKind = [&](int64_t id, bool integer) {
    if (m.isImmediate(call, id))
      return !integer || fitsInt32(call.params[m.immediates + id - call.nIn]);
    if (id < call.nIn) return integer == (call.in[id].dtype == DType::i32);
    const char* s = mapSignatures[call.integer(m.micro + 4 * (int)(id - call.nIn - m.nImm))];
    return integer == (s[arityOf(s) + 1] == 'I');
  };
  for (int i = 0; i < m.nMicro; i++) {
    const double* row = call.params + m.micro + 4 * i;
    if (row[0] >= mapOps) return "an operation is unknown";
    const char* s = mapSignatures[(int)row[0]];
    for (int k = 0; k < arityOf(s); k++) {
      if (row[1 + k] >= call.nIn + m.nImm + i) return "an operand is not defined yet";
      if (!isKind((int64_t)row[1 + k], s[k] == 'I')) return wrongTypes;
    }
  }
  for (int j = 0; j < call.nOut; j++) {
    int64_t id = call.integer(m.outputs + j);
    if (id >= call.nIn + m.nImm + m.nMicro) return "an output is not defined";
    if (!isKind(id, call.out[j].dtype == DType::i32)) return wrongTypes;
  }
  return nullptr;
}

// Drops dimensions of 1 and merges neighbours that every input walks as one.
inline void mapCollapse(const Call& call, const MapLayout& m, MapPlan* p) {
  p->ndim = 0;
  for (int d = 0; d < m.ndim; d++) {
    int64_t size = call.integer(1 + d);
    if (size == 1) continue;
    bool merge = p->ndim > 0;
    for (int i = 0; i < call.nIn && merge; i++)
      merge = p->inputs[i].strides[p->ndim - 1] == call.integer(m.strides + i * m.ndim + d) * size;
    int to = merge ? p->ndim - 1 : p->ndim++;
    p->dims[to] = merge ? p->dims[to] * size : size;
    for (int i = 0; i < call.nIn; i++)
      p->inputs[i].strides[to] = call.integer(m.strides + i * m.ndim + d);
  }
  if (p->ndim == 0) {
    p->ndim = 1;
    p->dims[0] = 1;
    for (int i = 0; i < call.nIn; i++) p->inputs[i].strides[0] = 0;
  }
  p->total = product(p->dims, p->ndim);
}

inline void mapClassify(const Call& call, MapPlan* p) {
  int inner = p->ndim - 1;
  for (int i = 0; i < call.nIn; i++) {
    MapInput& input = p->inputs[i];
    bool zero = true, contiguous = true, row = input.strides[inner] == 1;
    int64_t stride = 1;
    for (int d = inner; d >= 0; d--) {
      zero &= input.strides[d] == 0;
      contiguous &= input.strides[d] == stride;
      row &= d == inner || input.strides[d] == 0;
      stride *= p->dims[d];
    }
    input.rows = input.strides[inner] == 1 && bytesOf(call.in[i].dtype) == 4;
    input.kind = zero                               ? InputKind::scalar
                 : contiguous                       ? InputKind::direct
                 : row && p->dims[inner] <= maxTile ? InputKind::periodic
                                                    : InputKind::strided;
  }
}

// A register is free again after its value's last use; a result may take the place of an operand.
inline void mapAllocate(const Call& call, MapPlan* p, int* freeRegisters) {
  int nFree = 0;
  auto take = [&] { return nFree > 0 ? freeRegisters[--nFree] : p->registers++; };
  for (int i = 0; i < call.nIn; i++) {
    InputKind kind = p->inputs[i].kind;
    bool converted = bytesOf(call.in[i].dtype) == 1 || p->values[i].lastUse == p->nMicro;
    if (kind == InputKind::strided || (kind == InputKind::direct && converted))
      p->values[i].reg = take();
  }
  for (int i = 0; i < p->nMicro; i++) {
    const MicroOp& op = p->ops[i];
    int operands[] = {op.a, op.b, op.c};
    int arity = arityOf(mapSignatures[op.op]);
    for (int k = 0; k < arity; k++) {
      MapValue& v = p->values[operands[k]];
      bool seen = (k > 0 && operands[k] == operands[0]) || (k > 1 && operands[k] == operands[1]);
      if (!seen && v.reg >= 0 && v.lastUse == i) freeRegisters[nFree++] = v.reg;
    }
    MapValue& result = p->values[op.result];
    result.reg = take();
    if (result.lastUse < 0) freeRegisters[nFree++] = result.reg;
  }
}

inline void mapFree(void* plan) { free(plan); }

// One block: the plan, then its arrays.
inline void* mapPlan(const Call& call) {
  MapLayout m;
  if (MapLayout::read(call, &m)) return nullptr;
  int nValues = call.nIn + 2 * m.nImm + m.nMicro;
  int64_t bytes = sizeof(MapPlan) + (int64_t)sizeof(MapInput) * call.nIn +
                  (int64_t)sizeof(int64_t) * maxDims * call.nIn +
                  (int64_t)sizeof(MapValue) * nValues + (int64_t)sizeof(MicroOp) * m.nMicro +
                  (int64_t)sizeof(int) * call.nOut + (int64_t)sizeof(int) * nValues;
  char* block = (char*)calloc(1, (size_t)bytes);
  if (!block) return nullptr;
  MapPlan* p = (MapPlan*)block;
  p->inputs = (MapInput*)(p + 1);
  int64_t* strides = (int64_t*)(p->inputs + call.nIn);
  p->values = (MapValue*)(strides + (int64_t)maxDims * call.nIn);
  p->ops = (MicroOp*)(p->values + nValues);
  p->outputs = (int*)(p->ops + m.nMicro);
  int* freeRegisters = p->outputs + call.nOut;
  for (int i = 0; i < call.nIn; i++) p->inputs[i].strides = strides + (int64_t)maxDims * i;
  p->nMicro = m.nMicro;
  p->nValues = nValues;
  mapCollapse(call, m, p);
  mapClassify(call, p);

  int firstMicro = call.nIn + m.nImm, firstInteger = firstMicro + m.nMicro;
  for (int v = 0; v < nValues; v++) p->values[v] = {false, -1, -1, -1, -1, 0};
  for (int k = 0; k < m.nImm; k++) {
    p->values[call.nIn + k].immediate = p->values[firstInteger + k].immediate =
        call.params[m.immediates + k];
    p->values[firstInteger + k].integer = true;
  }
  auto resolve = [&](double id, bool integer, int use) {
    int v = (int)id;
    if (integer && m.isImmediate(call, v)) v += firstInteger - call.nIn;
    if (use > p->values[v].lastUse) p->values[v].lastUse = use;
    return v;
  };
  int64_t cost = 1;
  for (int i = 0; i < m.nMicro; i++) {
    const double* row = call.params + m.micro + 4 * i;
    const char* s = mapSignatures[(int)row[0]];
    int operands[3] = {};
    for (int k = 0; k < arityOf(s); k++) operands[k] = resolve(row[1 + k], s[k] == 'I', i);
    p->ops[i] = {(int)row[0], firstMicro + i, operands[0], operands[1], operands[2]};
    p->values[firstMicro + i].definedBy = i;
    cost += costOf((int)row[0]);
  }
  for (int j = 0; j < call.nOut; j++)
    p->outputs[j] = resolve(call.params[m.outputs + j], call.out[j].dtype == DType::i32, m.nMicro);
  mapAllocate(call, p, freeRegisters);

  // A tile's registers should fit the L1 cache together.
  p->tile = p->registers <= 8 ? maxTile : p->registers <= 24 ? 256 : 128;
  p->chunk = roundUp(larger(32768 / cost, 1), p->tile);
  int slots = 0;
  for (int v = 0; v < nValues; v++) {
    bool scalar =
        v < call.nIn ? p->inputs[v].kind == InputKind::scalar : v < firstMicro || v >= firstInteger;
    if (scalar) p->values[v].slot = slots++;
  }
  int64_t at = (int64_t)slots * VEC_BYTES;
  for (int i = 0; i < call.nIn; i++) {
    if (p->inputs[i].kind != InputKind::periodic) continue;
    p->inputs[i].pattern = at;
    at += alignUp((p->dims[p->ndim - 1] + p->tile) * 4);
  }
  p->directOffset = at;
  p->sharedBytes = alignUp(at + call.nOut);
  p->spillOffset = p->registers * p->tile * 4;
  p->valuesOffset = p->spillOffset + (int64_t)call.nIn * VEC_BYTES;
  p->workerBytes = alignUp(p->valuesOffset + (int64_t)nValues * 16);
  return p;
}

}  // namespace
}  // namespace evengrad::ISA
