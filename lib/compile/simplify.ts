/** Pass: equal nodes become one, literals are folded, transposes go into the products that read them. */
import type { Op } from "../ops/op.js";
import { matmulOp } from "../ops/matmul.js";
import { permuteOp } from "../ops/shape.js";
import { sameShape } from "../shape.js";
import { showNode } from "./graph.js";
import { type IR, type Node, reachable } from "./ir.js";

/** A rewrite of one node whose inputs are final; undefined leaves it. */
type Rule = (node: Node) => Node | undefined;

const is = (node: Node, value: number): boolean => node.literal !== undefined && Object.is(node.literal, value);
const same = (node: Node, as: Node): Node | undefined => (sameShape(node.shape, as.shape) && node.dtype === as.dtype ? node : undefined);
const asLiteral = (node: Node, value: number, scalar: Node): Node => ({
  ...node,
  op: scalar.op,
  attrs: { value, dtype: node.dtype },
  inputs: [],
  literal: value,
});

/** Literals repeated, reshaped or combined are literals: one number over a shape. */
const foldLiterals: Rule = (node) => {
  const { op, inputs } = node;
  if (inputs.length === 0 || !inputs.every((x) => x.literal !== undefined)) return undefined;
  if (op.kind === "alias" || op.name === "expand") return asLiteral(node, inputs[0].literal as number, inputs[0]);
  // Only f32 results: rounding to the other dtypes is the kernels' business.
  if (op.kind !== "map" || node.dtype !== "f32" || inputs.some((x) => x.dtype !== "f32")) return undefined;
  return asLiteral(node, Math.fround(op.reference(...inputs.map((x) => Math.fround(x.literal as number)))), inputs[0]);
};

// x + 0 would turn −0 into 0, so only + −0, − 0, · 1 and / 1 are exact for every x.
const neutral: Readonly<Record<string, readonly [left: number | undefined, right: number]>> = {
  add: [-0, -0],
  sub: [undefined, 0],
  mul: [1, 1],
  div: [undefined, 1],
};

/** Neutral operands disappear where that is exact. */
const dropNeutral: Rule = (node) => {
  const unit = neutral[node.op.name];
  if (!unit) return undefined;
  const [a, b] = node.inputs;
  if (unit[0] !== undefined && is(a, unit[0])) return same(b, node);
  return is(b, unit[1]) ? same(a, node) : undefined;
};

/** Aliases that change nothing, and reshapes of reshapes. */
const collapseAliases: Rule = (node) => {
  if (node.op.kind !== "alias") return undefined;
  const [x] = node.inputs;
  if (sameShape(x.shape, node.shape)) return x;
  return x.op.kind === "alias" ? { ...node, inputs: x.inputs } : undefined;
};

/**
 * A product's operand without the swap of its last two axes, if it has one: seen through reshapes that only add or drop
 * axes of 1, and put back to the product's three axes.
 */
function untransposed(node: Node): Node | undefined {
  const solid = (x: Node): number[] => x.shape.filter((n) => n !== 1);
  let at = node;
  while (at.op.kind === "alias" && sameShape(solid(at.inputs[0]), solid(at))) at = at.inputs[0];
  if (at.op !== (permuteOp as Op)) return undefined;
  const axes = at.attrs.axes as readonly number[];
  const rank = axes.length;
  const turned = axes.map((_, i) => (i === rank - 2 ? rank - 1 : i === rank - 1 ? rank - 2 : i));
  if (!sameShape(axes, turned) || !sameShape(at.shape.slice(-2), node.shape.slice(-2))) return undefined;
  const [batch, rows, columns] = node.shape;
  const shape = [batch, columns, rows];
  const [source] = at.inputs;
  return sameShape(source.shape, shape) ? source : { ...node, attrs: { shape }, shape, inputs: [source] };
}

/** A product reads a transposed operand as it is stored. */
const foldTransposes: Rule = (node) => {
  if (node.op !== (matmulOp as Op)) return undefined;
  const [a, b] = node.inputs.map(untransposed);
  if (!a && !b) return undefined;
  const { transA, transB } = node.attrs;
  return {
    ...node,
    inputs: [a ?? node.inputs[0], b ?? node.inputs[1]],
    attrs: { transA: Boolean(transA) !== Boolean(a), transB: Boolean(transB) !== Boolean(b) },
  };
};

const rules: readonly Rule[] = [foldLiterals, dropNeutral, collapseAliases, foldTransposes];

/** Applies the rules from the leaves on, sharing equal nodes. */
export function simplify(ir: IR): IR {
  const final = new Map<Node, Node>();
  const known = new Map<string, Node>();
  const ids = new Map<Node, number>();
  const nodes: Node[] = [];
  const intern = (node: Node): Node => {
    if (ids.has(node)) return node;
    const inputs = node.inputs.map(intern);
    const settled = inputs.every((x, i) => x === node.inputs[i]) ? node : { ...node, inputs };
    const leaf = node.leaf !== undefined ? ` slot ${node.leaf}` : "";
    const key = `${showNode(settled, inputs.map((x) => ids.get(x) as number))}${leaf}`;
    const twin = known.get(key);
    if (twin) return twin;
    known.set(key, settled);
    ids.set(settled, nodes.length);
    nodes.push(settled);
    return settled;
  };
  for (const node of ir.nodes) {
    let at: Node = { ...node, inputs: node.inputs.map((x) => final.get(x) as Node) };
    for (let changed = true; changed; ) {
      changed = false;
      for (const rule of rules) {
        const next = rule(at);
        if (!next) continue;
        at = next;
        changed = !ids.has(at);
        break;
      }
    }
    final.set(node, intern(at));
  }
  const map = (node: Node): Node => final.get(node) as Node;
  return reachable({
    nodes,
    outputs: ir.outputs.map(map),
    effects: ir.effects.map((e) => ({ leaf: map(e.leaf), value: map(e.value) })),
  });
}
