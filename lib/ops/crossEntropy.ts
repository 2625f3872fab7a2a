/** Cross-entropy of logits with labels, a kernel call for the losses and one for their gradient. */
import type { Tensor } from "../tensor.js";
import { labelOutOfRange, noLabel } from "./gather.js";
import { alongAxis, mapLines, reduceLines, total } from "./lines.js";
import { apply, type KernelOp, type Op, type OpCall } from "./op.js";

interface Attrs {
  readonly [name: string]: unknown;
  /** A label that does not count. */
  ignore: number;
  /** Share of the target that all classes have evenly. */
  smoothing: number;
  /** Whether the third input is a weight for each class. */
  weighted: boolean;
}

interface GradientAttrs extends Attrs {
  /** The cotangent where it is one number; otherwise it is the last input. */
  g?: number;
}

const over = { axes: 1, keepDims: true };

/** The target t = w·((1 − smoothing)·onehot(label) + smoothing/n) of a line; undefined where it does not count. */
function target(
  op: string,
  { inputs: [x], attrs }: OpCall<Attrs>,
  [, labels, weights]: readonly Float64Array[],
  line: number,
): Float64Array | undefined {
  const n = x.shape[1];
  const label = labels[line];
  if (label === attrs.ignore) return undefined;
  if (label < 0 || label >= n) labelOutOfRange(op, label, line, n);
  const even = attrs.smoothing / n;
  return Float64Array.from(
    { length: n },
    (_, i) => (attrs.weighted ? weights[i] : 1) * (even + (i === label ? 1 - attrs.smoothing : 0)),
  );
}

/** −ln softmax, keeping the digits of a p near 1; NaN if the largest is infinite. */
function surprises(line: Float64Array): Float64Array {
  const top = line.reduce((a, b) => Math.max(a, b), -Infinity);
  const e = line.map((x) => Math.exp(x - top));
  if (Math.abs(top) === Infinity) return line.map(() => Number.NaN);
  const most = line.indexOf(top);
  const log = Math.log1p(total(e.map((x, i) => (i === most ? 0 : x))));
  return line.map((x) => top - x + log);
}

const encode = ({ inputs: [x], attrs }: OpCall<Attrs>): number[] => [
  ...x.shape,
  attrs.ignore,
  attrs.smoothing,
  Number(attrs.weighted),
];

const crossEntropyOp: KernelOp<Attrs> = {
  name: "crossEntropy",
  kind: "kernel",
  kernel: "crossEntropy",
  infer: ([{ shape }]) => ({ shape: [shape[0], shape[2]], dtype: "f32" }),
  params: encode,
  // −Σ t·ln p
  reference: (inputs, call) =>
    reduceLines(call.inputs[0].shape, inputs[0], (x, line) => {
      const t = target("crossEntropy", call, inputs, line);
      if (!t) return 0;
      const far = surprises(x);
      const label = inputs[1][line];
      return call.attrs.smoothing === 0 ? t[label] * far[label] : total(t.map((share, i) => share * far[i]));
    }),
  vjp: (g, node) => [
    apply(crossEntropyGradientOp as Op, [...node.inputs, g], node.attrs),
    undefined,
    node.attrs.weighted ? classSums(targets(node).mul(node.inputs[0].logSoftmax(1).neg()).mul(spread(g))) : undefined,
  ],
};

/** dx = g·(p·Σt − t) */
const crossEntropyGradientOp: KernelOp<GradientAttrs> = {
  name: "crossEntropyGradient",
  gradientOf: "crossEntropy",
  kind: "kernel",
  kernel: "crossEntropyGradient",
  uniform: "g",
  infer: ([{ shape }]) => ({ shape, dtype: "f32" }),
  params: (call) => [...encode(call), call.attrs.g ?? 0],
  reference: (inputs, call) =>
    mapLines(call.inputs[0].shape, [inputs[0]], ([x], line) => {
      const t = target("crossEntropy", call, inputs, line);
      if (!t) return x.map(() => 0);
      const g = call.attrs.g ?? inputs[inputs.length - 1][line];
      const far = surprises(x);
      // p·Σt − t = (p − 1)·t + p·(Σ of the other t): no digits are lost where p is near 1.
      return far.map((s, i) => g * (Math.expm1(-s) * t[i] + Math.exp(-s) * total(t.map((u, k) => (k === i ? 0 : u)))));
    }),
  vjp(h, node) {
    const [x, labels] = node.inputs;
    const weights = node.attrs.weighted ? node.inputs[2] : undefined;
    const g = node.inputs[node.inputs.length - 1];
    const ones = g.mul(0).add(1);
    const p = x.softmax(1);
    const t = weights ? targets(node).mul(weights.reshape([1, x.shape[1], 1])) : targets(node);
    const mean = h.mul(p).sum(over);
    return [
      // g·Σt·p·(h − Σ h·p)
      spread(g).mul(t.sum(over)).mul(p).mul(h.sub(mean)),
      undefined,
      ...(weights ? [classSums(targets(node).mul(mean.sub(h)).mul(spread(g)))] : []),
      h
        .mul(apply(crossEntropyGradientOp as Op, [x, labels, ...(weights ? [weights] : []), ones], node.attrs))
        .sum({ axes: 1 }),
    ];
  },
};

/** One number per line (outer, inner), over the classes. */
const spread = (g: Tensor): Tensor => g.reshape([g.shape[0], 1, g.shape[1]]);

/** Per class, over all lines. */
const classSums = (x: Tensor): Tensor => x.sum({ axes: [0, 2] });

/** The target before the weights: (outer, n, inner), 0 where ignored. */
function targets({ inputs: [x, labels], attrs }: Tensor): Tensor {
  const { ignore, smoothing } = attrs as Attrs;
  const n = x.shape[1];
  const hot = labels.oneHot(n).permute([0, 2, 1]);
  const counts = spread(labels.notEqual(ignore));
  return counts.where(hot.mul(1 - smoothing).add(smoothing / n), 0);
}

/** What {@link labelLosses} takes. */
export interface LabelOptions {
  axis: number;
  ignore?: number;
  smoothing?: number;
  /** (n) */
  weights?: Tensor;
}

/** −Σ t·ln softmax(x) along an axis for labels (i32) of x's shape without it, t = w·((1−ε)·onehot + ε/n). */
export function labelLosses(x: Tensor, labels: Tensor, options: LabelOptions): Tensor {
  const { axis, ignore = noLabel, smoothing = 0, weights } = options;
  const lines = alongAxis(x, axis);
  const inputs = [lines, labels.reshape([lines.shape[0], lines.shape[2]])];
  if (weights) inputs.push(weights);
  const attrs = { ignore, smoothing, weighted: weights !== undefined };
  return apply(crossEntropyOp as Op, inputs, attrs).reshape(labels.shape);
}
