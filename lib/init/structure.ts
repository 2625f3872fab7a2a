/** What each weight of a traced model meets: an activation, a norm, a residual sum, a gate, or the end. */
import { asMade, collect } from "../compile/graph.js";
import { signatureOf } from "../compile/signature.js";
import { Dropout } from "../nn/dropout.js";
import { type Module, placesIn } from "../nn/module.js";
import { type LayerTrace, type TraceMode, traceLayers } from "../nn/trace.js";
import { isScalarLiteral, scalar } from "../ops/map.js";
import { apply } from "../ops/op.js";
import { Constant, type Tensor, Variable } from "../tensor.js";
import { type Fans, fans as fansOf } from "./fans.js";
import type { Elementwise } from "./quadrature.js";

/** The elementwise function that a weighted sum passes through. */
export class Through {
  private function: Elementwise | undefined;

  /**
   * @param name the layer's class, or the ops
   * @param from what it is applied to: the sum, or what a norm makes of it
   * @param inner the nodes of it
   */
  constructor(
    readonly name: string,
    readonly from: Tensor,
    readonly output: Tensor,
    private readonly inner: readonly Tensor[],
  ) {}

  /** The function itself, made when it is asked for. */
  get phi(): Elementwise {
    this.function ??= canonical(clone(this.inner, this.from, this.output));
    return this.function;
  }
}

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
export interface WeightUse {
  readonly path: string;
  /** Class of the layer that owns it. */
  readonly layer: string;
  readonly weight: Variable;
  readonly bias: Variable | undefined;
  readonly fans: Fans;
  /** What it multiplies, the product, and the product with its bias. */
  readonly input: Tensor;
  readonly product: Tensor;
  /** The product as its bias is added to it, and the bias as it is added. */
  readonly unbiased: Tensor;
  readonly added: Tensor | undefined;
  readonly sum: Tensor;
  /** Rows are looked up by number rather than summed. */
  readonly lookup: boolean;
  /** A norm takes the scale off the sum. */
  readonly normalized: boolean;
  readonly through: Through | undefined;
  /** Where the sum, through all of this, arrives. */
  readonly meets: "layer" | "head" | "gate" | "sum";
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

/** The variable that a node is a view of. */
function variableOf(node: Tensor): Variable | undefined {
  let at = node;
  while (!(at instanceof Variable) && at.inputs.length > 0) at = at.inputs[0];
  return at instanceof Variable && at.learnable && at.size === node.size ? at : undefined;
}

function isOneIn(nodes: readonly Tensor[], set: ReadonlySet<Tensor>): boolean {
  for (const node of nodes) if (set.has(node)) return true;
  return false;
}

function areAllIn(nodes: readonly Tensor[], set: ReadonlySet<Tensor>): boolean {
  for (const node of nodes) if (!set.has(node)) return false;
  return true;
}

/** What is made of each node. */
function usersIn(nodes: readonly Tensor[]): Map<Tensor, Tensor[]> {
  const found = new Map<Tensor, Tensor[]>();
  for (const node of nodes)
    for (const input of node.inputs) {
      const users = found.get(input);
      if (!users) found.set(input, [node]);
      else if (users[users.length - 1] !== node) users.push(node); // once, where it is both inputs
    }
  return found;
}

/** What depends on the input. */
function liveIn(nodes: readonly Tensor[], x: Tensor): Set<Tensor> {
  const live = new Set([x]);
  for (const node of nodes) if (isOneIn(node.inputs, live)) live.add(node);
  return live;
}

interface Product {
  readonly input: Tensor;
  readonly weight: Variable;
}

/** What depends on the input by a weight of two axes or more. */
function productOf({ inputs }: Tensor, live: ReadonlySet<Tensor>): Product | undefined {
  let [input, other]: (Tensor | undefined)[] = [];
  for (const node of inputs)
    if (live.has(node)) input ??= node;
    else other ??= node;
  const weight = input && other && variableOf(other);
  return input && weight && weight.rank >= 2 ? { input, weight } : undefined;
}

function productsIn(nodes: readonly Tensor[], live: ReadonlySet<Tensor>): Map<Tensor, Product> {
  const found = new Map<Tensor, Product>();
  for (const node of nodes) {
    const product = node.op.kind === "kernel" && live.has(node) ? productOf(node, live) : undefined;
    if (product) found.set(node, product);
  }
  return found;
}

const none: readonly Tensor[] = [];

class Walk {
  readonly nodes: readonly Tensor[];
  readonly users: ReadonlyMap<Tensor, readonly Tensor[]>;
  readonly live: ReadonlySet<Tensor>;
  readonly products: ReadonlyMap<Tensor, Product>;
  readonly normOutputs = new Map<Tensor, Tensor>();
  /** What dropout gets: its mask is no part of an activation. */
  readonly dropped = new Set<Tensor>();
  readonly names = new Map<Tensor, string>();

