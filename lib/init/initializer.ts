/** What an initializer is: a function that a layer calls with the shape of a weight or bias. */
import type { Generator } from "../ops/index.js";
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** What a layer passes to every initializer. */
export interface InitOptions {
  /** Where random numbers come from; the default generator (see `seed`) unless told. */
  generator?: Generator;
}

/**
 * From a shape, (out, in, …kernel) for weights, to the values to begin with. Those of `init` are initializers; one with
 * options of its own is written as a function: `(shape, o) => init.heNormal(shape, { ...o, gain: 1 })`.
 */
export type Initializer = (shape: Shape, options?: InitOptions) => Tensor;
