// The steps of a `map` plan, interpreted over blocks of eight vectors. The last result stays in
// registers, the accumulator, so a chain touches memory only where a value is used again.
#pragma once

#include "elementwise.h"

namespace evengrad::ISA {
namespace {

constexpr int blockVectors = 8;
constexpr int64_t blockLanes = blockVectors * W;
constexpr int64_t blockBytes = blockVectors * VEC_BYTES;
constexpr int64_t wideBlocks = 8;  // made at once, of an input that is not read in place

enum MapOp {
#define MAP(name, signature) mapOp_##name,
#include "../ops.def"
  mapOps
};

// How a step reaches an operand: from the accumulator, from a block in memory, or one vector that
// is the same in every lane.
enum Source { fromAccumulator, fromMemory, fromScalar };

// The combinations of sources that there is code for, by the number of operands. At most one is the
// accumulator.
struct Form {
  Source a, b, c;
};
constexpr Form unaryForms[] = {{fromAccumulator, fromMemory, fromMemory},
                               {fromMemory, fromMemory, fromMemory}};
constexpr Form binaryForms[] = {
    {fromAccumulator, fromMemory, fromMemory}, {fromMemory, fromAccumulator, fromMemory},
    {fromMemory, fromMemory, fromMemory},      {fromAccumulator, fromScalar, fromMemory},
    {fromScalar, fromAccumulator, fromMemory}, {fromMemory, fromScalar, fromMemory},
    {fromScalar, fromMemory, fromMemory}};
constexpr Form ternaryForms[] = {{fromAccumulator, fromMemory, fromMemory},
                                 {fromMemory, fromAccumulator, fromMemory},
                                 {fromMemory, fromMemory, fromAccumulator},
                                 {fromMemory, fromMemory, fromMemory}};
constexpr int maxForms = sizeof binaryForms / sizeof(Form);
// clang-format off
#define MAP_FORMS(name) \
  MAP_FORM(name, 0) MAP_FORM(name, 1) MAP_FORM(name, 2) MAP_FORM(name, 3) \
  MAP_FORM(name, 4) MAP_FORM(name, 5) MAP_FORM(name, 6)
// clang-format on

// `code` is maxForms·op + form, or one of the others. Operands are entries of the table of
// pointers; so is `to`, where a store or a loop writes. Those that move on with the blocks have the
// sign bit.
constexpr int32_t movingEntry = INT32_MIN;
struct MapStep {
  int32_t code, to, loop;
  int32_t operand[3];
};
// clang-format off
#define MAP_CODES                                          \
  MAP_CODE(load)       /* accumulator = a               */ \
  MAP_CODE(store)      /* to = accumulator              */ \
  MAP_CODE(addProduct) /* accumulator + a·b             */ \
  MAP_CODE(subProduct) /* accumulator − a·b             */ \
  MAP_CODE(productSub) /* a·b − accumulator             */ \
  MAP_CODE(addScaled)  /* the same where b is a scalar  */ \
  MAP_CODE(subScaled)                                      \
  MAP_CODE(scaledSub)                                      \
  MAP_CODE(loop)       /* to = a long operation of a, b */ \
  MAP_CODE(endStore)   /* to = accumulator, and end     */ \
  MAP_CODE(end)        /* of the block                  */
// clang-format on
enum MapCode {
  lastForm = maxForms * mapOps - 1,
#define MAP_CODE(name) name##Step,
  MAP_CODES
#undef MAP_CODE
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
VEC_INLINE V loadAs(const char* p) {
  return load((const typename ElementOf<V>::type*)p);
}

using Accumulator = vf[blockVectors];

// The table of pointers as it is at a block, `offset` bytes after the first.
struct MapPlaces {
  char* const* at;
  int64_t offset;

  VEC_INLINE char* operator[](int32_t entry) const {
    return at[entry & ~movingEntry] + (offset & entry >> 31);
  }
};

// An operand of a step, vector by vector.
template <Source source, class V>
struct Operand {
  const char* p;
  V scalar;

