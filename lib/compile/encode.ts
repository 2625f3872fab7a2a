/** Pass: the plan as the numbers that the native executor decodes. */
import { dtypes } from "../dtype.js";
import type { KernelOp } from "../ops/op.js";
import { broadcastStrides, type Shape, sizeOf } from "../shape.js";
import { type Chain, chainOf, isNumber, opCallOf } from "./chain.js";
import type { Node } from "./ir.js";
import { type Call, callsOf, type Place, type Plan, placeOf, type Step } from "./plan.js";

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

/** Parameters of the `map` kernel: see native/kernels/map.h. */
function encodeChain(
  chain: Chain,
  opcodes: Opcodes,
  shape: Shape,
  strides: (read: Node) => readonly number[],
): number[] {
  const { reads, immediates, micros, outputs } = chain;
  return [
    shape.length,
    ...shape,
    ...reads.flatMap(strides),
    immediates.length,
    ...immediates,
    micros.length,
    ...micros.flatMap(({ name, operands: [a = 0, b = 0, c = 0] }) => [opcodes.map(name), a, b, c]),
    ...outputs,
  ];
}

/** A bit for each of a kernel's outputs that is one of these. */
const wanted = (outputs: readonly Node[]): number =>
  outputs.reduce((mask, x) => mask + 2 ** ((x.op as KernelOp).part ?? 0), 0);

interface Instruction {
  readonly kernel: number;
  readonly from: readonly Place[];
  readonly to: readonly Place[];
  readonly params: readonly number[];
}

/** A fused group, or several: see native/kernels/mapEach.h. */
function encodeMaps(calls: readonly Call[], opcodes: Opcodes): Instruction {
  const chain = chainOf(calls[0].group);
  const { shape } = calls[0].group.members[0];
  const from = calls.flatMap((call) => chainOf(call.group).reads.map((x) => placeOf(call, x)));
  const to = calls.flatMap((call) => call.to);
  if (calls.length === 1) {
    const params = encodeChain(chain, opcodes, shape, (x) => broadcastStrides(x.shape, shape));
    return { kernel: opcodes.kernel("map"), from, to, params };
  }
  const params = encodeChain(chain, opcodes, [sizeOf(shape)], (x) => [isNumber(x) ? 0 : 1]);
  return { kernel: opcodes.kernel("mapEach"), from, to, params: [calls.length, ...params] };
}

function encodeStep(step: Step, opcodes: Opcodes): Instruction {
  if (!step.group) {
    const { count } = step.from[0];
    return { kernel: opcodes.kernel("strided"), from: step.from, to: step.to, params: [1, count, 1, 0] };
  }
  const [node] = step.group.members;
  if (node.op.kind === "map") return encodeMaps(callsOf(step), opcodes);
  const op = node.op as KernelOp;
  const params = op.params(opCallOf(node)).map((p) => (typeof p === "string" ? opcodes.reduce(p) : p));
  if (op.part !== undefined) params.push(wanted(step.group.outputs));
  const from = node.inputs.map((x) => placeOf(step, x));
  return { kernel: opcodes.kernel(op.kernel), from, to: step.to, params };
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
    const { kernel, from, to, params } = encodeStep(step, opcodes);
    code.push(kernel, from.length, ...from.map(buffer), to.length, ...to.map(buffer), params.length, ...params);
  }
  return {
    slots: Float64Array.from(slots),
    arenaBytes: plan.arenaBytes,
    buffers: Float64Array.from(buffers),
    code: Float64Array.from(code),
  };
}
