/** Pass: where every value lives: leaf and output slots, variables written in place, and offsets in one arena. */
import { bytesOf, type DType } from "../dtype.js";
import { internal } from "../error.js";
import { sameShape, sizeOf } from "../shape.js";
import { type Group, type IR, type Node, root } from "./ir.js";

/** A contiguous block: part of the arena, or a slot that the caller binds. */
export interface Place {
  readonly kind: "arena" | "slot";
  /** Byte offset in the arena, or slot number. */
  at: number;
  readonly dtype: DType;
  readonly count: number;
}

/** A group with the blocks of its inputs and outputs. */
export interface Call {
  readonly group: Group;
  readonly from: readonly Place[];
  readonly to: readonly Place[];
}

/**
 * A kernel call: of one group, and of others that run with it in any order; or a copy, which moves a value into an output
 * or variable that could not be written directly.
 */
export type Step =
  | (Call & { readonly others?: readonly Call[] })
  | {
      readonly group?: undefined;
      readonly from: readonly [Place];
      readonly to: readonly [Place];
    };

export interface Plan {
  readonly steps: readonly Step[];
  readonly arenaBytes: number;
  /** Slots of the leaves. */
  readonly leaves: number;
  /** Slots after the leaves: one per output. */
  readonly outputs: readonly { dtype: DType; count: number }[];
  /** Leaf slots that the program writes. */
  readonly written: ReadonlySet<number>;
}

const alignment = 64;
const blockBytes = (node: Node): number =>
  Math.ceil((sizeOf(node.shape) * bytesOf(node.dtype)) / alignment) * alignment;

/** Groups that only effects depend on come last, so that a run can stop before anything is written. */
function effectsLast(groups: readonly Group[], ir: IR): { order: Group[]; tail: ReadonlySet<Group> } {
  const written = new Set(ir.effects.map((e) => root(e.value)));
  const returned = new Set(ir.outputs.map(root));
  const tail = new Set<Group>();
  const needed = new Set<Node>();
  for (const group of [...groups].reverse()) {
    const last =
      group.outputs.some((x) => written.has(x)) && !group.outputs.some((x) => needed.has(x) || returned.has(x));
    if (last) tail.add(group);
    else for (const x of group.inputs) needed.add(x);
  }
  return { order: [...groups.filter((g) => !tail.has(g)), ...groups.filter((g) => tail.has(g))], tail };
}

/** Whether an elementwise group may write over the block of an input: it reads each element just before writing it. */
function overwrites(group: Group, input: Node): boolean {
  const [first] = group.members;
  if (first.op.kind !== "map") return false;
  return group.members.every((m) => m.inputs.every((x) => root(x) !== input || sameShape(x.shape, m.shape)));
}

/** The block that a call reads a node from. */
export const placeOf = ({ group, from }: Call, x: Node): Place => from[group.inputs.indexOf(root(x))];

/** The groups that a step runs: none if it is a copy. */
export const callsOf = (step: Step): readonly Call[] => (step.group ? [step, ...(step.others ?? [])] : []);

