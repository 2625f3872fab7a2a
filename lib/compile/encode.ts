/** Pass: the plan as the numbers that the native executor decodes. */
import { dtypes } from "../dtype.js";
import { internal } from "../error.js";
import type { KernelOp, MapOp, OpCall } from "../ops/op.js";
import { broadcastStrides } from "../shape.js";
import type { Group, Node } from "./ir.js";
import { root } from "./ir.js";
import type { Place, Plan, Step } from "./plan.js";

/** Numbers of the native kernels' names, as the addon lists them. */
export interface Opcodes {
  kernel(name: string): number;
  map(name: string): number;
  reduce(name: string): number;
}

/** A program in the form that the addon takes. */
export interface Encoded {
  /** Rows of dtype, count, 0 = read, 1 = variable, 2 = output. */
  readonly slots: Float64Array;
  readonly arenaBytes: number;
  /** Rows of 0 = arena or 1 = slot, offset or number, dtype, count. */
  readonly buffers: Float64Array;
  /** Instructions: kernel, inputs, outputs and parameters, each list led by its length. */
  readonly code: Float64Array;
}

const call = (node: Node): OpCall => ({ inputs: node.inputs, attrs: node.attrs, out: node });

/** Parameters of the `map` kernel for a fused group: see native/kernels/map.h. */
function encodeMap(group: Group, opcodes: Opcodes): number[] {
  const { shape } = group.members[0];
  // The shape under which each input is read; an alias is read under its own. One buffer may be read in two ways.
  const reads = readsOf(group);
  const values = new Map<Node, number>();
  const immediates: number[] = [];
  const micros: [number, ...number[]][] = [];
  // Until all immediates are known, the k-th is −1−k and the micro-ops are numbered after the inputs.
  const immediate = (value: number): number => {
    const known = immediates.findIndex((x) => Object.is(x, value));
    return -1 - (known >= 0 ? known : immediates.push(value) - 1);
  };
  const emit = (name: string, ...operands: number[]): number => {
    micros.push([opcodes.map(name), ...operands]);
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
    values.set(node, (node.op as MapOp).emit(emit, operands, call(node), immediate));
  }
  const settle = (id: number): number => {
    if (id < 0) return reads.length - 1 - id;
    return id < reads.length ? id : id + immediates.length;
  };
  return [
    shape.length,
    ...shape,
    ...reads.flatMap((x) => broadcastStrides(x.shape, shape)),
    immediates.length,
    ...immediates,
    micros.length,
    ...micros.flatMap(([op, a = 0, b = 0, c = 0]) => [op, settle(a), settle(b), settle(c)]),
    ...group.outputs.map((node) => settle(values.get(node) ?? internal(`no value for ${node.op.name}`))),
  ];
}

/** What a fused group reads from memory: distinct nodes, each under its own shape. */
function readsOf(group: Group): Node[] {
  const own = new Set(group.members);
  const reads = group.members.flatMap((m) => m.inputs.filter((x) => x.literal === undefined && !own.has(x)));
  return [...new Set(reads)];
}

/** A bit for each of a kernel's outputs that is one of these. */
const wanted = (outputs: readonly Node[]): number =>
  outputs.reduce((mask, x) => mask + 2 ** ((x.op as KernelOp).part ?? 0), 0);

function encodeStep(step: Step, opcodes: Opcodes): { kernel: number; reads: Node[] | undefined; params: number[] } {
  if (!step.group) {
    const { count } = step.from[0];
    return { kernel: opcodes.kernel("strided"), reads: undefined, params: [1, count, 1, 0] };
  }
  const [node] = step.group.members;
  if (node.op.kind === "map") {
    return { kernel: opcodes.kernel("map"), reads: readsOf(step.group), params: encodeMap(step.group, opcodes) };
  }
  const op = node.op as KernelOp;
  const params = op.params(call(node)).map((p) => (typeof p === "string" ? opcodes.reduce(p) : p));
  if (op.part !== undefined) params.push(wanted(step.group.outputs));
  return { kernel: opcodes.kernel(op.kernel), reads: [...node.inputs], params };
}

/** Encodes a plan; `leaves` are the leaf slots in order. */
export function encode(plan: Plan, leaves: readonly Node[], opcodes: Opcodes): Encoded {
  const dtype = (d: Place["dtype"]): number => dtypes.indexOf(d);
  const slots = [
    ...leaves.flatMap((x, i) => [dtype(x.dtype), x.shape.reduce((a, b) => a * b, 1), Number(plan.written.has(i))]),
    ...plan.outputs.flatMap((x) => [dtype(x.dtype), x.count, 2]),
  ];
  const buffers: number[] = [];
  const ids = new Map<string, number>();
  const buffer = (place: Place): number => {
    const row = [Number(place.kind === "slot"), place.at, dtype(place.dtype), place.count];
    const key = row.join(" ");
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = ids.size;
    ids.set(key, id);
    buffers.push(...row);
    return id;
  };
  const code: number[] = [];
  for (const step of plan.steps) {
    const { kernel, reads, params } = encodeStep(step, opcodes);
    const from = reads && step.group ? reads.map((x) => step.from[step.group.inputs.indexOf(root(x))]) : step.from;
    code.push(
      kernel,
      from.length,
      ...from.map(buffer),
      step.to.length,
      ...step.to.map(buffer),
      params.length,
      ...params,
    );
  }
  return {
    slots: Float64Array.from(slots),
    arenaBytes: plan.arenaBytes,
    buffers: Float64Array.from(buffers),
    code: Float64Array.from(code),
  };
}
