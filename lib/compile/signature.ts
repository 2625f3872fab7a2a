/**
 * A graph as words of 32 bits: equal for graphs that one program serves, in structure, shapes, dtypes and attributes, whatever
 * their data. Every run asks for them, so they are written where those of the graph before stood, and nothing else is made.
 */
import { internal } from "../error.js";
import { markOf, setMark } from "../tensor.js";
import { type Graph, needed } from "./graph.js";

let words = new Int32Array(8192);
let count = 0;

function write(word: number): void {
  if (count === words.length) {
    const more = new Int32Array(2 * count);
    more.set(words);
    words = more;
  }
  words[count++] = word;
}

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** The bits of a number: −0 is not 0. */
function writeNumber(x: number): void {
  double[0] = x;
  write(halves[0]);
  write(halves[1]);
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
    writeNumber(value);
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

/**
 * The words, good until the next call.
 * @param flags what else tells programs apart
 */
export function signatureOf({ nodes, outputs, effects }: Graph, flags: number): Int32Array {
  count = 0;
  write(flags);
  for (let i = 0; i < nodes.length; i++) setMark(nodes[i], i);
  for (const node of nodes) {
    const { op, inputs, attrs, shape, dtype } = node;
    writeName(op.name);
    writeName(dtype);
    write(shape.length);
    for (const n of shape) writeNumber(n);
    const reads = needed(node);
    write(reads);
    for (let i = 0; i < reads; i++) write(markOf(inputs[i]));
    for (const key in attrs) {
      writeName(key);
      writeAttr(attrs[key]);
    }
    write(-1);
  }
  for (const output of outputs) write(markOf(output));
  write(-1);
  for (const { variable, value } of effects) {
    write(markOf(variable));
    write(markOf(value));
  }
  return words.subarray(0, count);
}
