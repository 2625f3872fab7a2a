/** What all optimizers share: parameter groups, one step as a graph, clipping, non-finite steps, state. */
import { collect } from "../compile/graph.js";
import type { TypedArray } from "../dtype.js";
import { checkNumber, checkOptions, checkSignal, EvengradError, fail, type NumberRange, show } from "../error.js";
import { backward, gradientsOf } from "../grad.js";
import { feed, full, tensor, zeros } from "../ops/index.js";
import { evaluate } from "../run/index.js";
import { sameShape, showShape } from "../shape.js";
import { Constant, type Effect, type Feed, Tensor, Variable } from "../tensor.js";
import { checkStepOptions, clipGradients, type NonFinitePolicy, type StepOptions } from "./clip.js";

/** Parameters with options of their own; what is left out comes from the optimizer's options. */
export type ParamGroup<H> = { params: readonly Variable[] } & Partial<H>;

/** What an optimizer trains: parameters, or groups of them. */
export type Params<H> = readonly Variable[] | readonly ParamGroup<H>[];

/** Options every optimizer has. */
export interface CommonOptions {
  /** Learning rate. */
  lr: number;
  /** Strength of weight decay, 0 unless told. */
  weightDecay?: number;
}

/** What one step reports. */
export interface StepResult {
  readonly loss: number;
  /** Joint norm of the gradients before clipping. */
  readonly gradNorm: number;
  /** Whether the parameters were left as they were because something was not finite. */
  readonly skipped: boolean;
  /** Labels of the parameters whose gradients were not finite, or too large to square. */
  readonly nonFinite: readonly string[];
}

/** The tensors a step computes beside its effects. */
export interface StepGraph {
  readonly outputs: { readonly loss: Tensor; readonly norm: Tensor; readonly norms: Tensor; readonly fit: Tensor };
  readonly effects: readonly Effect[];
  /**
   * The loss's gradient, before clipping, with respect to all tensors through which it depends on what is trained; none for
   * those that no gradient comes back to.
   */
  readonly gradients: ReadonlyMap<Tensor, Tensor>;
}

/** State that an optimizer keeps for one parameter, by name. */
export type Moments = Readonly<Record<string, Variable>>;

/** A named number that the host works out anew at each step, such as a learning rate. */
export type HostScalar = (name: string, value: () => number) => Tensor;

/** One parameter's new value and its new moments. */
export interface Update {
  readonly value: Tensor;
  readonly moments: Readonly<Record<string, Tensor>>;
}

/** What the value of an option must be: a number in a range, true or false, or a pair of numbers from 0 up to 1. */
export type OptionRule = NumberRange | "flag" | "betas";

/** A rule for every option an optimizer knows. */
export type OptionRules<H> = Readonly<Record<keyof H & string, OptionRule>>;

/** Numbers from 0 up. */
export const notNegative: OptionRule = { min: 0, max: 3.4e38 };

function checkOption(op: string, name: string, value: unknown, rule: OptionRule): void {
  if (rule === "flag") {
    if (typeof value !== "boolean") fail(op, `${name} must be true or false, got ${show(value)}`);
  } else if (rule === "betas") {
    const fits =
      Array.isArray(value) && value.length === 2 && value.every((b) => typeof b === "number" && b >= 0 && b < 1);
    if (!fits) fail(op, `${name} must be two numbers from 0 up to but without 1, got ${show(value)}`);
  } else {
    checkNumber(op, name, value, rule);
  }
}

