/** The micro-program of a fused group: what the kernel `map` does to every element. */
import { internal } from "../error.js";
import type { MapOp, OpCall } from "../ops/op.js";
import { sizeOf } from "../shape.js";
import type { Group, Node } from "./ir.js";

/** Values are numbered: what is read, then the immediates, then the result of each micro-op. */
export interface Chain {
  /** What is read from memory: distinct nodes, each under its own shape. */
  readonly reads: readonly Node[];
  readonly immediates: readonly number[];
  /** The native names of operations, and their operands. */
  readonly micros: readonly { readonly name: string; readonly operands: readonly number[] }[];
  readonly outputs: readonly number[];
}

/** Whether what is read is one number for all elements. */
export const isNumber = (x: Node): boolean => sizeOf(x.shape) === 1;

/** A node as its op's rules want it. */
export const opCallOf = (node: Node): OpCall => ({ inputs: node.inputs, attrs: node.attrs, out: node });

export function chainOf(group: Group): Chain {
  // The shape under which each input is read; an alias is read under its own. One buffer may be read in two ways.
  const reads = readsOf(group);
  const values = new Map<Node, number>();
  const immediates: number[] = [];
  const micros: { name: string; operands: number[] }[] = [];
  // Until all immediates are known, the k-th is −1−k and the micro-ops are numbered after the inputs.
  const immediate = (value: number): number => {
    const known = immediates.findIndex((x) => Object.is(x, value));
    return -1 - (known >= 0 ? known : immediates.push(value) - 1);
  };
  const emit = (name: string, ...operands: number[]): number => {
    micros.push({ name, operands });
    return reads.length + micros.length - 1;
  };
  for (const node of group.members) {
    if (node.literal !== undefined) {
      const value = immediate(node.literal);
      values.set(node, node.dtype === "i32" ? emit("addI", value, immediate(0)) : value);
      continue;
    }
    const operands = node.inputs.map((x) => {
      if (x.literal !== undefined) return immediate(x.literal);
      return values.get(x) ?? reads.indexOf(x);
    });
    values.set(node, (node.op as MapOp).emit(emit, operands, opCallOf(node), immediate));
  }
  const settle = (id: number): number => {
    if (id < 0) return reads.length - 1 - id;
    return id < reads.length ? id : id + immediates.length;
  };
  return {
    reads,
    immediates,
    micros: micros.map(({ name, operands }) => ({ name, operands: operands.map(settle) })),
    outputs: group.outputs.map((node) => settle(values.get(node) ?? internal(`no value for ${node.op.name}`))),
  };
}

function readsOf(group: Group): Node[] {
  const own = new Set(group.members);
  const reads = group.members.flatMap((m) => m.inputs.filter((x) => x.literal === undefined && !own.has(x)));
  return [...new Set(reads)];
}
