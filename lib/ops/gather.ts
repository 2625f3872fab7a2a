/** Ops that address elements by index: gather and its scatter-add, pick and its unpick, one-hot. */
import { checkOptions, fail, show } from "../error.js";
import { checkAxis, sameShape, showShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { requireTensor } from "./map.js";
import { apply, type KernelOp, type Op } from "./op.js";

function checkIndices(op: string, name: string, indices: Tensor): void {
  requireTensor(op, name, indices);
  if (indices.dtype !== "i32") fail(op, `${name} must be i32, got ${indices.dtype}. Use ${name}.cast("i32")`);
}

const gatherOp: KernelOp = {
  name: "gather",
  kind: "kernel",
  kernel: "gather",
  infer: ([x, indices]) => ({ shape: [x.shape[0], indices.shape[0], x.shape[2]], dtype: x.dtype }),
  params: ({ inputs: [x, indices] }) => [...x.shape, indices.shape[0]],
  reference([x, indices], { inputs: [{ shape }] }) {
    const [outer, n, inner] = shape;
    const out = new Float64Array(outer * indices.length * inner);
    for (let o = 0; o < outer; o++) {
      for (const [j, at] of indices.entries()) {
        if (at < 0 || at >= n) fail("gather", `index ${at} at position ${j} is out of range for size ${n}`);
        out.set(x.subarray((o * n + at) * inner, (o * n + at + 1) * inner), (o * indices.length + j) * inner);
      }
    }
    return out;
  },
  vjp: (g, node) => {
    const [x, indices] = node.inputs;
    return [x.dtype === "f32" ? apply(scatterAddOp as Op, [g, indices], { n: x.shape[1] }) : undefined, undefined];
  },
};

const scatterAddOp: KernelOp<{ n: number }> = {
  name: "scatterAdd",
  kind: "kernel",
  kernel: "scatterAdd",
  infer: ([g], { n }) => ({ shape: [g.shape[0], n, g.shape[2]], dtype: g.dtype }),
  params: ({ inputs: [g], attrs: { n } }) => [g.shape[0], n, g.shape[2], g.shape[1]],
  reference([g, indices], { inputs: [{ shape }], attrs: { n } }) {
    const [outer, m, inner] = shape;
    const out = new Float64Array(outer * n * inner);
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < m; j++) {
        const at = indices[j];
        if (at < 0 || at >= n) fail("scatterAdd", `index ${at} at position ${j} is out of range for size ${n}`);
        for (let i = 0; i < inner; i++) out[(o * n + at) * inner + i] += g[(o * m + j) * inner + i];
      }
    }
    return out;
  },
  vjp: (g, node) => [apply(gatherOp as Op, [g, node.inputs[1]]), undefined],
};

/** Slices of x at `indices` (i32, any shape) along an axis: the axis is replaced by the indices' shape. */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  requireTensor("gather", "x", x);
  checkIndices("gather", "indices", indices);
  const at = checkAxis("gather", axis, x.rank);
  const [before, after] = [x.shape.slice(0, at), x.shape.slice(at + 1)];
  const lines = x.reshape([sizeOf(before), x.shape[at], sizeOf(after)]);
  return apply(gatherOp as Op, [lines, indices.reshape([indices.size])]).reshape([
    ...before,
    ...indices.shape,
    ...after,
  ]);
}

/** The slices of x at a list of indices along an axis. */
export function indexSelect(x: Tensor, indices: Tensor, axis = 0): Tensor {
  requireTensor("indexSelect", "x", x);
  checkIndices("indexSelect", "indices", indices);
  if (indices.rank !== 1)
    fail("indexSelect", `indices must have one axis, got ${showShape(indices.shape)}. Use gather`);
  return gather(x, indices, axis);
}