  VEC_INLINE Operand(const MapPlaces& at, int32_t entry) {
    if constexpr (source != fromAccumulator) p = at[entry];
    if constexpr (source == fromScalar) scalar = loadAs<V>(p);
  }
  VEC_INLINE V vector(const Accumulator& acc, int i) const {
    if constexpr (source == fromAccumulator) return (V)acc[i];
    if constexpr (source == fromScalar) return scalar;
    return loadAs<V>(p + i * VEC_BYTES);
  }
};

template <int form, class R, class A>
VEC_INLINE void shortStep(R (*apply)(A), Accumulator& acc, const MapStep& s, const MapPlaces& at) {
  Operand<unaryForms[form].a, A> a(at, s.operand[0]);
  VEC_UNROLL
  for (int i = 0; i < blockVectors; i++) acc[i] = (vf)apply(a.vector(acc, i));
}

template <int form, class R, class A, class B>
VEC_INLINE void shortStep(R (*apply)(A, B), Accumulator& acc, const MapStep& s,
                          const MapPlaces& at) {
  Operand<binaryForms[form].a, A> a(at, s.operand[0]);
  Operand<binaryForms[form].b, B> b(at, s.operand[1]);
  VEC_UNROLL
  for (int i = 0; i < blockVectors; i++) acc[i] = (vf)apply(a.vector(acc, i), b.vector(acc, i));
}

template <int form, class R, class A, class B, class C>
VEC_INLINE void shortStep(R (*apply)(A, B, C), Accumulator& acc, const MapStep& s,
                          const MapPlaces& at) {
  Operand<ternaryForms[form].a, A> a(at, s.operand[0]);
  Operand<ternaryForms[form].b, B> b(at, s.operand[1]);
  Operand<ternaryForms[form].c, C> c(at, s.operand[2]);
  VEC_UNROLL
  for (int i = 0; i < blockVectors; i++)
    acc[i] = (vf)apply(a.vector(acc, i), b.vector(acc, i), c.vector(acc, i));
}

// The accumulator with a product, which is rounded by itself.
template <int code>
VEC_INLINE void productStep(Accumulator& acc, const MapStep& s, const MapPlaces& at) {
  constexpr bool scaled = code >= addScaledStep;
  constexpr int kind = code - (scaled ? addScaledStep : addProductStep);
  Operand<fromMemory, vf> a(at, s.operand[0]);
  Operand<scaled ? fromScalar : fromMemory, vf> b(at, s.operand[1]);
  VEC_UNROLL
  for (int i = 0; i < blockVectors; i++) {
    vf product = a.vector(acc, i) * b.vector(acc, i);
    acc[i] = kind == 0 ? acc[i] + product : kind == 1 ? acc[i] - product : product - acc[i];
  }
}

// A long operation, from memory to memory, which may be the same.
using MapLoop = void (*)(char* to, const char* a, const char* b, int vectors);
template <class Op, class Signature = decltype(&Op::apply)>
struct LongLoop;
template <class Op>
struct LongLoop<Op, vf (*)(vf)> {
  VEC_MIXED static void run(char* to, const char* a, const char*, int vectors) {
    constexpr int n = Op::together;
    for (; vectors >= n; vectors -= n, to += n * VEC_BYTES, a += n * VEC_BYTES) some<n>(to, a);
    for (; vectors > 0; vectors--, to += VEC_BYTES, a += VEC_BYTES) some<1>(to, a);
  }

  // All is loaded before anything is stored, so that the vectors' operations may be mixed. A lane
  // has the same result whatever is in the others.
  template <int n>
  static VEC_INLINE void some(char* to, const char* a) {
    vf x[n];
    VEC_UNROLL
    for (int i = 0; i < n; i++) x[i] = loadAs<vf>(a + i * VEC_BYTES);
    if constexpr (Op::isGuarded) {
      vu risk = {};
      VEC_UNROLL
      for (int i = 0; i < n; i++) {
        vu own = Op::risk(x[i]);
        risk = own > risk ? own : risk;
      }
      if (__builtin_expect(any((vi)(risk > Op::most)), 0)) return careful(to, a, n);
    }
    VEC_UNROLL
    for (int i = 0; i < n; i++) x[i] = Op::apply(x[i]);
    VEC_UNROLL
    for (int i = 0; i < n; i++) store((float*)(to + i * VEC_BYTES), x[i]);
  }
  static VEC_ONCE void careful(char* to, const char* a, int n) {
    if constexpr (Op::isGuarded) {
      for (int i = 0; i < n; i++) {
        vf x = loadAs<vf>(a + i * VEC_BYTES);
        vf r = (vi)(Op::risk(x) > Op::most) ? Op::careful(x) : Op::apply(x);
        store((float*)(to + i * VEC_BYTES), r);
      }
    }
  }
};
template <class Op>
struct LongLoop<Op, vf (*)(vf, vf)> {
  static void run(char* to, const char* a, const char* b, int vectors) {
    for (; vectors > 0; vectors--, to += VEC_BYTES, a += VEC_BYTES, b += VEC_BYTES)
      store((float*)to, Op::apply(loadAs<vf>(a), loadAs<vf>(b)));
  }
};

template <class Op>
constexpr MapLoop loopOf() {
  if constexpr (Op::isLong) return LongLoop<Op>::run;
  return nullptr;
}
constexpr MapLoop mapLoops[] = {
#define MAP(name, signature) loopOf<map_##name>(),
#include "../ops.def"
};

// A pointer that walks a pattern: `step` bytes from block to block, back by `period` at the end.
struct MapWrap {
  int64_t at, step, period;
  const char* end;
};

// Where operands are, for one thread.
struct MapTable {
  char** at;
  int nWraps;
  MapWrap* wraps;