/** Plans blocks for groups in their order. With `reuse` off no two values share memory. */
export function plan(ir: IR, groups: readonly Group[], leaves: number, reuse: boolean): Plan {
  const { order, tail } = effectsLast(groups, ir);
  const places = new Map<Node, Place>();
  const block = (node: Node): { dtype: DType; count: number } => ({ dtype: node.dtype, count: sizeOf(node.shape) });
  for (const node of ir.nodes) {
    if (node.leaf !== undefined) places.set(node, { kind: "slot", at: node.leaf, ...block(node) });
  }
  const readers = new Map<Node, number>(); // last position at which a value is read
  for (const [at, group] of order.entries()) for (const x of group.inputs) readers.set(x, at);

  const copies: { from: Node; to: Place }[] = [];
  const producer = new Map<Node, number>();
  for (const [at, group] of order.entries()) for (const x of group.outputs) producer.set(x, at);
  const assign = (node: Node, to: Place, direct: boolean): void => {
    if (direct && producer.has(node) && !places.has(node)) places.set(node, to);
    else copies.push({ from: node, to });
  };
  const written = new Set<number>();
  for (const { leaf, value } of ir.effects) {
    const node = root(value);
    const at = producer.get(node);
    if (node === leaf) continue; // it keeps its value
    written.add(leaf.leaf as number);
    // In place: nothing later reads the old value, and the writer itself reads it element by element.
    const group = at === undefined ? undefined : order[at];
    const direct =
      group !== undefined &&
      tail.has(group) &&
      (readers.get(leaf) ?? -1) <= (at as number) &&
      (!group.inputs.includes(leaf) || overwrites(group, leaf));
    assign(node, { kind: "slot", at: leaf.leaf as number, ...block(leaf) }, direct);
  }
  for (const [i, output] of ir.outputs.entries()) {
    assign(root(output), { kind: "slot", at: leaves + i, ...block(output) }, true);
  }
  for (const copy of copies) readers.set(copy.from, order.length);

  let arenaBytes = allocate(order, readers, places, reuse);
  const place = (node: Node): Place => places.get(node) ?? internal(`no block for ${node.op.name}`);
  const steps = order.map((group): Step => ({ group, from: group.inputs.map(place), to: group.outputs.map(place) }));
  // A variable's old value is copied out before the groups that write variables in place; the other copies run last. One
  // that goes to another variable waits in the arena, as that one's old value may still be read.
  const early: Step[] = [];
  const late: Step[] = [];
  for (const { from, to } of copies) {
    const isOld = from.leaf !== undefined && written.has(from.leaf);
    if (!isOld) late.push({ from: [place(from)], to: [to] });
    else if (to.at >= leaves) early.push({ from: [place(from)], to: [to] });
    else {
      const stash: Place = { kind: "arena", at: arenaBytes, ...block(from) };
      arenaBytes += blockBytes(from);
      early.push({ from: [place(from)], to: [stash] });
      late.push({ from: [stash], to: [to] });
    }
  }
  const cut = steps.length - tail.size;
  return {
    steps: [...steps.slice(0, cut), ...early, ...steps.slice(cut), ...late],
    arenaBytes,
    leaves,
    outputs: ir.outputs.map(block),
    written,
  };
}

/** Gives every value without a place an offset in the arena, lowest first, free again after its last reader. */
function allocate(
  order: readonly Group[],
  readers: ReadonlyMap<Node, number>,
  places: Map<Node, Place>,
  reuse: boolean,
): number {
  const live: { from: number; to: number; until: number; node: Node }[] = [];
  let top = 0;
  for (const [at, group] of order.entries()) {
    const ending = live.filter((b) => b.until === at && group.inputs.includes(b.node) && overwrites(group, b.node));
    for (const node of group.outputs) {
      if (places.has(node)) continue;
      const until = Math.max(at, readers.get(node) ?? at);
      const bytes = blockBytes(node);
      const over = reuse
        ? ending.findIndex((b) => b.node.dtype === node.dtype && sizeOf(b.node.shape) === sizeOf(node.shape))
        : -1;
      let from = 0;
      if (over >= 0) {
        const [old] = ending.splice(over, 1);
        live.splice(live.indexOf(old), 1);
        from = old.from;
      } else if (reuse) {
        for (const b of live) if (from + bytes > b.from && from < b.to) from = b.to;
      } else from = top;
      const at_ = live.findIndex((b) => b.from > from);
      live.splice(at_ < 0 ? live.length : at_, 0, { from, to: from + bytes, until, node });
      top = Math.max(top, from + bytes);
      places.set(node, { kind: "arena", at: from, dtype: node.dtype, count: sizeOf(node.shape) });
    }
    if (reuse) for (let i = live.length - 1; i >= 0; i--) if (live[i].until <= at) live.splice(i, 1);
  }
  return top;
}
