/** The graph a run computes: everything its outputs and their effects depend on, and its text. */

import type { DType } from "../dtype.js";
import { fail } from "../error.js";
import type { Op } from "../ops/op.js";
import { type Shape, sameShape, showShape } from "../shape.js";
import { Constant, type Effect, Feed, markOf, setMark, type Tensor, Variable } from "../tensor.js";

/** What is asked of a run. */
export interface Request {
  readonly outputs: readonly Tensor[];
  /** Writes to perform besides those that ride on the nodes. */
  readonly effects?: readonly Effect[];
}

/** A leaf: where a run's data comes from. */
export type Leaf = Constant | Variable | Feed;

/** A request with everything it reaches. */
export interface Graph {
  readonly outputs: readonly Tensor[];
  /** One per variable; of several in one graph the latest made counts. */
  readonly effects: readonly Effect[];
  /** In topological order. */
  readonly nodes: readonly Tensor[];
  /** The nodes that are leaves, in the order in which a program numbers its slots. */
  readonly leaves: readonly Leaf[];
}

export function isLeaf(node: Tensor): node is Leaf {
  return node instanceof Constant || node instanceof Variable || node instanceof Feed;
}

/** How many of a node's inputs it needs the values of: an alias only what it is an alias of. */
export const needed = ({ op, inputs }: Tensor): number => (op.kind === "alias" ? 1 : inputs.length);

/** The inputs whose values a node needs. */
export const needs = (node: Tensor): readonly Tensor[] => node.inputs.slice(0, needed(node));

function checkEffect({ variable, value }: Effect): void {
  if (sameShape(variable.shape, value.shape) && variable.dtype === value.dtype) return;
  const show = (t: Tensor): string => `${t.dtype}${showShape(t.shape)}`;
  fail("run", `variable ${variable.label} must be given values of its own kind ${show(variable)}, got ${show(value)}`);
}

/** In order of making, which is a topological order. */
export const asMade = (a: Tensor, b: Tensor): number => a.id - b.id;

/** So many places in a list fit into a key beside an id. */
const mostPlaces = 2 ** 20;

/** Nodes as they were made. Sorted by one number each: a comparison that is called back is half of what collecting takes. */
function inOrder(list: Tensor[]): Tensor[] {
  const keys = new Float64Array(list.length);
  for (let i = 0; i < list.length; i++) keys[i] = list[i].id * mostPlaces + i;
  keys.sort();
  const exact = list.length <= mostPlaces && keys[keys.length - 1] <= Number.MAX_SAFE_INTEGER; // ids up to 2³³
  if (!exact) return list.sort(asMade);
  const nodes: Tensor[] = [];
  for (let i = 0; i < keys.length; i++) nodes.push(list[keys[i] % mostPlaces]);
  return nodes;
}

let walks = 0;

/** Collects what a request reaches. */
export function collect(request: Request): Graph {
  const walk = --walks; // below 0: others mark nodes with their places
  const found: Tensor[] = [];
  const effects = new Map<Variable, Effect>();
  const open: Tensor[] = [...request.outputs];
  const add = (effect: Effect): void => {
    checkEffect(effect);
    const known = effects.get(effect.variable);
    if (!known || known.value.id < effect.value.id) effects.set(effect.variable, effect);
    open.push(effect.variable, effect.value);
  };
  for (const effect of request.effects ?? []) add(effect);
  for (let node = open.pop(); node; node = open.pop()) {
    if (markOf(node) === walk) continue;
    setMark(node, walk);
    found.push(node);
    if (node.effects) for (const effect of node.effects) add(effect);
    for (let i = 0; i < needed(node); i++) open.push(node.inputs[i]);
  }
  const nodes = inOrder(found);
  return { outputs: request.outputs, effects: [...effects.values()], nodes, leaves: nodes.filter(isLeaf) };
}

function showAttr(value: unknown): string {
  if (typeof value === "function") return "";
  if (Array.isArray(value)) return `[${value.map(showAttr).join(",")}]`;
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Static arguments as text: equal text, equal arguments. */
export function showAttrs(attrs: Readonly<Record<string, unknown>>): string {
  const parts: string[] = [];
  for (const key in attrs) parts.push(`${key}=${showAttr(attrs[key])}`);
  return parts.join(" ");
}

/** One line of a graph's text. */
export function showNode(
  node: { op: Op; attrs: Readonly<Record<string, unknown>>; shape: Shape; dtype: DType },
  inputs: readonly number[],
): string {
  const attrs = showAttrs(node.attrs);
  return `${node.op.name}${inputs.length ? ` ${inputs.map((i) => `%${i}`).join(" ")}` : ""}${attrs && ` {${attrs}}`} ${node.dtype}${showShape(node.shape)}`;
}

/** A graph as text, a line for each node, for messages: `signature.ts` tells graphs apart. */
export function linesOf({ nodes, outputs, effects }: Graph): string[] {
  const index = new Map<Tensor, number>(nodes.map((node, i) => [node, i]));
  const at = (t: Tensor): number => index.get(t) as number;
  return [
    ...nodes.map((node) => showNode(node, needs(node).map(at))),
    `out ${outputs.map(at).join(" ")}`,
    `effects ${effects.map((e) => `${at(e.variable)}:${at(e.value)}`).join(" ")}`,
  ];
}
