/** What normalization layers compute in one kernel call: statistics of channels, and rows normalized with their gradient. */
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { total } from "./lines.js";
import { apply, type KernelOp, type Op } from "./op.js";
import { customGradient } from "./shape.js";

/** Sums of channels, the middle axis of (outer, n, inner), over the other two. */
function perChannel(
  shape: Shape,
  inputs: readonly Float64Array[],
  rule: (...x: Float64Array[]) => number,
): Float64Array {
  const [outer, n, inner] = shape;
  return Float64Array.from({ length: n }, (_, c) => {
    const pick = (x: Float64Array): Float64Array =>
      Float64Array.from({ length: outer * inner }, (_, k) => x[(Math.floor(k / inner) * n + c) * inner + (k % inner)]);
    return rule(...inputs.map(pick));
  });
}

function channelOp(
  name: string,
  kernel: string,
  part: number,
  rule: (...x: Float64Array[]) => number,
  vjp?: KernelOp["vjp"],
): KernelOp {
  return {
    name,
    kind: "kernel",
    kernel,
    part,
    infer: ([{ shape }]) => ({ shape: [shape[1]], dtype: "f32" }),
    params: ({ inputs: [x] }) => x.shape,
    reference: (inputs, call) => perChannel(call.inputs[0].shape, inputs, rule),
    vjp,
  };
}

const over = { axes: [0, 2] };
const mean = (x: Float64Array): number => total(x) / x.length;
const spread = (g: Tensor): Tensor => g.reshape([1, g.size, 1]);
const size = (x: Tensor): number => x.shape[0] * x.shape[2];

const meanOp = channelOp("channelMean", "moments", 0, mean, (g, { inputs: [x] }) => [
  spread(g.div(size(x))).expand(x.shape),
]);
// In exact arithmetic it is 0.
const restOp = channelOp("channelRest", "moments", 1, () => 0);
const varianceOp = channelOp(
  "channelVariance",
  "moments",
  2,
  (x) => {
    const middle = mean(x);
    return mean(x.map((v) => (v - middle) ** 2));
  },
  (g, { inputs: [x] }) => [x.sub(x.mean({ ...over, keepDims: true })).mul(spread(g.mul(2 / size(x))))],
);
const sumOp = channelOp("channelSum", "channelSums", 0, total, (h, { inputs: [g] }) => [
  spread(h).expand(g.shape),
  undefined,
]);
const productOp = channelOp(
  "channelProduct",
  "channelSums",
  1,
  (g, y) => total(g.map((v, i) => v * y[i])),
  (h, { inputs: [g, y] }) => [y.mul(spread(h)), g.mul(spread(h))],
);

/** Mean, what its rounding left over, and variance of the channels of x (outer, n, inner), (n) each. */
export function channelMoments(x: Tensor): { mean: Tensor; rest: Tensor; variance: Tensor } {
  const of = (op: KernelOp): Tensor => apply(op as Op, [x]);
  return { mean: of(meanOp), rest: of(restOp), variance: of(varianceOp) };
}

/** Σg and Σ g·y of channels, (n) each. */
export function channelSums(g: Tensor, y: Tensor): { sum: Tensor; product: Tensor } {
  return { sum: apply(sumOp as Op, [g, y]), product: apply(productOp as Op, [g, y]) };
}

interface RowAttrs {
  readonly [name: string]: unknown;
  readonly eps: number;
  /** Whether the mean is taken off. */
  readonly centered: boolean;
  readonly weighted: boolean;
}

interface Row {
  /** (x − mean)·r */
  hat: Float64Array;
  r: number;
}

function normalized(x: Float64Array, { eps, centered }: RowAttrs): Row {
  const middle = centered ? mean(x) : 0;
  const off = x.map((v) => v - middle);
  const r = 1 / Math.sqrt(mean(off.map((v) => v * v)) + eps);
  return { hat: off.map((v) => v * r), r };
}

const rowParams = ({ inputs: [x], attrs }: { inputs: readonly { shape: Shape }[]; attrs: RowAttrs }): number[] => [
  ...x.shape,
  attrs.eps,
  Number(attrs.centered),
  Number(attrs.weighted),
];

