/** What an initializer is: a function that a layer calls with the shape of a weight or bias. */
import { checkOptions, fail, show } from "../error.js";
import { Generator } from "../ops/index.js";
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** What every initializer takes; a layer passes its own generator. */
export interface InitOptions {
  /** Where random numbers come from; the default generator (see `seed`) unless told. */
  generator?: Generator;
  /** Draws from a generator of this seed instead: the same values at every call. */
  seed?: number;
}

/**
 * From a shape, (out, in, …kernel) for weights, to the values to begin with. Those of `init` are initializers; one with
 * options of its own is written as a function: `(shape, o) => init.heNormal(shape, { ...o, gain: 1 })`.
 */
export type Initializer = (shape: Shape, options?: InitOptions) => Tensor;

/** Checks an initializer's option names; those of {@link InitOptions} are always known. */
export function checkInitOptions(op: string, options: object | undefined, own: readonly string[] = []): void {
  checkOptions(op, options, [...own, "generator", "seed"]);
}

/** Refuses a gain that is no size. */
export function checkGain(op: string, gain: unknown): void {
  if (typeof gain === "number" && gain >= 0 && gain < Infinity) return;
  fail(op, `gain must be a finite number at least 0, got ${show(gain)}. Use init.gain of the activation, or 1`);
}

/** The generator that options name; undefined for the default one. */
export function generatorOf(op: string, { generator, seed }: InitOptions): Generator | undefined {
  if (seed === undefined) return generator;
  if (generator !== undefined) fail(op, "wants a generator or a seed, got both. Leave one out");
  return new Generator(seed);
}
