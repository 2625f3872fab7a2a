/** Pass: equal nodes become one, literals are folded, transposes and constants go into the kernels that read them. */

import { matmulOp } from "../ops/matmul.js";
import type { Op } from "../ops/op.js";
import { permuteOp } from "../ops/shape.js";
import { sameShape } from "../shape.js";
import { showNode } from "./graph.js";
import { type IR, type Node, reachable } from "./ir.js";

/** A rewrite of one node whose inputs are final; undefined leaves it. */
type Rule = (node: Node) => Node | undefined;

const is = (node: Node, value: number): boolean => node.literal !== undefined && Object.is(node.literal, value);
const same = (node: Node, as: Node): Node | undefined =>
  sameShape(node.shape, as.shape) && node.dtype === as.dtype ? node : undefined;
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

/** What stands behind reshapes that only add or drop axes of 1. */
function solid(node: Node): Node {
  const sizes = (x: Node): number[] => x.shape.filter((n) => n !== 1);
  let at = node;
  while (at.op.kind === "alias" && sameShape(sizes(at.inputs[0]), sizes(at))) at = at.inputs[0];
  return at;
}

/** Whether a node swaps the last two axes of its input. */
function swapsLast(node: Node): boolean {
  if (node.op !== (permuteOp as Op)) return false;
  const axes = node.attrs.axes as readonly number[];
  const rank = axes.length;
  const swapped = axes.map((_, i) => (i === rank - 2 ? rank - 1 : i === rank - 1 ? rank - 2 : i));
  return rank >= 2 && sameShape(axes, swapped);
}

/** A product's operand without the swap of its last two axes, if it has one, put back to the product's three axes. */
function untransposed(node: Node): Node | undefined {
  const at = solid(node);
  if (!swapsLast(at) || !sameShape(at.shape.slice(-2), node.shape.slice(-2))) return undefined;
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

/** A transposed product is the product of its operands transposed, in the other order: (A·B)ᵀ = Bᵀ·Aᵀ. */
const turnProducts: Rule = (node) => {
  if (!swapsLast(node)) return undefined;
  const [input] = node.inputs;
  const product = solid(input);
  if (product.op !== (matmulOp as Op) || !sameShape(product.shape.slice(-2), input.shape.slice(-2))) return undefined;
  const [batch, rows, columns] = product.shape;
  const { transA, transB } = product.attrs;
  const turned: Node = {
    ...product,
    inputs: [product.inputs[1], product.inputs[0]],
    attrs: { transA: !transB, transB: !transA },
    shape: [batch, columns, rows],
  };
  if (sameShape(turned.shape, node.shape)) return turned;
  return input.op.kind === "alias"
    ? { ...node, op: input.op, attrs: { shape: node.shape }, inputs: [turned] }
    : undefined;
};

/** A kernel's last operand that is one number everywhere becomes an attribute, where the kernel has one for it. */
const absorbUniform: Rule = (node) => {
  const { op, inputs, attrs } = node;
  if (op.kind !== "kernel" || op.uniform === undefined || attrs[op.uniform] !== undefined) return undefined;
  const last = inputs[inputs.length - 1];
  if (last.literal === undefined) return undefined;
  return { ...node, inputs: inputs.slice(0, -1), attrs: { ...attrs, [op.uniform]: last.literal } };
};

const rules: readonly Rule[] = [
  foldLiterals,
  dropNeutral,
  collapseAliases,
  foldTransposes,
  turnProducts,
  absorbUniform,
];
const unturned = rules.filter((rule) => rule !== turnProducts);

/** Products that something reads as they are: to turn one for those that read it transposed would compute it twice. */
function readAsTheyAre(ir: IR): Set<Node> {
  const wanted = new Set<Node>([...ir.outputs, ...ir.effects.map(({ value }) => value)]);
  for (const node of [...ir.nodes].reverse())
    if (node.op.kind === "alias" ? wanted.has(node) : !swapsLast(node))
      for (const input of node.inputs) wanted.add(input);
  return wanted;
}

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
    const key = `${showNode(
      settled,
      inputs.map((x) => ids.get(x) as number),
    )}${leaf}`;
    const twin = known.get(key);
    if (twin) return twin;
    known.set(key, settled);
    ids.set(settled, nodes.length);
    nodes.push(settled);
    return settled;
  };
  const fixed = readAsTheyAre(ir);
  for (const node of ir.nodes) {
    const own = swapsLast(node) && fixed.has(solid(node.inputs[0])) ? unturned : rules;
    let at: Node = { ...node, inputs: node.inputs.map((x) => final.get(x) as Node) };
    for (let changed = true; changed; ) {
      changed = false;
      for (const rule of own) {
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
