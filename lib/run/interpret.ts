/**
 * Interprets a graph node by node in double precision, with no pass in between: the arithmetic of the reference executor,
 * and of whatever else wants values at once.
 */
import { type Graph, isLeaf, needs } from "../compile/graph.js";
import type { DType, TypedArray } from "../dtype.js";
import { internal } from "../error.js";
import type { Op } from "../ops/op.js";
import { broadcastStrides, type Shape, sizeOf } from "../shape.js";
import { type Constant, type Feed, type Tensor, Variable } from "../tensor.js";

/** What a computed value of an integer dtype becomes; f32 keeps its double. */
function settle(values: Float64Array, dtype: DType): Float64Array {
  if (dtype === "f32") return values;
  const integer = (x: number): number => (Number.isNaN(x) ? 0 : Math.trunc(x));
  // Arithmetic wraps as in two's complement; a float beyond the range saturates, which only a cast can bring here.
  const rule: Record<Exclude<DType, "f32">, (x: number) => number> = {
    i32: (x) =>
      Math.abs(x) < 2 ** 53 && Number.isInteger(x) ? x | 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, integer(x))),
    u8: (x) => Math.max(0, Math.min(255, integer(x))),
    bool: (x) => Number(x !== 0),
  };
  return values.map(rule[dtype]);
}

type Rule = (...x: number[]) => number;

function mapNode(rule: Rule, inputs: readonly Float64Array[], shapes: readonly Shape[], out: Shape): Float64Array {
  const result = new Float64Array(sizeOf(out));
  const strides = shapes.map((shape) => broadcastStrides(shape, out));
  const at = inputs.map(() => 0);
  const index = out.map(() => 0);
  const operands = new Array<number>(inputs.length);
  for (let i = 0; i < result.length; i++) {
    for (let k = 0; k < inputs.length; k++) operands[k] = inputs[k][at[k]];
    result[i] = rule(...operands);
    for (let axis = out.length - 1; axis >= 0; axis--) {
      for (let k = 0; k < at.length; k++) at[k] += strides[k][axis];
      if (++index[axis] < out[axis]) break;
      for (let k = 0; k < at.length; k++) at[k] -= strides[k][axis] * out[axis];
      index[axis] = 0;
    }
  }
  return result;
}

// A cast of a float to i32 saturates before the wrap of integer arithmetic can apply.
function castNode(values: Float64Array, from: DType, to: DType): Float64Array {
  if (from !== "f32" || to !== "i32") return values;
  return values.map((x) => (Number.isNaN(x) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x)))));
}

/** Computes one node from its inputs' values. */
export function computeNode(node: Tensor, values: readonly Float64Array[]): Float64Array {
  const op: Op = node.op;
  if (op.kind === "leaf") return internal(`the leaf ${op.name} has no value`);
  if (op.kind === "alias") return op.reference(values);
  if (op.kind === "kernel")
    return settle(op.reference(values, { inputs: node.inputs, attrs: node.attrs, out: node }), node.dtype);
  if (op.name === "scalar") return settle(Float64Array.of(node.attrs.value as number), node.dtype);
  const rule = node.dtype === "i32" && op.integer ? op.integer : op.reference;
  const raw = mapNode(
    rule,
    values,
    node.inputs.map((x) => x.shape),
    node.shape,
  );
  return settle(op.name === "cast" ? castNode(raw, node.inputs[0].dtype, node.dtype) : raw, node.dtype);
}

/** The values of every node of a graph; leaves may be overridden, e.g. to differentiate by finite differences. */
export function interpret(
  graph: Graph,
  leaves: ReadonlyMap<Tensor, ArrayLike<number>> = new Map(),
): Map<Tensor, Float64Array> {
  const values = new Map<Tensor, Float64Array>();
  for (const node of graph.nodes) {
    if (isLeaf(node)) {
      const given = leaves.get(node) ?? valuesOf(node);
      values.set(node, Float64Array.from(given));
      continue;
    }
    values.set(
      node,
      computeNode(
        node,
        needs(node).map((x) => values.get(x) as Float64Array),
      ),
    );
  }
  return values;
}

function valuesOf(leaf: Constant | Variable | Feed): TypedArray {
  if (leaf instanceof Variable) return leaf.storage ?? internal(`variable ${leaf.label} has no value yet`);
  return leaf.values;
}
