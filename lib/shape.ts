/** Shapes: sizes of a tensor's axes, outermost first, and the arithmetic on them. */
import { fail, show } from "./error.js";

/** Axis sizes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
}

export function showShape(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Elements between neighbours along each axis of a dense row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

/** Most elements that one tensor may have; more is a mistake on any machine of today. */
export const maxElements = 2 ** 38;

/** A shape given by a caller: one size or a list of whole numbers, copied. */
export function checkShape(op: string, shape: unknown): number[] {
  const list = typeof shape === "number" ? [shape] : shape;
  if (!Array.isArray(list) || !list.every((n) => Number.isInteger(n) && n >= 0)) {
    fail(op, `shape must be a list of whole numbers, got ${show(shape)}`);
  }
  if (sizeOf(list) > maxElements) {
    fail(op, `shape ${showShape(list)} has ${sizeOf(list)} elements, more than any memory holds. Check the sizes`);
  }
  return [...list];
}

/** The shape two or more shapes broadcast to: aligned at the last axis, sizes equal or 1. */
export function broadcastShapes(op: string, shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      if (shape[i] === 1 || shape[i] === out[at]) continue;
      if (out[at] !== 1) {
        fail(
          op,
          `shapes must be equal or 1 on each axis counted from the last, got ${shapes.map(showShape).join(" and ")}. ` +
            "Reshape or expand one of them",
        );
      }
      out[at] = shape[i];
    }
  }
  return out;
}

/** Strides with which a dense tensor of `shape` is read under a broadcast to `to`: 0 on repeated axes. */
export function broadcastStrides(shape: Shape, to: Shape): number[] {
  const own = stridesOf(shape);
  const lead = to.length - shape.length;
  return to.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : own[i - lead]));
}

/** One axis as a non-negative index; negative ones count from the end. */
export function checkAxis(op: string, axis: unknown, rank: number): number {
  if (!Number.isInteger(axis) || (axis as number) < -rank || (axis as number) >= rank) {
    fail(op, `axis must be a whole number from ${-rank} to ${rank - 1} for ${rank} axes, got ${show(axis)}`);
  }
  return (axis as number) < 0 ? (axis as number) + rank : (axis as number);
}

/** One or several axes as sorted distinct indices; undefined means all. */
export function checkAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return [...new Array(rank).keys()];
  const list = (typeof axes === "number" ? [axes] : [...axes]).map((axis) => checkAxis(op, axis, rank));
  if (new Set(list).size !== list.length) fail(op, `axes must be distinct, got ${show(axes)}`);
  return list.sort((a, b) => a - b);
}