/** Zeros of `size` along an axis, with the slices of x added at `indices` (i32, one axis) of it. */
export function scatterAdd(x: Tensor, indices: Tensor, size: number, axis = 0): Tensor {
  requireTensor("scatterAdd", "x", x);
  checkIndices("scatterAdd", "indices", indices);
  const at = checkAxis("scatterAdd", axis, x.rank);
  if (indices.rank !== 1 || indices.size !== x.shape[at]) {
    fail(
      "scatterAdd",
      `indices must have one entry per slice, got ${showShape(indices.shape)} for axis ${axis} of ${showShape(x.shape)}`,
    );
  }
  if (!Number.isInteger(size) || size < 0) fail("scatterAdd", `size must be a whole number, got ${show(size)}`);
  const [before, after] = [x.shape.slice(0, at), x.shape.slice(at + 1)];
  const lines = x.cast("f32").reshape([sizeOf(before), x.shape[at], sizeOf(after)]);
  return apply(scatterAddOp as Op, [lines, indices], { n: size }).reshape([...before, size, ...after]);
}

/** A label that no class has: nothing is ignored. */
export const noLabel = -(2 ** 31);

export const labelOutOfRange = (op: string, label: number, position: number, n: number): never =>
  fail(op, `label ${label} at position ${position} is out of range for ${n} classes (0 to ${n - 1})`);

const pickOp: KernelOp<{ ignore: number }> = {
  name: "pick",
  kind: "kernel",
  kernel: "pick",
  infer: ([x]) => ({ shape: [x.shape[0], x.shape[2]], dtype: x.dtype }),
  params: ({ inputs: [x], attrs: { ignore } }) => [...x.shape, ignore],
  reference([x, labels], { inputs: [{ shape }], attrs: { ignore } }) {
    const [, n, inner] = shape;
    return labels.map((label, at) => {
      if (label === ignore) return 0;
      if (label < 0 || label >= n) return labelOutOfRange("pick", label, at, n);
      return x[(Math.floor(at / inner) * n + label) * inner + (at % inner)];
    });
  },
  vjp: (g, node) => [
    apply(unpickOp as Op, [g, node.inputs[1]], { ...node.attrs, n: node.inputs[0].shape[1] }),
    undefined,
  ],
};

const unpickOp: KernelOp<{ n: number; ignore: number }> = {
  name: "unpick",
  gradientOf: "pick",
  kind: "kernel",
  kernel: "unpick",
  infer: ([g], { n }) => ({ shape: [g.shape[0], n, g.shape[1]], dtype: g.dtype }),
  params: ({ inputs: [g], attrs: { n, ignore } }) => [g.shape[0], n, g.shape[1], ignore],
  reference([g, labels], { inputs: [{ shape }], attrs: { n, ignore } }) {
    const inner = shape[1];
    const out = new Float64Array(g.length * n);
    for (const [at, label] of labels.entries()) {
      if (label === ignore) continue;
      if (label < 0 || label >= n) labelOutOfRange("pick", label, at, n);
      out[(Math.floor(at / inner) * n + label) * inner + (at % inner)] = g[at];
    }
    return out;
  },
  vjp: (g, node) => [apply(pickOp as Op, [g, node.inputs[1]], { ignore: node.attrs.ignore }), undefined],
};

/**
 * One element per position along an axis (the last unless told): x[…, labels[…], …]. Labels (i32) have the shape of x
 * without the axis; where a label equals `ignore` the result is 0. A label outside the axis is an error when run.
 */
export function pick(x: Tensor, labels: Tensor, options: { axis?: number; ignore?: number } = {}): Tensor {
  requireTensor("pick", "x", x);
  checkIndices("pick", "labels", labels);
  checkOptions("pick", options, ["axis", "ignore"]);
  const at = checkAxis("pick", options.axis ?? -1, x.rank);
  const [before, after] = [x.shape.slice(0, at), x.shape.slice(at + 1)];
  if (!sameShape(labels.shape, [...before, ...after])) {
    fail(
      "pick",
      `labels must have shape ${showShape([...before, ...after])} for x ${showShape(x.shape)}, got ${showShape(labels.shape)}`,
    );
  }
  const [outer, inner] = [sizeOf(before), sizeOf(after)];
  const lines = x.cast("f32").reshape([outer, x.shape[at], inner]);
  return apply(pickOp as Op, [lines, labels.reshape([outer, inner])], { ignore: options.ignore ?? noLabel }).reshape(
    labels.shape,
  );
}
