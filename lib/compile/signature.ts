/**
 * A graph as numbers: equal for graphs that one program serves, in structure, shapes, dtypes and attributes, whatever their
 * data. Every run asks for them, so they are written where those of the graph before stood, and nothing else is made.
 */
import { internal } from "../error.js";
import type { Tensor } from "../tensor.js";
import { type Graph, needed } from "./graph.js";

let numbers = new Float64Array(4096);
let count = 0;

function write(x: number): void {
  if (count === numbers.length) {
    const more = new Float64Array(2 * count);
    more.set(numbers);
    numbers = more;
  }
  numbers[count++] = x;
}

/** Names of ops, dtypes and attributes, of which there are few, in the order in which they were met. */
const names = new Map<string, number>();

function writeName(name: string): void {
  const known = names.get(name) ?? names.size;
  if (known === names.size) names.set(name, known);
  write(known);
}

/** What a value is; after a number, a name or a list there comes which, or how long. */
const kinds = { number: 0, string: 1, list: 2, function: 3, false: 4, true: 5, undefined: 6 };

function writeAttr(value: unknown): void {
  if (typeof value === "number") {
    write(kinds.number);
    write(value);
  } else if (typeof value === "string") {
    write(kinds.string);
    writeName(value);
  } else if (Array.isArray(value)) {
    write(kinds.list);
    write(value.length);
    for (const item of value) writeAttr(item);
  } else if (typeof value === "function") write(kinds.function);
  else if (typeof value === "boolean") write(value ? kinds.true : kinds.false);
  else if (value === undefined) write(kinds.undefined);
  else internal(`an attribute cannot be a ${typeof value}`);
}

/** Where a node stands among nodes in the order of their making. */
function placeOf(node: Tensor, nodes: readonly Tensor[]): number {
  let [low, high] = [0, nodes.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nodes[middle].id < node.id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The bits of the numbers, good until the next call: −0 is not 0.
 * @param flags what else tells programs apart
 */
export function signatureOf({ nodes, outputs, effects }: Graph, flags: number): Int32Array {
  count = 0;
  write(flags);
  for (const node of nodes) {
    const { op, inputs, attrs, shape, dtype } = node;
    writeName(op.name);
    writeName(dtype);
    write(shape.length);
    for (const n of shape) write(n);
    const reads = needed(node);
    write(reads);
    for (let i = 0; i < reads; i++) write(placeOf(inputs[i], nodes));
    for (const key in attrs) {
      writeName(key);
      writeAttr(attrs[key]);
    }
    write(-1);
  }
  for (const output of outputs) write(placeOf(output, nodes));
  write(-1);
  for (const { variable, value } of effects) {
    write(placeOf(variable, nodes));
    write(placeOf(value, nodes));
  }
  return new Int32Array(numbers.buffer, 0, 2 * count);
}
