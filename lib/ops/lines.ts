/** Axes brought to the middle one of (outer, n, inner), which is what kernels along lines of a tensor take. */
import { type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** x with one axis in the middle: (outer, n, inner). */
export function alongAxis(x: Tensor, axis: number): Tensor {
  return x.reshape([sizeOf(x.shape.slice(0, axis)), x.shape[axis], sizeOf(x.shape.slice(axis + 1))]);
}

/** x as (outer, n, inner) with the given axes in the middle: a reshape if they are neighbours, else permuted first. */
export function asLines(x: Tensor, axes: readonly number[]): Tensor {
  const { shape } = x;
  if (axes.length === 0) return x.reshape([x.size, 1, 1]);
  const [first, end] = [axes[0], axes[axes.length - 1] + 1];
  if (end - first === axes.length) {
    return x.reshape([sizeOf(shape.slice(0, first)), sizeOf(shape.slice(first, end)), sizeOf(shape.slice(end))]);
  }
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const turned = x.permute([...kept, ...axes]);
  return turned.reshape([sizeOf(turned.shape.slice(0, kept.length)), sizeOf(turned.shape.slice(kept.length)), 1]);
}

/** The shape that is left when axes are reduced, with size 1 in their place or without them. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims = false): Shape {
  const left: number[] = [];
  for (let i = 0; i < shape.length; i++)
    if (!axes.includes(i)) left.push(shape[i]);
    else if (keepDims) left.push(1);
  return left;
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
