/** What each weight of a traced model meets: an activation, a norm, a residual sum, a gate, or the end. */
import { type Module, placesIn } from "../nn/module.js";
import { type LayerTrace, type TraceMode, traceLayers } from "../nn/trace.js";
import type { Tensor, Variable } from "../tensor.js";
import { type Fans, fans as fansOf } from "./fans.js";
import { numberOf, type Through } from "./through.js";
import { areAllIn, type Biased, type Meeting, Walk } from "./walk.js";

/** A block x + f(x). */
export interface Block {
  /** Weights in f. */
  readonly weights: WeightUse[];
  /** Whether f normalizes. */
  readonly normalized: boolean;
  /** A learned number of f that begins with 0 shuts it off by itself, as in ReZero. */
  readonly shut: boolean;
}

/** Whether a branch has nothing that keeps the sum from growing with depth: what Fixup is for. */
export const isBare = ({ normalized, shut }: Block): boolean => !normalized && !shut;

/** One weight of two axes or more, where it first multiplies what depends on the input. */
export interface WeightUse extends Biased {
  readonly path: string;
  /** Class of the layer that owns it. */
  readonly layer: string;
  readonly weight: Variable;
  readonly fans: Fans;
  /** What it multiplies, and the product. */
  readonly input: Tensor;
  readonly product: Tensor;
  /** Rows are looked up by number rather than summed. */
  readonly lookup: boolean;
  /** A norm takes the scale off the sum. */
  readonly normalized: boolean;
  readonly through: Through | undefined;
  /** Where the sum, through all of this, arrives. */
  readonly meets: Meeting;
  /** Its result comes back to it. */
  recurrent: boolean;
  /** The innermost residual block around it, and whether it is the last weight in there. */
  block: Block | undefined;
  last: boolean;
}

/** A model's weights in the order in which they are used. */
export interface Structure {
  readonly uses: readonly WeightUse[];
  readonly blocks: readonly Block[];
  readonly output: Tensor;
  /** What a norm makes of a tensor. */
  readonly norms: ReadonlyMap<Tensor, Tensor>;
  /** Nodes that depend on the input. */
  readonly live: ReadonlySet<Tensor>;
  /** Most weights on one path from input to output. */
  depth(counts: (use: WeightUse) => boolean): number;
}

/** Fans by which axis of a matrix meets the input; kernels are (out, in, …kernel). */
function fansFor(weight: Variable, input: Tensor): Fans {
  const fans = fansOf(weight.shape);
  const turned = weight.rank === 2 && weight.shape[1] !== input.shape.at(-1) && weight.shape[0] === input.shape.at(-1);
  return turned ? { fanIn: fans.fanOut, fanOut: fans.fanIn } : fans;
}

/** Traces a model and finds what each of its weights meets. */
export function structureOf(model: Module, x: Tensor, mode: TraceMode = "evaluation"): Structure {
  return structureIn(model, x, traceLayers(model, x, mode));
}

/** What each weight meets in a forward pass that was traced from `x` on. */
export function structureIn(model: Module, x: Tensor, traced: LayerTrace): Structure {
  const walk = new Walk(traced, x);
  const paths = new Map<Variable, string>();
  for (const [path, variable] of model.namedVariables()) paths.set(variable, path);
  const owners = new Map<Module | Variable, string>();
  for (const { module, parts } of placesIn(model))
    for (const [, part] of parts) owners.set(part, module.constructor.name);
  const found = new Map<Variable, WeightUse>();
  for (const [product, { input, weight }] of walk.products) {
    const known = found.get(weight);
    if (known) {
      known.recurrent ||= walk.between(known.product, product) !== undefined;
      continue;
    }
    const fans = fansFor(weight, input);
    const ends = walk.biased(product, weight.size / fans.fanIn);
    const norms = walk.normOutputs;
    const start = norms.get(ends.sum) ?? ends.sum;
    const through = walk.through(walk.unshaped(start));
    const end = through?.output ?? start;
    found.set(weight, {
      path: paths.get(weight) ?? weight.label,
      layer: owners.get(weight) ?? "",
      weight,
      ...ends,
      fans,
      input,
      product,
      lookup: input.dtype !== "f32",
      normalized: norms.has(ends.sum) || norms.has(end),
      through,
      meets: walk.meets(norms.get(end) ?? end),
      recurrent: false,
      block: undefined,
      last: false,
    });
  }
  const uses = [...found.values()];
  const blocks = residualBlocks(walk, uses);
  const { trace, live } = walk;
  const counted = (counts: (use: WeightUse) => boolean): number => depthOf(walk, uses, counts);
  return { uses, blocks, output: trace.output, norms: walk.normOutputs, live, depth: counted };
}

/** Sums of two tensors of which one is made from the other; inner blocks first. */
function residualBlocks(walk: Walk, uses: readonly WeightUse[]): Block[] {
  const found: { block: Block; size: number; inside: Set<Tensor> }[] = [];
  for (const node of walk.nodes) {
    if (node.op.name !== "add" || !areAllIn(node.inputs, walk.live)) continue;
    const [a, b] = node.inputs;
    const inside = walk.between(b, a) ?? walk.between(a, b);
    if (!inside) continue;
    const weights = uses.filter((use) => inside.has(use.product));
    if (weights.length === 0) continue;
    const normalized = [...walk.normOutputs.values()].some((output) => inside.has(output));
    const factors = [...inside].filter((n) => n.op.name === "mul").flatMap((n) => n.inputs);
    const shut = factors.some((factor) => !walk.live.has(factor) && numberOf(factor) === 0);
    found.push({ block: { weights, normalized, shut }, size: inside.size, inside });
    const end = walk.between(b, a) ? a : b;
    for (const use of weights) {
      use.block ??= found[found.length - 1].block;
      use.last ||= use.block === found[found.length - 1].block && !passesProduct(walk, use.product, end, inside);
    }
  }
  return found.map(({ block }) => block);
}

/** Whether every way from a product to the end of its block goes through another product. */
function passesProduct(walk: Walk, product: Tensor, end: Tensor, inside: ReadonlySet<Tensor>): boolean {
  const open = [product];
  const seen = new Set<Tensor>();
  for (let node = open.pop(); node; node = open.pop()) {
    if (node === end) return false;
    if (seen.has(node) || !inside.has(node) || (node !== product && walk.products.has(node))) continue;
    seen.add(node);
    open.push(...walk.usersOf(node));
  }
  return true;
}

function depthOf(walk: Walk, uses: readonly WeightUse[], counts: (use: WeightUse) => boolean): number {
  const counted = new Set<Tensor>();
  for (const use of uses) if (counts(use)) counted.add(use.product);
  const depth = new Map<Tensor, number>();
  for (const node of walk.nodes) {
    let below = 0;
    for (const input of node.inputs) below = Math.max(below, depth.get(input) ?? 0);
    depth.set(node, below + Number(counted.has(node)));
  }
  return depth.get(walk.trace.output) ?? 0;
}
