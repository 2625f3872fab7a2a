/** Ops that move elements without computing: reshape, permute, slice, place, pad, concat. */
import { checkNumber, fail, show } from "../error.js";
import { checkAxes, checkAxis, checkShape, type Shape, sameShape, showShape, sizeOf, stridesOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { requireTensor } from "./map.js";
import { type AliasOp, type Aval, apply, type KernelOp, type Op, type OpCall } from "./op.js";

const reshapeOp: AliasOp<{ shape: Shape }> = {
  name: "reshape",
  kind: "alias",
  infer: ([x], { shape }) => ({ shape, dtype: x.dtype }),
  reference: ([x]) => x,
  vjp: (g, node) => [reshape(g, node.inputs[0].shape)],
};

/** The same elements in another shape; one axis may be −1 and is worked out. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  requireTensor("reshape", "x", x);
  const unknown = Array.isArray(shape) ? shape.indexOf(-1) : -1;
  const known = checkShape("reshape", unknown < 0 ? shape : shape.map((n, i) => (i === unknown ? 1 : n)));
  if (unknown >= 0) known[unknown] = sizeOf(known) === 0 ? 0 : x.size / sizeOf(known);
  if (!Number.isInteger(known[unknown] ?? 0) || sizeOf(known) !== x.size) {
    fail("reshape", `sizes must have equal products, got ${showShape(x.shape)} to ${showShape(shape)}`);
  }
  if (sameShape(known, x.shape)) return x;
  return apply(reshapeOp as Op, [x], { shape: known });
}

/** Axes from `start` to `end` joined into one. */
export function flatten(x: Tensor, start = 0, end = -1): Tensor {
  requireTensor("flatten", "x", x);
  if (x.rank === 0) return reshape(x, [1]);
  const [from, to] = [checkAxis("flatten", start, x.rank), checkAxis("flatten", end, x.rank)];
  if (from > to) fail("flatten", `start must not come after end, got ${start} and ${end} of ${showShape(x.shape)}`);
  return reshape(x, [...x.shape.slice(0, from), sizeOf(x.shape.slice(from, to + 1)), ...x.shape.slice(to + 1)]);
}

/** A new axis of size 1 before `axis`. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  requireTensor("unsqueeze", "x", x);
  const at = checkAxis("unsqueeze", axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Without an axis of size 1, or without all of them. */
export function squeeze(x: Tensor, axis?: number): Tensor {
  requireTensor("squeeze", "x", x);
  if (axis === undefined)
    return reshape(
      x,
      x.shape.filter((n) => n !== 1),
    );
  const at = checkAxis("squeeze", axis, x.rank);
  if (x.shape[at] !== 1) fail("squeeze", `axis ${axis} must have size 1, got ${showShape(x.shape)}`);
  return reshape(
    x,
    x.shape.filter((_, i) => i !== at),
  );
}

/** Where a strided read of a dense block begins and how far it steps along each axis of the result. */
interface Window {
  dims: Shape;
  strides: readonly number[];
  offset: number;
}

function visit({ dims, strides, offset }: Window, body: (outer: number, inner: number) => void): void {
  const index = new Array<number>(dims.length).fill(0);
  for (let at = 0, n = sizeOf(dims), from = offset; at < n; at++) {
    body(from, at);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < dims[axis]) break;
      from -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
  }
}

const windowParams = ({ dims, strides, offset }: Window): number[] => [dims.length, ...dims, ...strides, offset];

/** An op that reads its input through a window. */
function reading<A extends { readonly [key: string]: unknown }>(
  name: string,
  window: (call: OpCall<A>) => Window,
  rules: Pick<KernelOp<A>, "infer" | "vjp">,
): KernelOp<A> {
  return {
    name,
    kind: "kernel",
    kernel: "strided",
    ...rules,
    params: (call) => windowParams(window(call)),
    reference([x], call) {
      const out = new Float64Array(sizeOf(call.out.shape));
      visit(window(call), (from, to) => {
        out[to] = x[from];
      });
      return out;
    },
  };
}

