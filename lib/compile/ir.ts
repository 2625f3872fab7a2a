/** What the passes rewrite: a copy of the graph without its data, then groups of nodes that run as one kernel call. */
import type { DType } from "../dtype.js";
import type { Op } from "../ops/op.js";
import type { Shape } from "../shape.js";
import type { Attrs, Tensor } from "../tensor.js";
import type { Graph } from "./graph.js";
import { needs } from "./graph.js";

/** A node of the graph under compilation. */
export interface Node {
  readonly op: Op;
  readonly inputs: readonly Node[];
  readonly attrs: Attrs;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Slot number of a leaf. */
  readonly leaf?: number;
  /** The value of a literal: one number repeated over the shape. */
  readonly literal?: number;
  /** The stack where the user made it, while tracing. */
  readonly made?: string;
}

/** The graph under compilation. */
export interface IR {
  /** In topological order. */
  nodes: Node[];
  outputs: Node[];
  effects: { leaf: Node; value: Node }[];
}

/**
 * Nodes that run as one call of a kernel: one, a fused elementwise chain, a kernel's with those it absorbed, or the
 * outputs of a kernel with several.
 */
export interface Group {
  /** In topological order; all of one shape, except that what a kernel absorbed has its size and outputs have their own. */
  readonly members: readonly Node[];
  /** Distinct computed or leaf nodes that are read, aliases resolved. */
  readonly inputs: readonly Node[];
  /** Members whose values are needed outside, aliases resolved. */
  readonly outputs: readonly Node[];
}

/** The node whose buffer holds a node's values: aliases share that of their input. */
export function root(node: Node): Node {
  let at = node;
  while (at.op.kind === "alias") at = at.inputs[0];
  return at;
}

/** Copies a graph for rewriting. */
export function lower(graph: Graph): IR {
  const copies = new Map<Tensor, Node>();
  const copy = (t: Tensor): Node => copies.get(t) as Node;
  const slots = new Map<Tensor, number>(graph.leaves.map((leaf, i) => [leaf, i]));
  const nodes = graph.nodes.map((t): Node => {
    const { op, attrs, shape, dtype, made } = t;
    const literal = op.name === "scalar" ? (attrs.value as number) : undefined;
    const node = { op, attrs, shape, dtype, made, literal, leaf: slots.get(t), inputs: needs(t).map(copy) };
    copies.set(t, node);
    return node;
  });
  return {
    nodes,
    outputs: graph.outputs.map(copy),
    effects: graph.effects.map((e) => ({ leaf: copy(e.variable), value: copy(e.value) })),
  };
}

/** Keeps the nodes that outputs and effects need, in order. */
export function reachable(ir: IR): IR {
  const live = new Set<Node>();
  const open: Node[] = [...ir.outputs, ...ir.effects.flatMap((e) => [e.leaf, e.value])];
  for (let node = open.pop(); node; node = open.pop()) {
    if (live.has(node)) continue;
    live.add(node);
    open.push(...node.inputs);
  }
  return { ...ir, nodes: ir.nodes.filter((node) => live.has(node)) };
}