/** The options that are not undefined. */
function defined<T extends object>(options: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** A group with all its options and the moments of its parameters. */
export interface Group<H> {
  readonly params: readonly Variable[];
  readonly options: H;
  readonly moments: readonly Moments[];
}

/** Parameters that a training loop of the library has for itself at the moment. */
const training = new WeakSet<Variable>();

/** Takes parameters for a loop, or fails if another one has them; returns how to give them back. */
export function claim(op: string, params: readonly Variable[]): () => void {
  refuseClaimed(op, params);
  for (const p of params) training.add(p);
  return () => {
    for (const p of params) training.delete(p);
  };
}

function refuseClaimed(op: string, params: readonly Variable[]): void {
  const busy = params.find((p) => training.has(p));
  if (busy) fail(op, `parameter ${busy.label} is being trained by fit. Await that one first`);
}

const isVariable = (value: unknown): value is Variable => value instanceof Variable;

/** A parameter's moments as they begin. */
function momentsOf(p: Variable, start: readonly (readonly [key: string, value: number])[]): Moments {
  const moments: Record<string, Variable> = {};
  for (const [key, value] of start)
    moments[key] = new Variable(full(p.shape, value), { label: `${p.label}.${key}`, trainable: false });
  return moments;
}

/** Gives a variable its next value if the step goes ahead. */
const effectIf = (go: Tensor, variable: Variable, value: Tensor): Effect => ({
  variable,
  value: go.where(value, variable),
});

/** Base of the optimizers. A subclass states its moments and one parameter's update. */
export abstract class Optimizer<H extends CommonOptions = CommonOptions> {
  readonly groups: readonly Group<H>[];
  /** Steps so far; those left out under the policy `skip` count too. */
  steps = 0;
  /** What a schedule multiplies every group's learning rate by at the moment. */
  lrFactor = 1;
  // Once a step under the policy `throw` was not finite, the steps of the same native call after it change nothing.
  private readonly halted = new Variable(zeros([], "bool"), { label: "optimizer.halted", trainable: false });

  /**
   * @param defaults what stands for options that are left out or undefined
   * @param rules option names and what their values must be
   * @param moments what each of a parameter's moments begins with, if the options want it
   */
  protected constructor(
    readonly name: string,
    params: Params<H>,
    given: Partial<H>,
    defaults: Partial<H>,
    rules: OptionRules<H>,
    moments: (options: H) => Readonly<Record<string, number | undefined>>,
  ) {
    checkOptions(name, given, Object.keys(rules));
    if (!Array.isArray(params) || params.length === 0) {
      fail(name, `params must be a list of parameters or groups, got ${show(params)}. Use model.parameters()`);
    }
    const groups = params.every(isVariable)
      ? [{ params: params as readonly Variable[] } as ParamGroup<H>]
      : (params as readonly ParamGroup<H>[]);
    const seen = new Set<Variable>();
    this.groups = groups.map((group) => {
      if (typeof group !== "object" || group === null || !Array.isArray(group.params)) {
        fail(name, `each group must be { params, … }, got ${show(group)}`);
      }
      const { params: list, ...own } = group;
      if (list.length === 0) fail(name, "a group must have parameters, got []. Leave it out");
      checkOptions(name, own, Object.keys(rules));
      const options: H = Object.assign({}, defaults, defined(given), defined(own)) as unknown as H;
      for (const key of Object.keys(rules) as (keyof H & string)[]) checkOption(name, key, options[key], rules[key]);
      for (const p of list) {
        if (!(p instanceof Variable)) fail(name, `params must be parameters, got ${show(p)}. Use model.parameters()`);
        if (seen.has(p)) fail(name, `parameter ${p.label} must be in one group once. Remove it from the others`);
        seen.add(p);
      }
      const start = Object.entries(moments(options)).filter(
        (entry): entry is [string, number] => entry[1] !== undefined,
      );
      const fresh: Moments[] = [];
      for (const p of list) fresh.push(momentsOf(p, start));
      return { params: [...list], options, moments: fresh };
    });
  }

  /** The update of one parameter from its (clipped) gradient. */
  protected abstract update(p: Tensor, g: Tensor, moments: Moments, options: H, scalar: HostScalar): Update;

  /** Largest gradient norm the update can use: one whose square overflows would stop the weight for ever. */
  protected get limit(): number {
    return Infinity;
  }

  /** The learning rate of the step at hand. */
  protected rate(options: H): number {
    return options.lr * this.lrFactor;
  }

  /** Learning rate of the first group; setting it scales every group's alike. */
  get lr(): number {
    return this.groups[0].options.lr;
  }

  set lr(value: number) {
    checkOption(this.name, "lr", value, notNegative);
    const before = this.lr;
    for (const group of this.groups) group.options.lr = before > 0 ? (group.options.lr / before) * value : value;
  }

  /** What the optimizer itself keeps from step to step: its moments, and whether it halted. */
  variables(): Variable[] {
    return [...this.groups.flatMap((group) => group.moments.flatMap((m) => Object.values(m))), this.halted];
  }

  /** All parameters, in order. */
  get params(): Variable[] {
    return this.groups.flatMap((group) => [...group.params]);
  }

  private get active(): Variable[] {
    const active = this.params.filter((p) => p.trainable);
    if (active.length === 0) fail(this.name, "every parameter is frozen. Unfreeze some with model.unfreeze()");
    return active;
  }

  /** One step as a graph, for callers that run it themselves. Counts as a step. */
  graph(loss: Tensor, options: StepOptions = {}): StepGraph {
    checkStepOptions(this.name, options);
    if (!(loss instanceof Tensor)) fail(this.name, `loss must be a tensor, got ${show(loss)}`);
    const params = this.active;
    const gradients = backward(loss, params);
    const { grads, norms, norm, fit } = clipGradients(gradientsOf(params, gradients), params, options, this.limit);
    const finite = loss.reshape([]).isFinite();
    const policy = options.nonFinite ?? "throw";
    const sound = policy === "zero" ? fit : fit.logicalAnd(finite);
    const go = policy === "throw" ? sound.logicalAnd(this.halted.logicalNot()) : sound;
    // Nothing fails from here on.
    this.advance();
    const effects: Effect[] = [];
    // Running statistics and the like ride on the loss: a step that is not made must not change them either.
    for (const { variable, value } of collect({ outputs: [loss] }).effects) effects.push(effectIf(go, variable, value));
    for (const group of this.groups) {
      // A number that all parameters of a group use is one feed.
      const feeds = new Map<string, Feed>();
      const scalar: HostScalar = (key, value) => {
        const known = feeds.get(key) ?? feed(() => [value()]);
        feeds.set(key, known);
        return known;
      };
      for (const [i, p] of group.params.entries()) {
        const at = params.indexOf(p);
        if (at < 0) continue;
        const { value, moments } = this.update(p, grads[at], group.moments[i], group.options, scalar);
        effects.push(effectIf(go, p, value));
        for (const [key, next] of Object.entries(moments)) effects.push(effectIf(go, group.moments[i][key], next));
      }
    }
    if (policy === "throw") effects.push({ variable: this.halted, value: this.halted.logicalOr(sound.logicalNot()) });
    return { outputs: { loss: loss.reshape([]), norm, norms, fit: go }, effects, gradients };
  }

  /** Counts a step of a replayed graph; its feeds are asked after this. */
  advance(): void {
    this.steps++;
  }

  /**
   * Differentiates `loss`, clips and updates the parameters, in one run.
   * @example const { loss: value, gradNorm } = await optimizer.step(loss, { clipGradNorm: 1 });
   */
  async step(loss: Tensor, options: StepOptions & { signal?: AbortSignal } = {}): Promise<StepResult> {
    const { signal, ...limits } = options;
    checkSignal(this.name, signal);
    refuseClaimed(this.name, this.params);
    const { outputs, effects } = this.graph(loss, limits);
    const { loss: value, norm, norms, fit } = outputs;
    try {
      const rows = await evaluate({ outputs: [value, norm, norms, fit], effects }, { signal });
      const result = this.report(rows, 0);
      this.settle(result, limits.nonFinite, this.steps);
      return result;
    } catch (error) {
      this.rewind(1);
      throw error;
    }
  }

  /** Takes back the count of steps that were not made, and lets the next one go ahead. */
  rewind(steps: number): void {
    this.steps -= steps;
    this.halted.storage?.fill(0);
  }

  /** Reads one step's row of outputs loss, norm, norms and fit. */
  report([loss, norm, norms, fit]: readonly TypedArray[], row: number): StepResult {
    const params = this.active;
    const own = norms.subarray(row * params.length, (row + 1) * params.length);
    const nonFinite = params.filter((_, i) => !Number.isFinite(own[i]) || own[i] >= this.limit).map((p) => p.label);
    return { loss: loss[row], gradNorm: norm[row], skipped: fit[row] === 0, nonFinite };
  }

  /** Throws for a step that was not finite under the policy `throw`. */
  settle(result: StepResult, policy: NonFinitePolicy = "throw", step: number): void {
    if (!result.skipped || policy !== "throw") return;
    const { loss, nonFinite } = result;
    const names =
      nonFinite.length > 4
        ? `${nonFinite.slice(0, 4).join(", ")} and ${nonFinite.length - 4} more`
        : nonFinite.join(", ");
    const what = Number.isFinite(loss)
      ? `the gradient of ${names || "a parameter"} is not finite or too large to square`
      : `the loss is ${loss}${names && `, with gradients that are not finite in ${names}`}`;
    throw new EvengradError(
      "optimizer.step",
      `loss and gradients must be finite, got step ${step} in which ${what}. The weights are as they were before it. ` +
        'Lower lr, clip with clipGradNorm, check the data, or choose nonFinite: "skip". debugNonFinite() finds the op',
    );
  }

  /** Moments and step count, as constants by name. */
  async state(): Promise<Record<string, Tensor>> {
    const named = this.named();
    const values = await evaluate({ outputs: named.map(([, v]) => v) });
    const entries = named.map(([key, v], i): [string, Tensor] => [key, tensor(values[i], v.shape, v.dtype)]);
    return Object.fromEntries([...entries, ["steps", tensor([this.steps], [1], "i32")]]);
  }

  /** Restores what {@link Optimizer.state} returned; names and shapes must agree. */
  loadState(state: Readonly<Record<string, Tensor>>): void {
    if (typeof state !== "object" || state === null)
      fail(this.name, `the state must be an object of tensors, got ${show(state)}. Use what state() returned`);
    const named = this.named();
    const steps = state.steps;
    if (!(steps instanceof Constant) || steps.size !== 1) {
      fail(this.name, `the state must have a number steps, got ${show(steps)}. Use what state() returned`);
    }
    const names = named.map(([key]) => key);
    const other = Object.keys(state).find((key) => key !== "steps" && !names.includes(key));
    if (other)
      fail(this.name, `the state must be one of such an optimizer, got ${show(other)}, which this one has not`);
    for (const [key, v] of named) {
      if (v.writer)
        fail(this.name, `no run may be writing the state, got ${key} in use by ${v.writer}. Await it first`);
      const value = state[key];
      if (!(value instanceof Constant) || !sameShape(value.shape, v.shape)) {
        const got = value instanceof Tensor ? showShape(value.shape) : "nothing";
        fail(this.name, `the state's ${key} must have shape ${showShape(v.shape)}, got ${got}`);
      }
    }
    for (const [key, v] of named) {
      if (v.storage) v.storage.set((state[key] as Constant).values);
      else v.initial = state[key];
    }
    this.steps = steps.values[0];
  }

  private named(): [string, Variable][] {
    const all = this.groups.flatMap((group) => group.moments);
    return all.flatMap((moments, i) =>
      Object.entries(moments).map(([key, v]): [string, Variable] => [`${i}.${key}`, v]),
    );
  }
}
