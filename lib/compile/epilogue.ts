/** Pass: an elementwise group that only finishes one kernel's output becomes part of that kernel's call. */
import type { KernelOp } from "../ops/op.js";
import { type Group, type IR, type Node, root } from "./ir.js";

/** The producer's call with all members of the group absorbed, or undefined if the kernel cannot do one of them. */
function absorbAll(producer: Node, members: readonly Node[]): Node | undefined {
  const { absorb } = producer.op as KernelOp;
  let [call, value] = [producer, producer];
  for (const node of members) {
    const operand = node.inputs.findIndex((x) => root(x) === value);
    if (!absorb || operand < 0 || node.op.kind !== "map") return undefined;
    const absorbed = absorb({ ...call, out: call }, { ...node, op: node.op, out: node }, operand);
    if (!absorbed) return undefined;
    const read = absorbed.reads === undefined ? [] : [node.inputs[absorbed.reads]];
    // Literals have no memory, and what the call itself computes is not there yet.
    if (read.some((x) => x.literal !== undefined || root(x) === producer || members.includes(root(x))))
      return undefined;
    call = { ...call, attrs: absorbed.attrs, inputs: [...call.inputs, ...read] };
    value = node;
  }
  return call;
}

/** Moves whole groups into the calls before them; a group that would run anyway keeps all of its members. */
export function absorb(ir: IR, groups: readonly Group[]): Group[] {
  const makers = new Map<Node, Group>();
  const readers = new Map<Node, number>();
  for (const group of groups) {
    for (const x of group.outputs) makers.set(x, group);
    for (const x of group.inputs) readers.set(x, (readers.get(x) ?? 0) + 1);
  }
  for (const node of [...ir.outputs, ...ir.effects.map((e) => e.value)]) readers.set(root(node), Infinity);
  const gone = new Set<Group>();
  const result = groups.map((group): Group => {
    const { members, outputs } = group;
    if (outputs.length !== 1 || outputs[0] !== members[members.length - 1]) return group;
    for (const x of members[0].inputs.map(root)) {
      const maker = makers.get(x);
      if (!maker || maker.members.length > 1 || x.op.kind !== "kernel" || readers.get(x) !== 1) continue;
      const call = absorbAll(x, members);
      if (!call) continue;
      gone.add(maker);
      return { members: [call, ...members], inputs: [...new Set(call.inputs.map(root))], outputs };
    }
    return group;
  });
  return result.filter((_, i) => !gone.has(groups[i]));
}
