/** A traced graph as it is walked from weights on: what is made of a node, and where that leads. */
import { asMade, collect } from "../compile/graph.js";
import { Dropout } from "../nn/dropout.js";
import type { LayerTrace } from "../nn/trace.js";
import type { Tensor, Variable } from "../tensor.js";
import { Through, variableOf } from "./through.js";

function isOneIn(nodes: readonly Tensor[], set: ReadonlySet<Tensor>): boolean {
  for (const node of nodes) if (set.has(node)) return true;
  return false;
}

export function areAllIn(nodes: readonly Tensor[], set: ReadonlySet<Tensor>): boolean {
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

/** Where the result of a layer arrives. */
export type Meeting = "layer" | "head" | "gate" | "sum";

/** A product as its bias is added to it, and the bias as it is added. */
export interface Biased {
  readonly unbiased: Tensor;
  readonly added: Tensor | undefined;
  readonly bias: Variable | undefined;
  /** The product with its bias. */
  readonly sum: Tensor;
}

const nobody: readonly Tensor[] = [];

export class Walk {
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
    return this.users.get(node) ?? nobody;
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
  biased(node: Tensor, units: number): Biased {
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
        if (this.isFedBy(region, user)) {
          region.add(user);
          open.push(user);
        }
      }
    }
    const made = [...region].sort(asMade); // `from` is the first
    const exits: Tensor[] = [];
    for (const node of made) if (this.isExit(region, node)) exits.push(node);
    const output = meeting(made, exits);
    if (output === undefined || output === from) return undefined;
    const inner = made.slice(1, made.indexOf(output) + 1);
    return new Through(this.nameOf(inner), from, output, inner);
  }

  /** Whether a node is made of a region and of what does not depend on the input. */
  private isFedBy(region: ReadonlySet<Tensor>, { inputs }: Tensor): boolean {
    for (const input of inputs) if (!region.has(input) && this.live.has(input)) return false;
    return true;
  }

  /** Whether something outside of a region gets a node of it. */
  private isExit(region: ReadonlySet<Tensor>, node: Tensor): boolean {
    return node === this.trace.output || !areAllIn(this.usersOf(node), region) || this.stops(node);
  }

  /** Classes of the layers that nodes are the outputs of, if the last is one, else the names of their ops. */
  private nameOf(nodes: readonly Tensor[]): string {
    const { names } = this;
    const layers = names.has(nodes[nodes.length - 1]);
    const found = new Set<string>();
    for (const node of nodes) {
      const name = layers ? names.get(node) : node.op.name;
      if (name !== undefined) found.add(name);
    }
    return [...found].join("·");
  }

  /** What uses the result of a layer, itself or after a function of it alone such as 1 − z. */
  meets(node: Tensor): Meeting {
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