  constructor(
    readonly trace: LayerTrace,
    x: Tensor,
  ) {
    this.nodes = collect({ outputs: [trace.output] }).nodes;
    this.users = usersIn(this.nodes);
    this.live = liveIn(this.nodes, x);
    this.products = productsIn(this.nodes, this.live);
    for (const [part, output] of trace.outputs) {
      const input = trace.inputs.get(part) as Tensor;
      if (part.normalizes) this.normOutputs.set(input, output);
      if (part instanceof Dropout && output !== input) this.dropped.add(input);
      if (part.children().length === 0 && !this.names.has(output)) this.names.set(output, part.constructor.name);
    }
  }

  usersOf(node: Tensor): readonly Tensor[] {
    return this.users.get(node) ?? none;
  }

  /** Past changes of shape that are all that is done with a node. */
  unshaped(node: Tensor): Tensor {
    let at = node;
    for (;;) {
      const [user, ...others] = this.usersOf(at);
      const view = user && others.length === 0 && user.op.kind === "alias" && user.inputs[0] === at;
      if (!view) return at;
      at = user;
    }
  }

  /** Past a bias: what is added once, to each of the units its own, and does not depend on the input. */
  biased(node: Tensor, units: number): Pick<WeightUse, "unbiased" | "added" | "bias" | "sum"> {
    const at = this.unshaped(node);
    const [user, ...others] = this.usersOf(at);
    const none = { unbiased: at, added: undefined, bias: undefined, sum: at };
    if (!user || others.length > 0 || user.op.name !== "add") return none;
    const added = user.inputs[0] === at ? user.inputs[1] : user.inputs[0];
    const bias = this.live.has(added) ? undefined : variableOf(added);
    return bias && (bias.size > 1 || units === 1) ? { unbiased: at, added, bias, sum: user } : none;
  }

  /** Whether a layer that is no activation gets a node. */
  private stops(node: Tensor): boolean {
    return this.normOutputs.has(node) || this.dropped.has(node);
  }

  /** The elementwise function from a node to the one place where all that is made of it alone comes together. */
  through(from: Tensor): Through | undefined {
    const region = new Set<Tensor>([from]);
    const open = [from];
    for (let node = open.shift(); node; node = open.shift()) {
      for (const user of [...this.usersOf(node)].sort(asMade)) {
        const own = user.op.kind === "map" || user.op.name === "customGradient";
        if (!own || region.has(user) || user.size !== from.size || this.stops(node)) continue;
        if (user.inputs.every((input) => region.has(input) || !this.live.has(input))) {
          region.add(user);
          open.push(user);
        }
      }
    }
    const leaves = (node: Tensor): boolean =>
      node === this.trace.output || this.usersOf(node).some((user) => !region.has(user)) || this.stops(node);
    const made = [...region].sort(asMade);
    const output = meeting(made, made.filter(leaves));
    if (output === undefined || output === from) return undefined;
    const inner = made.filter((node) => node !== from && node.id <= output.id);
    const layers = this.names.has(output) ? inner.flatMap((node) => this.names.get(node) ?? []) : undefined;
    const name = [...new Set(layers ?? inner.map((node) => node.op.name))].join("·");
    return new Through(name, from, output, inner);
  }

  /** What uses the result of a layer, itself or after a function of it alone such as 1 − z. */
  meets(node: Tensor): WeightUse["meets"] {
    const at = this.unshaped(node);
    let summed = false;
    const open = [at];
    for (let made = open.pop(); made; made = open.pop()) {
      for (const user of this.usersOf(made)) {
        if (user.op.kind !== "map") continue;
        const others = user.inputs.filter((input) => input !== made && this.live.has(input));
        if (others.length === 0) open.push(user);
        else if (user.op.name === "mul") return "gate";
        else summed ||= others.some((other) => !this.between(at, other)); // x + f(x) is no sum of two
      }
    }
    if (summed) return "sum";
    return this.reachesProduct(at) ? "layer" : "head";
  }

  private reachesProduct(from: Tensor): boolean {
    const seen = new Set<Tensor>();
    const open = [from];
    for (let node = open.pop(); node; node = open.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (node !== from && this.products.has(node)) return true;
      open.push(...this.usersOf(node));
    }
    return false;
  }

