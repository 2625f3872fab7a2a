/** Checks between passes: what a pass returns must still be a program for the same values. */
import { bytesOf } from "../dtype.js";
import { internal } from "../error.js";
import { sameShape, showShape, sizeOf } from "../shape.js";
import { type Group, type IR, type Node, root } from "./ir.js";
import { type Call, callsOf, type Place, type Plan } from "./plan.js";

/** Every node's inputs come before it, and its op's own rule gives its shape and dtype. */
export function verifyIR(ir: IR, pass: string): void {
  const seen = new Set<Node>();
  for (const node of ir.nodes) {
    for (const x of node.inputs)
      if (!seen.has(x)) internal(`${pass}: ${node.op.name} comes before its input ${x.op.name}`);
    seen.add(node);
    if (node.leaf !== undefined || node.literal !== undefined) continue;
    const want = node.op.infer(node.inputs, node.attrs);
    if (!sameShape(want.shape, node.shape) || want.dtype !== node.dtype) {
      internal(
        `${pass}: ${node.op.name} is ${node.dtype}${showShape(node.shape)}, its rule says ${want.dtype}${showShape(want.shape)}`,
      );
    }
  }
  for (const node of [...ir.outputs, ...ir.effects.flatMap((e) => [e.leaf, e.value])]) {
    if (!seen.has(node)) internal(`${pass}: an output (${node.op.name}) is missing`);
  }
}

/** Whether a member may stand in a group beside its first: as large, and in a fused group of its shape, or both outputs of one kernel. */
function alike(m: Node, first: Node): boolean {
  if (first.op.kind === "map") return sameShape(m.shape, first.shape);
  const outputs = first.op.kind === "kernel" && m.op.kind === "kernel" && first.op.part !== undefined;
  return (outputs && m.op.kernel === first.op.kernel) || sizeOf(m.shape) === sizeOf(first.shape);
}

/** Every value is computed once, before it is read, and the members of a group belong together. */
export function verifyGroups(ir: IR, groups: readonly Group[], pass: string): void {
  const ready = new Set<Node>(ir.nodes.filter((node) => node.leaf !== undefined));
  const done = new Set<Node>();
  for (const { members, inputs, outputs } of groups) {
    for (const x of inputs)
      if (!ready.has(x)) internal(`${pass}: ${members[0].op.name} reads ${x.op.name} before it is computed`);
    for (const m of members) {
      if (done.has(m)) internal(`${pass}: ${m.op.name} is in two groups`);
      done.add(m);
      if (!alike(m, members[0])) internal(`${pass}: ${m.op.name} differs in shape from its group`);
    }
    for (const x of outputs) ready.add(x);
  }
  for (const node of [...ir.outputs, ...ir.effects.map((e) => e.value)]) {
    if (!ready.has(root(node))) internal(`${pass}: ${node.op.name} is never computed`);
  }
}

/** Which value every block holds at some point of a program. */
class Memory {
  private slots = new Map<number, Node>();
  private arena: { from: number; to: number; node: Node }[] = [];

  constructor(private readonly arenaBytes: number) {}

  copy(): Memory {
    const copy = new Memory(this.arenaBytes);
    copy.slots = new Map(this.slots);
    copy.arena = [...this.arena];
    return copy;
  }

  at({ kind, at }: Place): Node | undefined {
    return kind === "slot" ? this.slots.get(at) : this.arena.find((b) => b.from === at)?.node;
  }

  /** Empty blocks may lie in one place. */
  has({ kind, at }: Pick<Place, "kind" | "at">, node: Node): boolean {
    return kind === "slot" ? this.slots.get(at) === node : this.arena.some((b) => b.from === at && b.node === node);
  }

  hold(slot: number, node: Node): void {
    this.slots.set(slot, node);
  }

  write(place: Place, node: Node): void {
    if (place.kind === "slot") {
      this.hold(place.at, node);
      return;
    }
    const to = place.at + place.count * bytesOf(place.dtype);
    if (to > this.arenaBytes) internal(`plan: ${node.op.name} ends at ${to} of ${this.arenaBytes} bytes`);
    this.arena = this.arena.filter((b) => b.from >= to || place.at >= b.to);
    this.arena.push({ from: place.at, to, node });
  }

  run({ group, from, to }: Call): void {
    for (const [i, node] of group.inputs.entries()) {
      if (!this.has(from[i], node)) internal(`plan: the block of ${node.op.name} is overwritten before it is read`);
    }
    for (const [i, node] of group.outputs.entries()) this.write(to[i], node);
  }
}

/** Replays the plan symbolically: every block read still holds the value that the reader wants. */
export function verifyPlan(plan: Plan, ir: IR): void {
  const memory = new Memory(plan.arenaBytes);
  for (const node of ir.nodes) if (node.leaf !== undefined) memory.hold(node.leaf, node);
  for (const step of plan.steps) {
    if (!step.group) {
      memory.write(step.to[0], memory.at(step.from[0]) ?? internal("plan: a copy reads an empty block"));
      continue;
    }
    const calls = callsOf(step);
    // Calls that may run in any order: if one disturbs another, it does so from the front or from the back.
    if (calls.length > 1) {
      const other = memory.copy();
      for (const call of [...calls].reverse()) other.run(call);
    }
    for (const call of calls) memory.run(call);
  }
  for (const { leaf, value } of ir.effects) {
    if (!memory.has({ kind: "slot", at: leaf.leaf as number }, root(value)))
      internal("plan: a variable does not end with its new value");
  }
  for (const [i, output] of ir.outputs.entries()) {
    if (!memory.has({ kind: "slot", at: plan.leaves + i }, root(output)))
      internal(`plan: output ${i} does not end with its value`);
  }
}
