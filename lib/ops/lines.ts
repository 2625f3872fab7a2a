/** Axes brought to the middle one of (outer, n, inner), which is what kernels along lines of a tensor take. */
import { type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** x with one axis in the middle: (outer, n, inner). */
export function alongAxis(x: Tensor, axis: number): Tensor {
  return x.reshape([sizeOf(x.shape.slice(0, axis)), x.shape[axis], sizeOf(x.shape.slice(axis + 1))]);
}

/** x as (outer, n, inner) with the given axes in the middle: a reshape if they are neighbours, else permuted first. */
export function asLines(x: Tensor, axes: readonly number[]): Tensor {
  const shape = x.shape;
  const product = (pick: (axis: number) => boolean): number => sizeOf(shape.filter((_, i) => pick(i)));
  if (axes.length === 0) return x.reshape([x.size, 1, 1]);
  const [first, last] = [axes[0], axes[axes.length - 1]];
  if (last - first === axes.length - 1) {
    return x.reshape([product((i) => i < first), product((i) => axes.includes(i)), product((i) => i > last)]);
  }
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  return x.permute([...kept, ...axes]).reshape([product((i) => kept.includes(i)), product((i) => axes.includes(i)), 1]);
}

/** The shape that is left when axes are reduced, with size 1 in their place or without them. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean | undefined): Shape {
  return keepDims ? shape.map((n, i) => (axes.includes(i) ? 1 : n)) : shape.filter((_, i) => !axes.includes(i));
}

/** Rewrites each line of (outer, n, inner), in double precision. */
export function mapLines(
  shape: Shape,
  inputs: readonly Float64Array[],
  rule: (lines: readonly Float64Array[], line: number) => ArrayLike<number>,
): Float64Array {
  const [outer, n, inner] = shape;
  const out = new Float64Array(outer * n * inner);
  for (let line = 0; line < outer * inner; line++) {
    const from = Math.floor(line / inner) * n * inner + (line % inner);
    const lines = inputs.map((x) => Float64Array.from({ length: n }, (_, i) => x[from + i * inner]));
    const result = rule(lines, line);
    for (let i = 0; i < n; i++) out[from + i * inner] = result[i];
  }
  return out;
}

/** One number of each line of (outer, n, inner). */
export function reduceLines(
  shape: Shape,
  x: Float64Array,
  rule: (line: Float64Array, at: number) => number,
): Float64Array {
  const [outer, n, inner] = shape;
  const line = new Float64Array(n);
  const out = new Float64Array(outer * inner);
  for (let at = 0; at < out.length; at++) {
    const from = Math.floor(at / inner) * n * inner + (at % inner);
    for (let i = 0; i < n; i++) line[i] = x[from + i * inner];
    out[at] = rule(line, at);
  }
  return out;
}

/** Σ of a line by Neumaier's compensation: the oracle must be better than what it judges. */
export function total(line: Float64Array): number {
  let sum = 0;
  let lost = 0;
  for (const x of line) {
    const next = sum + x;
    if (Number.isFinite(next)) lost += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum;
    sum = next;
  }
  return sum + lost;
}