export const permuteOp = reading<{ axes: readonly number[] }>(
  "permute",
  ({ inputs: [x], attrs: { axes }, out }) => {
    const strides = stridesOf(x.shape);
    return { dims: out.shape, strides: axes.map((axis) => strides[axis]), offset: 0 };
  },
  {
    infer: ([x], { axes }) => ({ shape: axes.map((axis) => x.shape[axis]), dtype: x.dtype }),
    vjp: (g, node) => {
      const axes = node.attrs.axes as readonly number[];
      return [
        permute(
          g,
          axes.map((_, i) => axes.indexOf(i)),
        ),
      ];
    },
  },
);

/** Axes in another order: axis i of the result is axis `axes[i]` of x. */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  requireTensor("permute", "x", x);
  if (!Array.isArray(axes)) fail("permute", `axes must name each of the ${x.rank} axes once, got ${show(axes)}`);
  const order = axes.map((axis) => checkAxis("permute", axis, x.rank));
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    fail("permute", `axes must name each of the ${x.rank} axes once, got ${show(axes)}`);
  }
  return order.every((axis, i) => axis === i) ? x : apply(permuteOp as Op, [x], { axes: order });
}

/** Two axes swapped, the last two unless told. */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  requireTensor("transpose", "x", x);
  if (x.rank < 2) fail("transpose", `wants at least 2 axes, got ${showShape(x.shape)}. Reshape first`);
  const [from, to] = [checkAxis("transpose", a, x.rank), checkAxis("transpose", b, x.rank)];
  return permute(
    x,
    x.shape.map((_, i) => (i === from ? to : i === to ? from : i)),
  );
}

interface SliceAttrs {
  readonly [key: string]: unknown;
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly shape: Shape;
}

function sliceWindow(dense: Shape, { starts, steps, shape }: SliceAttrs): Window {
  const strides = stridesOf(dense);
  const offset = sizeOf(shape) === 0 ? 0 : starts.reduce((sum, start, i) => sum + start * strides[i], 0);
  return { dims: shape, strides: strides.map((s, i) => s * steps[i]), offset };
}

const sliceOp = reading<SliceAttrs>("slice", ({ inputs: [x], attrs }) => sliceWindow(x.shape, attrs), {
  infer: ([x], { shape }) => ({ shape, dtype: x.dtype }),
  vjp: (g, node) => [apply(placeOp as Op, [g], { ...node.attrs, into: node.inputs[0].shape, fill: 0 })],
});

interface PlaceAttrs extends SliceAttrs {
  readonly into: Shape;
  readonly fill: number;
}

// The inverse of slice: zeros (or `fill`) with the input written where slice would read.
const placeOp: KernelOp<PlaceAttrs> = {
  name: "place",
  kind: "kernel",
  kernel: "place",
  infer: ([x], { into }) => ({ shape: into, dtype: x.dtype }),
  params: ({ attrs }) => [...windowParams(sliceWindow(attrs.into, attrs)), attrs.fill],
  reference([x], { attrs }) {
    const out = new Float64Array(sizeOf(attrs.into)).fill(attrs.fill);
    visit(sliceWindow(attrs.into, attrs), (to, from) => {
      out[to] = x[from];
    });
    return out;
  },
  vjp: (g, node) => {
    const { starts, steps, shape } = node.attrs as unknown as PlaceAttrs;
    return [apply(sliceOp as Op, [g], { starts, steps, shape })];
  },
};

/** A range of one axis: `[start, end)` with a step, negative bounds counting from the end; a number selects one. */
export type Range = number | readonly [start?: number | null, end?: number | null, step?: number];

/**
 * Part of a tensor, one range per leading axis. A number selects one index and drops the axis.
 * @example await arange(6).reshape([2, 3]).slice([1], [0, 2]).data() // Float32Array [3, 4]
 */