  VEC_INLINE void advanceWraps() const {
    for (int i = 0; i < nWraps; i++) {
      const MapWrap& wrap = wraps[i];
      char* p = at[wrap.at] + wrap.step;
      at[wrap.at] = p < wrap.end ? p : p - wrap.period;
    }
  }
};

// How many forms of an operation there is code for.
template <class R, class A>
constexpr int formsOf(R (*)(A)) {
  return sizeof unaryForms / sizeof(Form);
}
template <class R, class A, class B>
constexpr int formsOf(R (*)(A, B)) {
  return sizeof binaryForms / sizeof(Form);
}
template <class R, class A, class B, class C>
constexpr int formsOf(R (*)(A, B, C)) {
  return sizeof ternaryForms / sizeof(Form);
}
template <class Op, int form>
constexpr bool hasForm = !Op::isLong && form < formsOf(&Op::apply);

template <class Op, int form>
VEC_INLINE void shortStep(Accumulator& acc, const MapStep& s, const MapPlaces& at) {
  if constexpr (hasForm<Op, form>) shortStep<form>(&Op::apply, acc, s, at);
}

VEC_INLINE void storeBlock(const Accumulator& acc, char* to) {
  VEC_UNROLL
  for (int i = 0; i < blockVectors; i++) store((float*)(to + i * VEC_BYTES), acc[i]);
}

// Runs the steps for `blocks` blocks; long operations compute the first `vectors` of the eight.
// Each step's code ends with a jump of its own to the next one's: a processor foresees where a jump
// goes by where it stands, and a switch would have one for all.
static void runSteps(const MapStep* first, const MapTable& table, int64_t blocks, int vectors) {
  // Where the code is, in bytes from that of `end`.
  static const int32_t places[] = {
#define MAP_CODE(label) (int32_t)((char*)&&label - (char*)&&end),
#define MAP_FORM(name, form) MAP_CODE(name##form)
#define MAP(name, signature) MAP_FORMS(name)
#include "../ops.def"
      MAP_CODES
#undef MAP_FORM
#undef MAP_CODE
  };
#define NEXT_STEP(next) \
  s = next;             \
  goto*((char*)&&end + places[s->code])

  MapPlaces at{table.at, 0};
  Accumulator acc = {};
  const MapStep* s;
  NEXT_STEP(first);

  // Nothing jumps to a form that an operation has not.
#define MAP_FORM(name, form)                           \
  name##form : if (!hasForm<map_##name, form>) return; \
  shortStep<map_##name, form>(acc, *s, at);            \
  NEXT_STEP(s + 1);
#define MAP(name, signature) MAP_FORMS(name)
#include "../ops.def"
#undef MAP_FORM

#define MAP_CODE(name)                  \
  name:                                 \
  productStep<name##Step>(acc, *s, at); \
  NEXT_STEP(s + 1);
  MAP_CODE(addProduct)
  MAP_CODE(subProduct)
  MAP_CODE(productSub)
  MAP_CODE(addScaled)
  MAP_CODE(subScaled)
  MAP_CODE(scaledSub)
#undef MAP_CODE

load : {
  Operand<fromMemory, vf> a(at, s->operand[0]);
  VEC_UNROLL
  for (int i = 0; i < blockVectors; i++) acc[i] = a.vector(acc, i);
}
  NEXT_STEP(s + 1);
store:
  storeBlock(acc, at[s->to]);
  NEXT_STEP(s + 1);
loop:
  mapLoops[s->loop](at[s->to], at[s->operand[0]], at[s->operand[1]], vectors);
  // A call keeps no vector registers: the accumulator is not used across it.
  VEC_UNROLL
  for (int i = 0; i < blockVectors; i++) acc[i] = vf{};
  NEXT_STEP(s + 1);
endStore:
  storeBlock(acc, at[s->to]);
end:
  if (--blocks == 0) return;
  at.offset += blockBytes;
  table.advanceWraps();
  NEXT_STEP(first);
#undef NEXT_STEP
}

}  // namespace
}  // namespace evengrad::ISA
