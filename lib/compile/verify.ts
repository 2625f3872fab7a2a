/** Checks between passes: what a pass returns must still be a program for the same values. */
import { internal } from "../error.js";
import { sameShape, showShape, sizeOf } from "../shape.js";
import { type Group, type IR, type Node, root } from "./ir.js";
import type { Place, Plan } from "./plan.js";

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

/** Replays the plan symbolically: every block read still holds the value that the reader wants. */
export function verifyPlan(plan: Plan, ir: IR): void {
  const bytes = (p: Place): number => p.count * (p.dtype === "f32" || p.dtype === "i32" ? 4 : 1);
  const slots = new Map<number, Node>();
  const arena: { from: number; to: number; node: Node }[] = [];
  for (const node of ir.nodes) if (node.leaf !== undefined) slots.set(node.leaf, node);
  const holds = (place: Place, node: Node): boolean =>
    place.kind === "slot" ? slots.get(place.at) === node : arena.some((b) => b.from === place.at && b.node === node);
  const write = (place: Place, node: Node): void => {
    if (place.kind === "slot") {
      slots.set(place.at, node);
      return;
    }
    const to = place.at + bytes(place);
    if (to > plan.arenaBytes) internal(`plan: ${node.op.name} ends at ${to} of ${plan.arenaBytes} bytes`);
    for (let i = arena.length - 1; i >= 0; i--) if (arena[i].from < to && place.at < arena[i].to) arena.splice(i, 1);
    arena.push({ from: place.at, to, node });
  };
  for (const step of plan.steps) {
    if (!step.group) {
      const from = step.from[0];
      const node = from.kind === "slot" ? slots.get(from.at) : arena.find((b) => b.from === from.at)?.node;
      if (!node) internal("plan: a copy reads an empty block");
      write(step.to[0], node);
      continue;
    }
    const { inputs, outputs } = step.group;
    for (const [i, node] of inputs.entries()) {
      if (!holds(step.from[i], node)) internal(`plan: the block of ${node.op.name} is overwritten before it is read`);
    }
    for (const [i, node] of outputs.entries()) write(step.to[i], node);
  }
  for (const { leaf, value } of ir.effects) {
    if (slots.get(leaf.leaf as number) !== root(value)) internal("plan: a variable does not end with its new value");
  }
  for (const [i, output] of ir.outputs.entries()) {
    if (slots.get(plan.leaves + i) !== root(output)) internal(`plan: output ${i} does not end with its value`);
  }
}
