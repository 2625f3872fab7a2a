/** A module: a function of tensors that owns variables and other modules. */
import { fail, show } from "../error.js";
import type { Shape } from "../shape.js";
import { type Constant, type Tensor, Variable } from "../tensor.js";
import { type PredictOptions, predict } from "./predict.js";
import { type LoadOptions, type LoadReport, loadState, state } from "./state.js";
import { type Summary, summarize } from "./summary.js";

/**
 * Base of all layers and models. A model of one's own declares its parts as properties and says in `forward` how they
 * work together; variables and modules are found in the object's own properties, also within arrays and plain objects
 * (but not behind `#private` names).
 * @example class Net extends nn.Module { fc = new nn.Linear(2, 3); forward(x: Tensor) { return this.fc.forward(x).relu(); } }
 * new Net().namedParameters().map(([name]) => name) // ["fc.weight", "fc.bias"]
 */
export abstract class Module {
  /** Whether dropout drops and batch norm uses the batch's statistics; `train()` and `eval()` set it. */
  training = true;
  /** True of a layer whose output has a scale of its own whatever its input's, as norms; `init.auto` looks at it. */
  declare readonly normalizes?: boolean;

  /** The output's graph for an input. Nothing is computed. */
  abstract forward(x: Tensor, ...rest: never[]): Tensor;

  /** Variables that are or were made to be trained, frozen ones too, each once. */
  parameters(): Variable[] {
    return this.namedParameters().map(variableOf);
  }

  /** Parameters with their paths, e.g. `0.weight` or `blocks.2.fc.bias`. */
  namedParameters(): [path: string, variable: Variable][] {
    return this.namedVariables().filter(isLearnable);
  }

  /** Parameters and buffers (such as `runningMean`) with their paths, each once under the first path that leads to it. */
  namedVariables(): [path: string, variable: Variable][] {
    const found = new Map<Variable, string>();
    for (const { path, parts } of placesIn(this))
      for (const [key, part] of parts)
        if (part instanceof Variable && !found.has(part)) found.set(part, join(path, key));
    return [...found].map(([variable, path]) => {
      // A part that is walked after its model does not shorten the names that the model gave.
      if (!variable.label.endsWith(`.${path}`)) variable.label = path;
      return [path, variable];
    });
  }

  /** The modules that this one holds directly. */
  children(): Module[] {
    const found = new Set<Module>();
    for (const [, part] of members(this)) if (part instanceof Module) found.add(part);
    return [...found];
  }

  /** This module (path "") and all below it, outer ones first, each once. */
  namedModules(): [path: string, module: Module][] {
    return placesIn(this).map(namedModule);
  }

  /** Sets this module and all below it to training. */
  train(): this {
    for (const [, module] of this.namedModules()) module.training = true;
    return this;
  }

  /** Sets this module and all below it to evaluation: no dropout, running statistics. */
  eval(): this {
    for (const [, module] of this.namedModules()) module.training = false;
    return this;
  }

  /** Keeps optimizers from changing the parameters of this module and below. Batch norm still counts in training. */
  freeze(): this {
    for (const variable of this.parameters()) variable.trainable = false;
    return this;
  }

  /** Undoes {@link Module.freeze}. */
  unfreeze(): this {
    for (const variable of this.parameters()) variable.trainable = true;
    return this;
  }

  /**
   * A snapshot of all parameters and buffers by path; later training does not change it.
   * @example const best = await model.state();
   * model.loadState(best);
   */
  state(): Promise<Record<string, Constant>> {
    return state(this);
  }

  /**
   * Takes over the values of a snapshot, all or none. Shapes and dtypes must agree.
   * @param options `strict` (true): a missing or unexpected name is an error; else both are reported and left alone
   * @throws if names, shapes or dtypes do not fit, or a run is writing the variables
   */
  loadState(values: Readonly<Record<string, Tensor>>, options: LoadOptions = {}): LoadReport {
    return loadState(this, values, options);
  }

  /**
   * Output shapes, parameters and bytes of each layer for an input of a shape, batch axis included. Nothing is computed.
   * @example console.log(`${new nn.Sequential(new nn.Linear(784, 10)).summary([64, 784])}`)
   * // a table of layers; 7,850 parameters
   */
  summary(inputShape: Shape): Summary {
    return summarize(this, inputShape);
  }

  /**
   * The output's values for an input, in evaluation mode; the mode afterwards is as before.
   * @param x a tensor of the shape (N, …) that `forward` takes
   * @param options `batchSize` limits the rows (axis 0) computed at once, all unless told; `signal` aborts
   * @example const logits = await model.predict(images, { batchSize: 256 });
   * logits.values // Float32Array; logits.argmax({ axes: 1 }) computes further
   */
  predict(x: Tensor, options: PredictOptions = {}): Promise<Constant> {
    return predict(this, x, options);
  }
}

type Named<T> = [path: string, part: T];

const variableOf = ([, variable]: Named<Variable>): Variable => variable;
const isLearnable = ([, variable]: Named<Variable>): boolean => variable.learnable;
const namedModule = ({ path, module }: Place): Named<Module> => [path, module];

const join = (path: string, key: string): string => (path ? `${path}.${key}` : key);

/** A module somewhere in a model, and what it holds directly. */
export interface Place {
  readonly path: string;
  readonly module: Module;
  readonly parts: readonly Member[];
}

/** A module (path "") and all below it, outer ones first, each once. */
export function placesIn(root: Module): Place[] {
  const found: Place[] = [];
  addPlaces(root, "", found, new Set());
  return found;
}

function addPlaces(module: Module, path: string, found: Place[], seen: Set<Module>): void {
  if (seen.has(module)) return;
  seen.add(module);
  const parts = members(module);
  found.push({ path, module, parts });
  for (const [key, part] of parts) if (part instanceof Module) addPlaces(part, join(path, key), found, seen);
}

type Member = Named<Module | Variable>;

/** The variables and modules among an object's own properties, looking into arrays and plain objects. */
function members(owner: object): Member[] {
  const found: Member[] = [];
  addMembers(owner, "", found, undefined);
  return found;
}

/** @param seen what was looked into; most modules hold nothing of that kind */
function addMembers(holder: object, path: string, found: Member[], seen: Set<object> | undefined): void {
  let met = seen;
  for (const key of Object.keys(holder)) {
    const value = (holder as Record<string, unknown>)[key];
    if (value instanceof Module || value instanceof Variable) found.push([join(path, key), value]);
    else if (Array.isArray(value) || isPlain(value)) {
      met ??= new Set();
      if (met.has(value)) continue;
      addMembers(value, join(path, key), found, met.add(value));
    }
  }
}

const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Refuses what is not a module, with a hint for what is often meant. */
export function checkModule(op: string, name: string, x: unknown): asserts x is Module {
  if (x instanceof Module) return;
  const hint =
    typeof x === "function"
      ? "Wrap a function in new nn.Lambda(…)"
      : Array.isArray(x)
        ? "Spread the list: ...layers"
        : "";
  fail(op, `${name} must be a module, got ${show(x)}${hint && `. ${hint}`}`);
}

/** Calls `body`, which must not wait, with all of a module in one mode, and restores every part's own mode. */
export function inMode<T>(module: Module, training: boolean, body: () => T): T {
  const modes = module.namedModules().map(([, part]) => [part, part.training] as const);
  for (const [part] of modes) part.training = training;
  try {
    return body();
  } finally {
    for (const [part, mode] of modes) part.training = mode;
  }
}
