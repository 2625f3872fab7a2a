/** Running graphs: which executor, variables' first values, and the values of tensors. */
import { collect, type Graph, type Leaf, type Request } from "../compile/graph.js";
import type { TypedArray } from "../dtype.js";
import { checkOptions, checkSignal, fail, internal, show } from "../error.js";
import "../ops/index.js";
import { showShape } from "../shape.js";
import { Constant, setTracing, Tensor, Variable } from "../tensor.js";
import { addon } from "./addon.js";
import { debugging } from "./debug.js";
import { demandsOf } from "./demand.js";
import { allocatedBytes, type Executor, type Prepared } from "./executor.js";

let chosen: "native" | "reference" = "native";
let nonFinite = false;

/** Chooses what computes from now on: `native` (the default), or `reference`, plain JavaScript in double precision. */
export function useExecutor(name: "native" | "reference"): void {
  if (name !== "native" && name !== "reference")
    fail("useExecutor", `name must be "native" or "reference", got ${show(name)}`);
  if (name === "native") addon();
  chosen = name;
}

/**
 * Switches on a search for the first non-finite value: every node runs alone, and the one that makes a NaN or infinity
 * is named with the line that made it. Call it before the model is built. EVENGRAD_DEBUG=nonfinite does the same.
 */
export function debugNonFinite(on = true): void {
  nonFinite = on;
  setTracing(on);
}

if (debugging("nonfinite")) debugNonFinite();

/** What computes at the moment. Loaded by the first run, as a program that imports the package may never make one. */
export async function executor(): Promise<Executor> {
  const [wanted, checked] = [chosen, nonFinite];
  const plain =
    wanted === "native" ? (await import("./native.js")).native() : (await import("./reference.js")).reference;
  return checked ? (await import("./inspect.js")).inspecting(plain) : plain;
}

const starting = new WeakMap<Variable, Promise<void>>();

/** Gives variables that have none their first value. */
export async function initialize(leaves: readonly Tensor[]): Promise<void> {
  const fresh = leaves.filter((x): x is Variable => x instanceof Variable && x.storage === undefined);
  if (fresh.length === 0) return;
  const todo = fresh.filter((v) => !starting.has(v));
  const work = start(todo);
  for (const v of todo) starting.set(v, work);
  try {
    await Promise.all(fresh.map((v) => starting.get(v)));
  } finally {
    for (const v of todo) starting.delete(v);
  }
}

async function start(variables: readonly Variable[]): Promise<void> {
  if (variables.length === 0) return;
  const target = await executor();
  const first = variables.map((v) => v.initial ?? internal(`variable ${v.label} begins with nothing`));
  const demands = demandsOf(first);
  const values = await evaluate({ outputs: [...first, ...demands.map(({ holds }) => holds)] });
  demands.find((_, i) => values[first.length + i][0] === 0)?.refuse();
  for (const [i, variable] of variables.entries()) {
    const { initial, dtype, size } = variable;
    let storage = values[i];
    const loaded = initial instanceof Constant && initial !== first[i]; // meanwhile: those values count
    if (loaded || storage.byteLength < allocatedBytes) {
      storage = target.allocate(dtype, size);
      storage.set(loaded ? initial.values : values[i]);
    }
    variable.storage = storage;
    variable.initial = undefined;
  }
}

/** A graph ready to run, its variables initialized. */
export async function prepare(
  request: Request,
): Promise<{ graph: Graph; prepared: Prepared; leaves: readonly Leaf[] }> {
  const graph = collect(request);
  await initialize(graph.leaves);
  return { graph, prepared: (await executor()).prepare(graph), leaves: graph.leaves };
}

/** Computes tensors together, in one run, and performs the effects they carry. */
export async function evaluate(request: Request, options: { signal?: AbortSignal } = {}): Promise<TypedArray[]> {
  checkOptions("read", options, ["signal"]);
  checkSignal("read", options.signal);
  options.signal?.throwIfAborted();
  const { prepared } = await prepare(request);
  const { steps, outputs } = await prepared.run(options);
  if (steps < 1) throw options.signal?.reason ?? new Error("internal: a run ended early");
  return [...outputs];
}

/** Nested lists of a tensor's values. */
export type NestedArray = number | NestedArray[];

function nest(values: TypedArray, shape: readonly number[], from = 0): NestedArray {
  if (shape.length === 0) return values[from];
  const [n, ...rest] = shape;
  const step = rest.reduce((a, b) => a * b, 1);
  if (rest.length === 0) return Array.from(values.subarray(from, from + n));
  return Array.from({ length: n }, (_, i) => nest(values, rest, from + i * step));
}

/** How a tensor's values are read. */
export interface TensorValues {
  /**
   * The values, computed now: Float32Array for f32, Int32Array for i32, Uint8Array for u8 and bool.
   * @example await arange(3).data() // Float32Array [0, 1, 2]
   */
  data<A extends TypedArray = Float32Array>(options?: { signal?: AbortSignal }): Promise<A>;
  /** The only element, as a number. */
  item(options?: { signal?: AbortSignal }): Promise<number>;
  /** The values as nested lists. */
  array(options?: { signal?: AbortSignal }): Promise<NestedArray>;
}

declare module "../tensor.js" {
  interface Tensor extends TensorValues {}
}

Tensor.prototype.data = async function <A extends TypedArray>(
  this: Tensor,
  options?: { signal?: AbortSignal },
): Promise<A> {
  if (this instanceof Constant) return this.values.slice() as A;
  return (await evaluate({ outputs: [this] }, options))[0] as A;
};

Tensor.prototype.item = async function (this: Tensor, options?: { signal?: AbortSignal }): Promise<number> {
  if (this.size !== 1) fail("item", `wants a tensor of one element, got ${showShape(this.shape)}. Use data()`);
  return (await this.data(options))[0];
};

Tensor.prototype.array = async function (this: Tensor, options?: { signal?: AbortSignal }): Promise<NestedArray> {
  return nest(await this.data<TypedArray>(options), this.shape);
};

/** Computes several tensors in one run. */
export async function read(tensors: readonly Tensor[], options?: { signal?: AbortSignal }): Promise<TypedArray[]> {
  return evaluate({ outputs: tensors }, options);
}
