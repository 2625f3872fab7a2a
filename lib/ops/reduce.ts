/** Reductions over axes. The primitives reduce the middle axis of (outer, n, inner); any axes are brought to that. */
import type { DType } from "../dtype.js";
import { checkNumber, checkOptions, fail } from "../error.js";
import { checkAxes, checkShape, type Shape, sameShape, showShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { asLines, reducedShape, reduceLines, total } from "./lines.js";
import { requireTensor } from "./map.js";
import { apply, type KernelOp, type Op } from "./op.js";

/** Which axes to reduce (all unless told) and whether they stay with size 1. */
export interface ReduceOptions {
  axes?: number | readonly number[];
  keepDims?: boolean;
}

interface Reduction {
  /** Reduces one line of values, in double precision. */
  reference: (line: Float64Array) => number;
  /** From g and the result spread over (outer, n, inner). */
  vjp?: (g: Tensor, x: Tensor, y: Tensor) => Tensor;
  dtype?: DType;
  /** Only f32; otherwise i32 as well. */
  float?: boolean;
}

/** A reduction of the middle axis. */
interface ReduceOp extends KernelOp {
  /** Only f32; otherwise i32 as well. */
  readonly float: boolean;
}

/** Every reduction that was declared, for tables over all of them. */
export const reduceOps: KernelOp[] = [];

function reduction(name: string, { reference, vjp, dtype, float = false }: Reduction): ReduceOp {
  const op: ReduceOp = {
    name,
    float,
    kind: "kernel",
    kernel: "reduce",
    infer([x]) {
      const [outer, n, inner] = x.shape;
      if (n === 0 && dtype === "i32") fail(name, "the reduced axes must not be empty, got size 0");
      return { shape: [outer, inner], dtype: dtype ?? x.dtype };
    },
    params: ({ inputs: [x] }) => [name, ...x.shape],
    reference: ([x], { inputs: [{ shape }] }) => reduceLines(shape, x, reference),
    vjp:
      vjp &&
      ((g, node) => {
        const [x] = node.inputs;
        const [outer, , inner] = x.shape;
        return [vjp(g.reshape([outer, 1, inner]).expand(x.shape), x, node.reshape([outer, 1, inner]))];
      }),
  };
  reduceOps.push(op);
  return op;
}

const best = (line: Float64Array, better: (a: number, b: number) => boolean): number => {
  let at = 0;
  for (let i = 1; i < line.length; i++)
    if (better(line[i], line[at]) || (Number.isNaN(line[i]) && !Number.isNaN(line[at]))) at = i;
  return at;
};
// Equal extremes share the gradient.
const spread = (g: Tensor, x: Tensor, y: Tensor): Tensor => {
  const hit = x.equal(y).cast("f32");
  return g.mul(hit.div(hit.sum({ axes: 1, keepDims: true })));
};

const sumOp = reduction("sum", { reference: total, vjp: (g) => g });
const maxOp = reduction("max", { reference: (l) => l.reduce((a, b) => Math.max(a, b), -Infinity), vjp: spread });
const minOp = reduction("min", { reference: (l) => l.reduce((a, b) => Math.min(a, b), Infinity), vjp: spread });
const argmaxOp = reduction("argmax", { reference: (l) => best(l, (a, b) => a > b), dtype: "i32" });
const argminOp = reduction("argmin", { reference: (l) => best(l, (a, b) => a < b), dtype: "i32" });
const varianceOp = reduction("variance", {
  reference: (l) => {
    const mean = total(l) / l.length;
    return total(l.map((x) => (x - mean) ** 2)) / l.length;
  },
  vjp: (g, x) => g.mul(x.sub(x.mean({ axes: 1, keepDims: true }))).mul(2 / x.shape[1]),
  float: true,
});
const normOp = reduction("norm", {
  // A zero norm passes no gradient.
  reference: (l) => {
    const scale = l.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    return scale === 0 || !Number.isFinite(scale) ? scale : scale * Math.sqrt(total(l.map((x) => (x / scale) ** 2)));
  },
  vjp: (g, x, y) => y.equal(0).where(0, g.mul(x.div(y))),
  float: true,
});
/** Applies a reduction; messages name the function the user called. */
function reduce(op: ReduceOp, x: Tensor, options: ReduceOptions = {}, name = op.name): Tensor {
  requireTensor(name, "x", x);
  checkOptions(name, options, ["axes", "keepDims"]);
  const axes = checkAxes(name, options.axes, x.rank);
  const integers = !op.float && x.dtype === "i32";
  const values = integers ? x : x.cast("f32");
  return apply(op as Op, [asLines(values, axes)]).reshape(reducedShape(x.shape, axes, options.keepDims));
}

/** How many elements meet in one result. */
function count(x: Tensor, options: ReduceOptions = {}): number {
  let n = 1;
  for (const axis of checkAxes("mean", options.axes, x.rank)) n *= x.shape[axis];
  return n;
}

/** Σx, with an error of about an ULP whatever the length. Of i32 in i32, of flags and bytes in f32. */
export const sum = (x: Tensor, options?: ReduceOptions): Tensor => reduce(sumOp, x, options);

/** Σx/n. */
export const mean = (x: Tensor, options?: ReduceOptions): Tensor => {
  requireTensor("mean", "x", x);
  return reduce(sumOp, x.cast("f32"), options, "mean").div(count(x, options));
};

/** Largest element; NaN wins. */
export const max = (x: Tensor, options?: ReduceOptions): Tensor => reduce(maxOp, x, options);

/** Smallest element; NaN wins. */
export const min = (x: Tensor, options?: ReduceOptions): Tensor => reduce(minOp, x, options);

/** Index of the first largest element along one axis, as i32; over all elements without an axis. */
export const argmax = (x: Tensor, options?: ReduceOptions): Tensor => reduce(argmaxOp, x, options);

/** Index of the first smallest element along one axis, as i32; over all elements without an axis. */
export const argmin = (x: Tensor, options?: ReduceOptions): Tensor => reduce(argminOp, x, options);

function spreadOf(op: string, x: Tensor, options: ReduceOptions & { correction?: number } = {}): Tensor {
  requireTensor(op, "x", x);
  checkOptions(op, options, ["axes", "keepDims", "correction"]);
  const { correction = 0, ...rest } = options;
  checkNumber(op, "correction", correction, { min: 0 });
  const population = reduce(varianceOp, x, rest, op);
  const n = count(x, rest);
  return correction === 0 ? population : population.mul(n / (n - correction));
}

/** Σ(x−mean)²/(n−correction), two-pass; `correction` 0 (population) unless told. */
export const variance = (x: Tensor, options?: ReduceOptions & { correction?: number }): Tensor =>
  spreadOf("variance", x, options);

/** √variance. */
export const std = (x: Tensor, options?: ReduceOptions & { correction?: number }): Tensor =>
  spreadOf("std", x, options).sqrt();

/** Euclidean norm √Σx², without overflow or underflow on the way. */
export const norm = (x: Tensor, options?: ReduceOptions): Tensor => reduce(normOp, x, options);

/** Whether any element is non-zero. */
export const any = (x: Tensor, options?: ReduceOptions): Tensor => {
  requireTensor("any", "x", x);
  return reduce(sumOp, x.cast("bool"), options, "any").greater(0);
};

/** Whether all elements are non-zero. */
export const all = (x: Tensor, options?: ReduceOptions): Tensor => {
  requireTensor("all", "x", x);
  return reduce(sumOp, x.cast("bool").logicalNot(), options, "all").equal(0);
};

/** Whether what has one shape can be broadcast to another one of as many axes. */
function fitsInto(from: Shape, to: Shape): boolean {
  for (let i = 0; i < from.length; i++) if (from[i] !== 1 && from[i] !== to[i]) return false;
  return true;
}

/** Sums the axes along which `x` is larger than `shape`: what a broadcast's gradient needs. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  requireTensor("sumTo", "x", x);
  const to = checkShape("sumTo", shape);
  if (sameShape(x.shape, to)) return x;
  const lead = x.rank - to.length;
  if (lead < 0 || !fitsInto(to, x.shape.slice(lead))) {
    fail("sumTo", `shape must be one that broadcasts to ${showShape(x.shape)}, got ${showShape(to)}`);
  }
  const axes: number[] = [];
  for (let i = 0; i < x.rank; i++) if (i < lead || (to[i - lead] === 1 && x.shape[i] !== 1)) axes.push(i);
  return (axes.length ? x.sum({ axes, keepDims: true }) : x).reshape(to);
}