export function slice(x: Tensor, ...ranges: (Range | null)[]): Tensor {
  requireTensor("slice", "x", x);
  if (ranges.length > x.rank)
    fail("slice", `wants at most ${x.rank} ranges for ${showShape(x.shape)}, got ${ranges.length}`);
  const starts: number[] = [];
  const steps: number[] = [];
  const shape: number[] = [];
  const dropped = new Set<number>();
  for (const [axis, n] of x.shape.entries()) {
    const range = ranges[axis] ?? [];
    if (typeof range === "number") {
      starts.push(checkAxis("slice", range, n));
      steps.push(1);
      shape.push(1);
      dropped.add(axis);
      continue;
    }
    if (!Array.isArray(range)) fail("slice", `ranges must be numbers or [start, end, step], got ${show(range)}`);
    const step = range[2] ?? 1;
    if (!Number.isInteger(step) || step === 0)
      fail("slice", `step must be a whole number other than 0, got ${show(step)}`);
    const bound = (value: number | null | undefined, otherwise: number): number => {
      if (value === null || value === undefined) return otherwise;
      if (!Number.isInteger(value)) fail("slice", `bounds must be whole numbers, got ${show(value)}`);
      const [low, high] = step > 0 ? [0, n] : [-1, n - 1];
      return Math.min(high, Math.max(low, value < 0 ? value + n : value));
    };
    const start = bound(range[0], step > 0 ? 0 : n - 1);
    const end = bound(range[1], step > 0 ? n : -1);
    starts.push(start);
    steps.push(step);
    shape.push(Math.max(0, Math.ceil((end - start) / step)));
  }
  const whole = shape.every((n, i) => n === x.shape[i] && steps[i] === 1);
  const part = whole ? x : apply(sliceOp as Op, [x], { starts, steps, shape });
  return dropped.size
    ? reshape(
        part,
        shape.filter((_, i) => !dropped.has(i)),
      )
    : part;
}

/** The order of one or more axes reversed. */
export function flip(x: Tensor, axes: number | readonly number[]): Tensor {
  requireTensor("flip", "x", x);
  if (axes === undefined) fail("flip", "axes must be a number or a list of them, got undefined");
  const list = checkAxes("flip", axes, x.rank);
  return slice(x, ...x.shape.map((_, i): Range => (list.includes(i) ? [null, null, -1] : [])));
}

/** x surrounded by `value`: `[before, after]` counts for every axis. */
export function pad(x: Tensor, padding: readonly (readonly [number, number])[], value = 0): Tensor {
  requireTensor("pad", "x", x);
  const isPair = (p: unknown): boolean =>
    Array.isArray(p) && p.length === 2 && p.every((n) => Number.isInteger(n) && n >= 0);
  if (!Array.isArray(padding) || padding.length !== x.rank || !padding.every(isPair)) {
    fail("pad", `padding must be one [before, after] per axis of ${showShape(x.shape)}, got ${show(padding)}`);
  }
  if (typeof value !== "number") fail("pad", `value must be a number, got ${show(value)}`);
  const into = x.shape.map((n, i) => n + padding[i][0] + padding[i][1]);
  const attrs = { starts: padding.map((p) => p[0]), steps: x.shape.map(() => 1), shape: x.shape, into, fill: value };
  return apply(placeOp as Op, [x], attrs);
}

/** Whether two arrays differ along one axis at most. */
function fitsBeside(a: Aval, b: Aval, axis: number): boolean {
  if (a.dtype !== b.dtype || a.shape.length !== b.shape.length) return false;
  for (let i = 0; i < a.shape.length; i++) if (i !== axis && a.shape[i] !== b.shape[i]) return false;
  return true;
}

