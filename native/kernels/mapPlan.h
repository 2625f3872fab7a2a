// The plan of `map`: its parameters checked and decoded, dimensions collapsed, and how each input
// is read.
#pragma once

#include <stdlib.h>

#include "mapSteps.h"

namespace evengrad::ISA {
namespace {

constexpr int maxDims = 32;
constexpr int64_t maxPattern = 4096;  // lanes of a row that is repeated in the scratch

constexpr const char* mapSignatures[] = {
#define MAP(name, signature) signature,
#include "../ops.def"
};

// "FF>F": two operands, the result's kind last.
constexpr int arityOf(const char* signature) {
  int n = 0;
  while (signature[n] != '>') n++;
  return n;
}

enum class InputKind : uint8_t {
  scalar,   // every stride is 0: one vector, made once
  direct,   // contiguous, f32 or i32: read in place
  row,      // a short row repeated: in place, or in a pattern made once
  gathered  // any other: made some blocks at a time
};

struct MapInput {
  InputKind kind;
  int at;          // its entry of the table
  int lastRead;    // the micro-op, −1 if unused
  int64_t lanes;   // made once, of a scalar or a row; 0 for a row that is read in place
  int64_t shared;  // where: bytes from the start of the scratch
  int64_t cursor;  // of a gathered input: bytes from the start of a worker's scratch
  int64_t* strides;
};

struct MapOutput {
  int value;
  int at;        // its entry of the table: a stream, or lanes to be made bytes of
  int storedBy;  // the micro-op; outputs that no micro-op computes follow in their order
};

// The table of pointers has five parts: streams, which are inputs and outputs in place; wide
// entries, which are some blocks of a gathered input or of an output of bytes; immediates; scalars
// and rows; and blocks of a worker's own.
struct MapPlan {
  int ndim, nSteps, nIn, nOut, nStreams, nWide, nImmediates;
  int blocks, nBlocks;  // the first block's entry, and how many there are
  bool alongRows;       // nothing has to be copied or converted along a row
  bool isLoop;          // one long operation on streams, for any number of vectors at once
  int64_t total, chunk;
  int64_t sharedBytes, directOffset;  // for all workers: scalars, rows, flags of the outputs
  int64_t workerBytes, blocksOffset, edgesOffset, wideOffset, wrapsOffset;
  int64_t dims[maxDims];
  MapInput* inputs;
  MapOutput* outputs;
  MapStep* steps;
  char** immediates;
  char* vectors;  // what the immediates point into
};

// A `where` on one number is settled before elements are walked: there is a plan for each outcome.
struct MapPlans {
  int condition;      // the input that is the number, −1 if there is none
  MapPlan* plans[2];  // if it is 0, and otherwise; one without a condition is the latter
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

constexpr bool isSelection(int op) { return op == mapOp_where || op == mapOp_whereI; }

// An input of one number that a `where` has for its condition, −1 if there is none.
inline int mapCondition(const Call& call, const MapLayout& m) {
  for (int i = 0; i < m.nMicro; i++) {
    const double* row = call.params + m.micro + 4 * i;
    if (!isSelection((int)row[0]) || row[1] >= call.nIn) continue;
    int input = (int)row[1];
    bool one = true;
    for (int d = 0; d < m.ndim; d++)
      one &= call.integer(1 + d) == 1 || call.integer(m.strides + input * m.ndim + d) == 0;
    if (one) return input;
  }
  return -1;
}

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
    bool lanes = bytesOf(call.in[i].dtype) == 4, whole = p->dims[inner] % blockLanes == 0;
    input.kind = zero                  ? InputKind::scalar
                 : contiguous && lanes ? InputKind::direct
                 : row && !contiguous && (p->dims[inner] <= maxPattern || (whole && lanes))
                     ? InputKind::row
                     : InputKind::gathered;
    // A row of whole blocks is read in place.
    input.lanes = 0;
    if (input.kind == InputKind::row && !(whole && lanes)) {
      bool turns = blockLanes % p->dims[inner] != 0;  // blocks begin in different places
      input.lanes =
          smaller(p->total, larger(blockLanes, turns ? p->dims[inner] + blockLanes : 0)) + W;
    }
  }
}

}  // namespace
}  // namespace evengrad::ISA
