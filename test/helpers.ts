/** What tables over ops share: sample values, running a request on each executor, and comparison in f32 ULPs. */
import { collect, isLeaf, needs, type Request } from "../lib/compile/graph.js";
import { arrayOf, type DType, type TypedArray } from "../lib/dtype.js";
import { tensor } from "../lib/ops/index.js";
import { type Executor, initialize } from "../lib/run/index.js";
import { computeNode, interpret } from "../lib/run/interpret.js";
import { native } from "../lib/run/native.js";
import { reference } from "../lib/run/reference.js";
import { type Shape, sizeOf } from "../lib/shape.js";
import { type Constant, type Tensor, Variable } from "../lib/tensor.js";

/** What computes; every behaviour that does not name one is shown for both. */
export const executors = ["reference", "native"] as const;
export type ExecutorName = (typeof executors)[number];

export const executorOf = (name: ExecutorName): Executor => (name === "native" ? native() : reference);

/** Runs a request once on the executor of a name. */
export async function run(name: ExecutorName, request: Request): Promise<TypedArray[]> {
  const graph = collect(request);
  await initialize(graph.leaves);
  return [...(await executorOf(name).prepare(graph).run()).outputs];
}

/** The values in double precision: the oracle before any rounding. */
export function inDouble(outputs: readonly Tensor[]): Float64Array[] {
  const values = interpret(collect({ outputs }));
  return outputs.map((t) => values.get(t) as Float64Array);
}

/** The values with every f32 node rounded to f32: exact for chains of correctly rounded ops. */
export function inSingle(outputs: readonly Tensor[]): Float64Array[] {
  const values = new Map<Tensor, Float64Array>();
  for (const node of collect({ outputs }).nodes) {
    if (isLeaf(node)) {
      values.set(node, Float64Array.from(node instanceof Variable ? (node.storage as TypedArray) : node.values));
      continue;
    }
    const exact = computeNode(
      node,
      needs(node).map((x) => values.get(x) as Float64Array),
    );
    values.set(node, node.dtype === "f32" ? exact.map(Math.fround) : exact);
  }
  return outputs.map((t) => values.get(t) as Float64Array);
}

/** Uniform numbers on [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A tensor of numbers drawn from [low, high); whole ones for dtypes other than f32. */
export function sample(
  seed: number,
  shape: Shape,
  range: readonly [number, number] = [-3, 3],
  dtype: DType = "f32",
): Constant {
  const random = randomFrom(seed);
  const [low, high] = dtype === "bool" ? [0, 2] : dtype === "u8" ? [0, 256] : range;
  const draw = (): number => low + random() * (high - low);
  const values = Float64Array.from({ length: sizeOf(shape) }, () => (dtype === "f32" ? draw() : Math.floor(draw())));
  return tensor(arrayOf(dtype).from(values), shape, dtype);
}

/** Floats of random bits: every exponent is as likely as another, with NaN and infinities among them. */
export function randomBits(seed: number, count: number): Float32Array {
  const random = randomFrom(seed);
  const values = new Float32Array(Uint32Array.from({ length: count }, () => random() * 2 ** 32).buffer);
  return values.map((x) => (Number.isNaN(x) ? Number.NaN : x));
}

/** Sizes around the vector widths and the blocks of kernels. */
export const sizes = [0, 1, 7, 15, 16, 17, 31, 33, 511, 513, 1003] as const;

/** Values where functions of floats break. */
export const specials = Float32Array.from(
  [
    0,
    1e-45,
    1e-40,
    1.1754942e-38,
    1.17549435e-38,
    1e-30,
    1e-20,
    1e-10,
    1e-4,
    0.25,
    0.5,
    0.99999994,
    1,
    1.0000001,
    1.5,
    2,
    2.5,
    3,
    5.5,
    10,
    11.1,
    17,
    20.1,
    88,
    88.7,
    88.73,
    89,
    103.9,
    104,
    255,
    256,
    1000,
    8388607.5,
    16777216,
    1e10,
    2147483648,
    1e20,
    1e38,
    3.4028235e38,
    Infinity,
  ]
    .flatMap((x) => [x, -x])
    .concat(Number.NaN),
);

const bits = new DataView(new ArrayBuffer(4));

/** The place of a float in their order: neighbours differ by 1, and both zeros are 0. */
function rank(x: number): number {
  bits.setFloat32(0, x);
  const word = bits.getInt32(0);
  return word < 0 ? -(word & 0x7fffffff) : word;
}

/** How many floats lie between two; NaN equals NaN alone, and zeros of different sign are infinitely far apart. */
export function ulpsBetween(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Infinity;
  if (a === 0 && b === 0) return Object.is(a, b) ? 0 : Infinity;
  return Math.abs(rank(a) - rank(b));
}

/** The spacing of floats around x. */
export function ulpOf(x: number): number {
  return 2 ** Math.max(-149, Math.floor(Math.log2(Math.abs(x) || 2 ** -149)) - 23);
}

/** What may separate a result from its oracle. */
export interface Tolerance {
  /** Floats between the result and the rounded oracle; 0 for exact results. */
  ulps: number;
  /** Beside that, an absolute error per element. */
  bounds?: Float64Array | number;
  /** Zeros of both signs are equal: of two that tie, an extreme may be either. */
  zeros?: boolean;
}

/** Where results leave their oracle, as text for `expect(…).toEqual([])`; at most five places. */
export function mismatches(
  actual: ArrayLike<number>,
  oracle: ArrayLike<number>,
  allowed: Tolerance = { ulps: 0 },
): string[] {
  const { ulps, bounds = 0, zeros = false } = allowed;
  const found: string[] = [];
  if (actual.length !== oracle.length) return [`${actual.length} elements for ${oracle.length}`];
  for (let i = 0; i < actual.length && found.length < 5; i++) {
    const bound = typeof bounds === "number" ? bounds : bounds[i];
    const rounded = actual instanceof Int32Array ? oracle[i] : Math.fround(oracle[i]);
    const off = actual instanceof Int32Array ? Math.abs(actual[i] - oracle[i]) : ulpsBetween(actual[i], rounded);
    if (off <= ulps || (bound > 0 && Math.abs(actual[i] - oracle[i]) <= bound)) continue;
    if (zeros && actual[i] === 0 && rounded === 0) continue;
    const show = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));
    found.push(`[${i}] ${show(actual[i])} for ${show(rounded)} (${off} ULPs)`);
  }
  return found;
}

/** Names of the ops in a graph. */
export function opsIn(outputs: readonly Tensor[]): Set<string> {
  return new Set(collect({ outputs }).nodes.map((node) => node.op.name));
}
