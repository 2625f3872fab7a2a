// crossEntropy of logits with labels, and its gradient.
//
// params  outer, n, inner, ignore (a label that does not count), smoothing, weighted (0 or 1), and
//         for the gradient g, where it is one number
// crossEntropy          x f32 (outer, n, inner), labels i32 (outer, inner), if weighted w f32 (n)
//                       → (outer, inner): −Σ t·ln p, or 0 where ignored, with p = softmax x and
//                       t = w·((1 − smoothing)·onehot(label) + smoothing/n)
// crossEntropyGradient  the same and, where it varies, g f32 (outer, inner)
//                       → dx (outer, n, inner) = g·(p·Σt − t)
#pragma once

#include "lines.h"
#include "pick.h"

namespace evengrad::ISA {
namespace {

// What the lines of a call share.
struct CrossEntropy {
  const int32_t* labels;
  const float* weights;  // or null
  int32_t ignore;
  double own, even;   // shares of the label and, spread over all, of each class
  double allWeights;  // Σw

  explicit CrossEntropy(const Call& call)
      : labels(call.in[1].i32()),
        weights(call.params[5] != 0 ? call.in[2].f32() : nullptr),
        ignore((int32_t)call.integer(3)),
        own(1 - call.params[4]),
        even(call.params[4] / call.params[1]),
        allWeights(call.params[1]) {
    if (!weights || even == 0) return;
    allWeights = 0;
    for (int64_t i = 0; i < call.integer(1); i++) allWeights += weights[i];
  }
};

// One line or several, with what loss and gradient both need.
template <class Line>
struct LabelledLine {
  const CrossEntropy& call;
  Line line;
  const float* x;
  vi label, counts;
  vf top;

  VEC_INLINE LabelledLine(const CrossEntropy& c, Line l, const float* from, int64_t number)
      : call(c),
        line(l),
        x(from),
        label(l.perLine(c.labels + number)),
        counts(label != splat(c.ignore)),
        top(l.largest(from)) {}

  // x − max at the label
  VEC_INLINE Wide labelled() const {
    return line.widen(line.at(x, label, counts)) - line.widen(top);
  }
  VEC_INLINE Wide labelWeight() const {
    return call.weights ? line.widen(line.perIndexAt(call.weights, label, counts)) : wide(1.0);
  }
  // e^(x − max), 0 at the label: the sum of the others keeps its digits where they are tiny.
  VEC_INLINE vf expOfOther(vf v, vi index) const {
    return floatExp((index == label ? splat(-__builtin_inff()) : v) - top);
  }
  VEC_INLINE vf weight(vi index, int lanes) const {
    return call.weights ? line.perIndex(call.weights, index, lanes) : splat(1.0f);
  }

  // The label's part w·(ln Σe^(x − max) − (x − max)), and that of all classes; no term is negative.
  VEC_INLINE vf loss() const {
    PositiveSum others;
    Wide gaps = wide(0.0);
    line.visit([&](int64_t i, int lanes, vi index) VEC_BODY {
      vf v = loadSome(x + i, lanes, -__builtin_inff());
      others.add(expOfOther(v, index));
      if (call.even == 0) return;
      vf gap = lanes == W || laneIndices() < splat(lanes) ? top - v : vf{};
      gaps = mulAdd(wide(gap), wide(weight(index, lanes)), gaps);
    });
    Wide below = labelled();
    Wide logOfSum = each<log1p>(line.sum(others) + (each<exp>(below) - wide(1.0)));
    Wide r = wide(call.own) * labelWeight() * (logOfSum - below);
    if (call.even != 0)
      r = r + wide(call.even) * mulAdd(wide(call.allWeights), logOfSum, line.sum(gaps));
    return counts ? narrow(r) : vf{};
  }

