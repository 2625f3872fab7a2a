/** softmax, its logarithm and ln Σeˣ along an axis, with gradients of one kernel call each. */
import { checkOptions } from "../error.js";
import { checkAxes, checkAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { alongAxis, asLines, mapLines, reducedShape, reduceLines, total } from "./lines.js";
import { requireTensor } from "./map.js";
import { apply, type KernelOp, type Op } from "./op.js";
import type { ReduceOptions } from "./reduce.js";

/** Of lines (outer, n, inner) of f32, with as many inputs of that shape as the line rule takes. */
function lineOp(
  name: string,
  rule: (...lines: Float64Array[]) => ArrayLike<number>,
  vjp: NonNullable<KernelOp["vjp"]>,
): KernelOp {
  return {
    name,
    kind: "kernel",
    kernel: name,
    infer: ([x]) => ({ shape: x.shape, dtype: "f32" }),
    params: ({ inputs: [x] }) => x.shape,
    reference: (inputs, { out }) => mapLines(out.shape, inputs, (lines) => rule(...lines)),
    vjp,
  };
}

const over = { axes: 1, keepDims: true };
const largest = (line: Float64Array): number => line.reduce((a, b) => Math.max(a, b), -Infinity);

/** ln Σ e^(x − max), as log1p of the terms other than one of the largest. */
function logOfSum(line: Float64Array, top: number): number {
  const ties = line.reduce((n, x) => n + Number(x === top), 0);
  return Math.log1p(total(line.map((x) => (x === top ? 0 : Math.exp(x - top)))) + (ties - 1));
}

const softmaxOp = lineOp(
  "softmax",
  (line) => {
    const top = largest(line);
    const e = line.map((x) => Math.exp(x - top));
    const sum = total(e);
    return e.map((x) => x / sum);
  },
  (g, node) => [apply(softmaxGradientOp as Op, [g, node])],
);

/** dx = y·(g − Σ g·y) */
const softmaxGradientOp: KernelOp = lineOp(
  "softmaxGradient",
  (g, y) => {
    const mean = total(g.map((x, i) => x * y[i]));
    return g.map((x, i) => y[i] * (x - mean));
  },
  (h, node) => {
    const [g, y] = node.inputs;
    // dg = y·(h − Σ h·y) again; dy = h·(g − Σ g·y) − g·Σ h·y
    const dy = h.mul(g.sub(g.mul(y).sum(over))).sub(g.mul(h.mul(y).sum(over)));
    return [apply(softmaxGradientOp as Op, [h, y]), dy];
  },
);

const logSoftmaxOp = lineOp(
  "logSoftmax",
  (line) => {
    const top = largest(line);
    const log = logOfSum(line, top);
    return line.map((x) => x - top - log);
  },
  (g, node) => [apply(logSoftmaxGradientOp as Op, [g, node])],
);

/** dx = g − p·Σg with p = e^y */
const logSoftmaxGradientOp: KernelOp = lineOp(
  "logSoftmaxGradient",
  (g, y) => {
    const sum = total(g);
    return g.map((x, i) => Math.exp(y[i]) * (x - sum) - x * Math.expm1(y[i]));
  },
  (h, node) => {
    const [g, y] = node.inputs;
    const weighted = y.exp().mul(h);
    return [h.sub(weighted.sum(over).expand(h.shape)), weighted.mul(g.sum(over)).neg()];
  },
);

const logSumExpOp: KernelOp = {
  name: "logSumExp",
  kind: "kernel",
  kernel: "logSumExp",
  infer: ([{ shape }]) => ({ shape: [shape[0], shape[2]], dtype: "f32" }),
  params: ({ inputs: [x] }) => x.shape,
  reference: ([x], { inputs: [{ shape }] }) =>
    reduceLines(shape, x, (line) => {
      const top = largest(line);
      return Math.abs(top) === Infinity || Number.isNaN(top) ? top : top + logOfSum(line, top);
    }),
  // softmax x, not e^(x − y): y may be large, and x − y would keep few digits.
  vjp: (g, node) => {
    const [x] = node.inputs;
    return [apply(softmaxOp as Op, [x]).mul(g.reshape([x.shape[0], 1, x.shape[2]]))];
  },
};

function alongOne(name: string, op: KernelOp, x: Tensor, axis: number): Tensor {
  requireTensor(name, "x", x);
  const at = checkAxis(name, axis, x.rank);
  return apply(op as Op, [alongAxis(x.cast("f32"), at)]).reshape(x.shape);
}

/** eˣ/Σeˣ along an axis (the last unless told). */
export const softmax = (x: Tensor, axis = -1): Tensor => alongOne("softmax", softmaxOp, x, axis);

/** ln softmax along an axis (the last unless told); tiny probabilities of the rest keep their digits. */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => alongOne("logSoftmax", logSoftmaxOp, x, axis);

/** ln Σeˣ, shifted by the largest element. */
export function logSumExp(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireTensor("logSumExp", "x", x);
  checkOptions("logSumExp", options, ["axes", "keepDims"]);
  const axes = checkAxes("logSumExp", options.axes, x.rank);
  return apply(logSumExpOp as Op, [asLines(x.cast("f32"), axes)]).reshape(
    reducedShape(x.shape, axes, options.keepDims),
  );
}
