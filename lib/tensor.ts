/** A tensor: a node of an expression graph. Nothing is computed until a value is awaited. */
import type { DType, TypedArray } from "./dtype.js";
import { checkOptions, fail, show } from "./error.js";
import type { Op } from "./ops/op.js";
import { type Shape, showShape, sizeOf } from "./shape.js";

/** Static arguments of an op. Functions are allowed but do not take part in a program's identity. */
export type Attrs = Readonly<Record<string, unknown>>;

/** A write that a run performs when it computes a tensor that carries it: `variable` takes the value of `value`. */
export interface Effect {
  readonly variable: Variable;
  readonly value: Tensor;
}

/** Where user code made a tensor; recorded only while {@link tracing} is on. */
let tracing = false;
/** @returns what it was before */
export function setTracing(on: boolean): boolean {
  const before = tracing;
  tracing = on;
  return before;
}

function stackHere(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50; // the user's line may lie below many of ours
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  return stack;
}

let nextId = 0;

/** What the latest walk over a graph noted of a tensor, instead of a set or a map of nodes: of no use to anyone after that. */
export let markOf: (node: Tensor) => number;
export let setMark: (node: Tensor, mark: number) => void;

/**
 * A lazy, immutable array of one dtype. Its operations are methods (and functions of the same names); its values come
 * through `await t.data()`, `await t.item()` and `await t.array()`.
 */
export class Tensor {
  /** Creation order, which is a topological order of every graph. */
  readonly id: number = nextId++;
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attrs: Attrs;
  /** Axis sizes, outermost first. */
  readonly shape: Shape;
  readonly dtype: DType;
  /** Writes that ride on this node, e.g. batch norm's new running statistics. */
  effects?: readonly Effect[];
  /** The stack where it was made, while tracing. */
  readonly made?: string;
  #mark = 0;

  static {
    // Private to the class, so that also a tensor that a caller has frozen can be marked.
    markOf = (node) => node.#mark;
    setMark = (node, mark) => {
      node.#mark = mark;
    };
  }

  constructor(op: Op, inputs: readonly Tensor[], attrs: Attrs, shape: Shape, dtype: DType) {
    this.op = op;
    this.inputs = inputs;
    this.attrs = attrs;
    this.shape = shape;
    this.dtype = dtype;
    if (tracing) this.made = stackHere();
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Lazy tensors have no value to compare or add yet: this throws and names the fix. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    return fail("tensor", "a lazy tensor has no number yet. Read it with `await t.item()`, or compute with `t.add(…)`");
  }

  toString(): string {
    return `Tensor(${this.dtype}${showShape(this.shape)} ${this.op.name})`;
  }

  toJSON(): never {
    return fail("tensor", "a lazy tensor cannot be turned into JSON. Read it first with `await t.array()`");
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

const leaf = (name: string): Op => ({
  name,
  kind: "leaf",
  infer: () => fail(name, "a leaf is not applied"),
  reference: () => fail(name, "a leaf is not computed"),
});
const constantOp = leaf("constant");
const variableOp = leaf("variable");
const feedOp = leaf("feed");

/** A leaf with fixed values. */
export class Constant extends Tensor {
  /** The tensor's own copy; never written. */
  readonly values: TypedArray;

  constructor(values: TypedArray, shape: Shape, dtype: DType) {
    super(constantOp, [], {}, shape, dtype);
    this.values = values;
  }
}

/**
 * A named leaf whose value persists between runs: a parameter, a running statistic, an optimizer's moment. Its first
 * value is that of `initial`, computed when it is first needed.
 */
export class Variable extends Tensor {
  /** For messages and saved files; a module sets it to the path of the parameter, e.g. `0.weight`. */
  label: string;
  /** Whether it was made to be trained: a parameter, also while it is frozen; else a statistic, a moment or the like. */
  readonly learnable: boolean;
  /** Whether optimizers change it and gradients are asked for it. */
  trainable: boolean;
  /** What it begins with; may be replaced until the first run, which drops it. */
  initial: Tensor | undefined;
  /** The current values once it has any. Owned by the executor; others read it through `data()`. */
  storage: TypedArray | undefined;
  /** The run that is writing it at the moment, if any. */
  writer: string | undefined;

  constructor(initial: Tensor, options: { label?: string; trainable?: boolean } = {}) {
    if (!(initial instanceof Tensor)) fail("Variable", `initial must be a tensor, got ${show(initial)}. Use tensor(…)`);
    checkOptions("Variable", options, ["label", "trainable"]);
    super(variableOp, [], {}, initial.shape, initial.dtype);
    this.initial = initial;
    this.label = options.label ?? "variable";
    this.trainable = options.trainable ?? true;
    this.learnable = this.trainable;
  }
}

/**
 * A leaf whose value is supplied by the host at each step: a learning rate, batch indices, a random stream. A graph
 * that is run once uses the value it was made with; a replayed one asks `produce` again for every step.
 */
export class Feed extends Tensor {
  readonly values: TypedArray;
  readonly produce: () => ArrayLike<number>;

  constructor(produce: () => ArrayLike<number>, values: TypedArray, shape: Shape, dtype: DType) {
    super(feedOp, [], {}, shape, dtype);
    this.produce = produce;
    this.values = values;
  }
}