  VEC_INLINE void gradient(vf g, float* dx) const {
    PositiveSum others;
    line.visit([&](int64_t i, int lanes, vi index) VEC_BODY {
      vf e = expOfOther(loadSome(x + i, lanes, -__builtin_inff()), index);
      others.add(e);
      storeSome(dx + i, lanes, e);
    });
    Wide rest = line.sum(others);
    Wide w = labelWeight(), factor = line.widen(g);
    Wide target = wide(call.own) * w + wide(call.even * call.allWeights);  // Σt
    Wide share = factor * target / (rest + each<exp>(labelled()));
    // p − 1 at the label is −Σ of the others' p.
    vf own = narrow(factor * wide(call.even) * (wide(call.allWeights) - w) - share * rest);
    vf even = narrow(factor * wide(call.even));
    Factor scale(share);
    line.visit([&](int64_t i, int lanes, vi index) VEC_BODY {
      vf d = scale.times(loadSome(dx + i, lanes));
      if (call.even != 0) d -= even * weight(index, lanes);
      d = index == label ? own : d;
      storeSome(dx + i, lanes, counts ? d : vf{});
    });
  }
};

inline const char* crossEntropyCheckOf(const Call& call, bool gradient) {
  if (call.nOut != 1 || call.nParams != 6 + gradient) return wrongArguments;
  if (!sizes(call, 0, 3) || !integers(call, 3, 4) || !sizes(call, 5, 6)) return wrongParameters;
  double ignore = call.params[3], smoothing = call.params[4], weighted = call.params[5];
  if (!(ignore >= INT32_MIN && ignore <= INT32_MAX && smoothing >= 0 && smoothing <= 1) ||
      weighted > 1)
    return wrongParameters;
  int64_t outer = call.integer(0), n = call.integer(1), inner = call.integer(2);
  int64_t all = product(outer, n, inner), lines = product(outer, inner);
  if (all < 0 || lines < 0 || n == 0 || n > INT32_MAX) return wrongParameters;
  int own = 2 + (int)weighted;
  if (call.nIn != own && !(gradient && call.nIn == own + 1)) return wrongArguments;
  for (int i = 0; i < call.nIn; i++) {
    if (call.in[i].dtype != (i == 1 ? DType::i32 : DType::f32)) return wrongTypes;
    int64_t want = i == 0 ? all : i == 2 && weighted != 0 ? n : lines;
    if (call.in[i].count != want) return wrongCounts;
  }
  if (call.out[0].dtype != DType::f32) return wrongTypes;
  return call.out[0].count == (gradient ? all : lines) ? nullptr : wrongCounts;
}
inline const char* crossEntropyCheck(const Call& call) { return crossEntropyCheckOf(call, false); }
inline const char* crossEntropyGradientCheck(const Call& call) {
  return crossEntropyCheckOf(call, true);
}

inline bool crossEntropyLabels(const Call& call, Context& context) {
  const Buffer& labels = call.in[1];
  return labelsInRange(labels.i32(), labels.count, call.integer(1), call.integer(3), context);
}

inline void crossEntropyRun(const Call& call, const void*, Context& context) {
  if (!crossEntropyLabels(call, context)) return;
  CrossEntropy shared(call);
  everyLine<1>(context, call, false,
               [&](auto line, const float* const* in, float* out, int64_t number) {
                 LabelledLine<decltype(line)> own(shared, line, in[0], number);
                 line.storePerLine(out, own.loss());
               });
}

inline void crossEntropyGradientRun(const Call& call, const void*, Context& context) {
  if (!crossEntropyLabels(call, context)) return;
  CrossEntropy shared(call);
  int last = 2 + (int)call.integer(5);
  const float* g = call.nIn > last ? call.in[last].f32() : nullptr;
  vf every = splat((float)call.params[6]);
  everyLine<1>(context, call, true,
               [&](auto line, const float* const* in, float* out, int64_t number) {
                 LabelledLine<decltype(line)> own(shared, line, in[0], number);
                 own.gradient(g ? line.perLine(g + number) : every, out);
               });
}

constexpr Kernel kernel_crossEntropy = {"crossEntropy", crossEntropyCheck, nullptr,
                                        nullptr,        nullptr,           crossEntropyRun};
constexpr Kernel kernel_crossEntropyGradient = {
    "crossEntropyGradient", crossEntropyGradientCheck, nullptr, nullptr, nullptr,
    crossEntropyGradientRun};

}  // namespace
}  // namespace evengrad::ISA