  /** Live nodes from `top` down to those made after `bottom`, if `bottom` is among what `top` depends on. */
  between(bottom: Tensor, top: Tensor): Set<Tensor> | undefined {
    const found = new Set<Tensor>();
    let meets = false;
    const open = [top];
    for (let node = open.pop(); node; node = open.pop()) {
      if (node === bottom) meets = true;
      if (node.id <= bottom.id || found.has(node) || !this.live.has(node)) continue;
      found.add(node);
      open.push(...node.inputs);
    }
    return meets && top !== bottom ? found : undefined;
  }
}

/** The last node of a region, in order of making, that every way from its first to one of its exits passes. */
function meeting(region: readonly Tensor[], exits: readonly Tensor[]): Tensor | undefined {
  // For each node those that every way to it passes, in order, itself the last (dominators).
  const passed = new Map<Tensor, readonly Tensor[]>();
  const common = (lists: readonly (readonly Tensor[])[]): readonly Tensor[] =>
    lists.reduce((a, b) => a.filter((node) => b.includes(node)));
  for (const node of region) {
    const before: (readonly Tensor[])[] = [];
    for (const input of new Set(node.inputs)) {
      const known = passed.get(input);
      if (known) before.push(known);
    }
    passed.set(node, before.length > 0 ? [...common(before), node] : [node]);
  }
  return exits.length > 0 ? common(exits.map((node) => passed.get(node) ?? [])).at(-1) : undefined;
}

/** The nodes of a region as a function of another tensor; parameters among them count by their mean. */
function clone(inner: readonly Tensor[], from: Tensor, to: Tensor): Elementwise {
  return (x) => {
    const made = new Map<Tensor, Tensor>([[from, x]]);
    const parameter = (node: Tensor): Tensor => {
      const number = numberOf(node);
      if (number !== undefined) return scalar(number);
      return node.size === 1 ? node.reshape([]) : contentOf(node).mean();
    };
    for (const node of inner) {
      const inputs = node.inputs.map((input) => made.get(input) ?? parameter(input));
      // A view of equal size, or a derivative of its own, is the value itself; a leaf or literal is.
      const same = node.op.kind === "alias" ? inputs[0] : node;
      const again = node.inputs.length > 0 && node.op.kind !== "alias";
      made.set(node, again ? apply(node.op, inputs, attrsFor(node, x)) : same);
    }
    return made.get(to) as Tensor;
  };
}

const bySignature = new Map<string, Elementwise>();

/** Equal functions as one, so that what was computed of one is known of the others. */
function canonical(phi: Elementwise): Elementwise {
  const x = new Constant(new Float32Array(1), [1], "f32");
  const y = phi(x);
  const graph = collect({ outputs: [y] });
  const inner = graph.nodes.filter((node) => node !== x);
  if (inner.some((node) => node.op.kind !== "map")) return phi; // it has parameters
  const signature = signatureOf(graph, 0).join();
  const known = bySignature.get(signature) ?? clone(inner, x, y); // which, unlike phi, holds on to no model
  bySignature.set(signature, known);
  return known;
}

/** Attributes that name a shape name that of the new tensor. */
const attrsFor = (node: Tensor, x: Tensor): Tensor["attrs"] =>
  "shape" in node.attrs ? { ...node.attrs, shape: x.shape } : node.attrs;

/** What a parameter holds or begins with. */
export function contentOf(node: Tensor): Tensor {
  if (!(node instanceof Variable)) return node;
  return node.storage ? new Constant(node.storage, node.shape, node.dtype) : (node.initial as Tensor);
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
  const paths = new Map(model.namedVariables().map(([path, variable]) => [variable, path]));
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

/** The number that a learned number holds or begins with, if that was said as a number. */
function numberOf(node: Tensor): number | undefined {
  const variable = node.size === 1 ? variableOf(node) : undefined;
  if (!variable || variable.storage) return variable?.storage?.[0];
  let first = variable.initial;
  while (first?.op.kind === "alias" || first?.op.name === "expand") first = first.inputs[0];
  return first && isScalarLiteral(first) ? first.attrs.value : undefined;
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
  const counted = new Set(uses.filter(counts).map((use) => use.product));
  const depth = new Map<Tensor, number>();
  for (const node of walk.nodes) {
    let below = 0;
    for (const input of node.inputs) below = Math.max(below, depth.get(input) ?? 0);
    depth.set(node, below + Number(counted.has(node)));
  }
  return depth.get(walk.trace.output) ?? 0;
}