/** y = ŷ·w + b, ŷ = (x − mean)·r with r = 1/√(mean (x − mean)² + ε), along rows (rows, n). */
const layerNormOp: KernelOp<RowAttrs> = {
  name: "layerNorm",
  kind: "kernel",
  kernel: "layerNorm",
  infer: ([{ shape }]) => ({ shape, dtype: "f32" }),
  params: rowParams,
  reference([x, w, b], { inputs: [{ shape }], attrs }) {
    const [rows, n] = shape;
    const out = new Float64Array(rows * n);
    for (let row = 0; row < rows; row++) {
      const { hat } = normalized(x.subarray(row * n, (row + 1) * n), attrs);
      out.set(
        hat.map((v, i) => v * (w ? w[i] : 1) + (b ? b[i] : 0)),
        row * n,
      );
    }
    return out;
  },
  vjp(g, node) {
    const [x, w] = node.inputs;
    const attrs = node.attrs as RowAttrs;
    const inputs = w ? [g, x, w] : [g, x];
    // A second derivative goes through the formulas; what runs is one call for all three.
    const formulas = rowGradients(g, x, w, attrs);
    const [dx, dw, db] = gradientOps.map((op, i) =>
      customGradient(apply(op as Op, inputs, attrs), [formulas[i]], (h) => [h]),
    );
    return w ? (attrs.centered ? [dx, dw, db] : [dx, dw]) : [dx];
  },
};

/** dx = r·(g·w − mean(g·w) − ŷ·mean(g·w·ŷ)), dw = Σ g·ŷ and db = Σg (Ba et al. 2016; without the means of g·w for RMS). */
function rowGradients(g: Tensor, x: Tensor, w: Tensor | undefined, { eps, centered }: RowAttrs): Tensor[] {
  const row = { axes: 1, keepDims: true };
  const off = centered ? x.sub(x.mean(row)) : x;
  const r = off.square().mean(row).add(eps).rsqrt();
  const hat = off.mul(r);
  const gw = w ? g.mul(w) : g;
  const level = centered ? gw.sub(gw.mean(row)) : gw;
  return [level.sub(hat.mul(gw.mul(hat).mean(row))).mul(r), g.mul(hat).sum({ axes: 0 }), g.sum({ axes: 0 })];
}

const gradientOps = ["layerNormGradient", "layerNormGradientWeight", "layerNormGradientBias"].map(
  (name, part): KernelOp<RowAttrs> => ({
    name,
    gradientOf: "layerNorm",
    kind: "kernel",
    kernel: "layerNormGradient",
    part,
    infer: ([{ shape }]) => ({ shape: part === 0 ? shape : [shape[1]], dtype: "f32" }),
    params: rowParams,
    reference([g, x, w], { inputs: [{ shape }], attrs }) {
      const [rows, n] = shape;
      const out = new Float64Array(part === 0 ? rows * n : n);
      for (let row = 0; row < rows; row++) {
        const own = g.subarray(row * n, (row + 1) * n);
        const { hat, r } = normalized(x.subarray(row * n, (row + 1) * n), attrs);
        const gw = own.map((v, i) => v * (w ? w[i] : 1));
        const level = attrs.centered ? mean(gw) : 0;
        const slope = mean(gw.map((v, i) => v * hat[i]));
        for (let i = 0; i < n; i++) {
          if (part === 0) out[row * n + i] = r * (gw[i] - level - hat[i] * slope);
          else out[i] += own[i] * (part === 1 ? hat[i] : 1);
        }
      }
      return out;
    },
  }),
);

/** Rows of x (rows, n) to mean 0 and variance 1, or only to mean square 1, then times weight (n) plus bias (n). */
export function normalizeRows(
  x: Tensor,
  eps: number,
  options: { centered: boolean; weight?: Tensor; bias?: Tensor },
): Tensor {
  const { centered, weight, bias } = options;
  const inputs = [x, ...(weight ? [weight] : []), ...(bias ? [bias] : [])];
  return apply(layerNormOp as Op, inputs, { eps, centered, weighted: weight !== undefined });
}