const concatOp: KernelOp<{ axis: number }> = {
  name: "concat",
  kind: "kernel",
  kernel: "concat",
  infer(inputs, { axis }) {
    const [first] = inputs;
    const shape = [...first.shape];
    shape[axis] = 0;
    for (const x of inputs) {
      if (!fitsBeside(first, x, axis)) {
        const got = inputs.map(({ dtype, shape }) => `${dtype}${showShape(shape)}`).join(", ");
        fail("concat", `tensors must agree in dtype and in every axis but ${axis}, got ${got}`);
      }
      shape[axis] += x.shape[axis];
    }
    return { shape, dtype: first.dtype };
  },
  params: ({ inputs, attrs: { axis }, out }) => [
    sizeOf(out.shape.slice(0, axis)),
    sizeOf(out.shape.slice(axis + 1)),
    ...inputs.map((x) => x.shape[axis]),
  ],
  reference(inputs, { inputs: avals, attrs: { axis }, out }) {
    const result = new Float64Array(sizeOf(out.shape));
    const row = sizeOf(out.shape.slice(axis));
    const outer = sizeOf(out.shape.slice(0, axis));
    let at = 0;
    for (const [i, x] of inputs.entries()) {
      const part = sizeOf(avals[i].shape.slice(axis));
      for (let o = 0; o < outer; o++) result.set(x.subarray(o * part, (o + 1) * part), o * row + at);
      at += part;
    }
    return result;
  },
  vjp(g, node) {
    const axis = node.attrs.axis as number;
    let at = 0;
    return node.inputs.map((x) => {
      const from = at;
      at += x.shape[axis];
      return slice(g, ...g.shape.map((_, i): Range => (i === axis ? [from, from + x.shape[axis]] : [])));
    });
  },
};

/** Tensors joined along an existing axis. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0) fail("concat", `wants a list of tensors, got ${show(tensors)}`);
  for (const x of tensors) requireTensor("concat", "each", x);
  const at = checkAxis("concat", axis, tensors[0].rank);
  return tensors.length === 1 ? tensors[0] : apply(concatOp as Op, tensors, { axis: at });
}

/** Tensors of one shape joined along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0) fail("stack", `wants a list of tensors, got ${show(tensors)}`);
  for (const x of tensors) requireTensor("stack", "each", x);
  const at = checkAxis("stack", axis, tensors[0].rank + 1);
  return concat(
    tensors.map((x) => unsqueeze(x, at)),
    at,
  );
}

/** x cut into equal parts along an axis. */
export function split(x: Tensor, parts: number, axis = 0): Tensor[] {
  requireTensor("split", "x", x);
  const at = checkAxis("split", axis, x.rank);
  checkNumber("split", "parts", parts, { min: 1, integer: true });
  const n = x.shape[at] / parts;
  if (!Number.isInteger(n)) fail("split", `parts must divide axis ${axis} of ${showShape(x.shape)}, got ${parts}`);
  return Array.from({ length: parts }, (_, k) =>
    slice(x, ...x.shape.map((_, i): Range => (i === at ? [k * n, (k + 1) * n] : []))),
  );
}

const customGradientOp: AliasOp<{ vjp: (g: Tensor, y: Tensor) => readonly (Tensor | undefined)[] }> = {
  name: "customGradient",
  kind: "alias",
  infer: ([y]) => ({ shape: y.shape, dtype: y.dtype }),
  reference: ([y]) => y,
  vjp: (g, node) => [
    undefined,
    ...(node.attrs.vjp as (g: Tensor, y: Tensor) => readonly (Tensor | undefined)[])(g, node),
  ],
};

/** `y`, computed from `inputs`, with a derivative of its own in place of the one through its graph. */
export function customGradient(
  y: Tensor,
  inputs: readonly Tensor[],
  vjp: (g: Tensor, y: Tensor) => readonly (Tensor | undefined)[],
): Tensor {
  requireTensor("customGradient", "y", y);
  if (!Array.isArray(inputs)) fail("customGradient", `inputs must be a list of tensors, got ${show(inputs)}`);
  for (const x of inputs) requireTensor("customGradient", "each input", x);
  if (typeof vjp !== "function") fail("customGradient", `vjp must be a function of the cotangent, got ${show(vjp)}`);
  return apply(customGradientOp as Op, [y, ...inputs], { vjp });
}

/** x as a constant for differentiation: no gradient passes. */
export function stopGradient(x: Tensor): Tensor {
  requireTensor("stopGradient", "x", x);
  return customGradient(x, [], () => []);
}
