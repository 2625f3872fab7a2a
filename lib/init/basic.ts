/** Initializers that do not look at fans: constants, and plain uniform and normal draws. */
import { checkNumber, checkOptions } from "../error.js";
import * as ops from "../ops/index.js";
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import type { Initializer, InitOptions } from "./initializer.js";

/**
 * Every element 0: for biases only, since equal weights get equal gradients and stay equal.
 * @example const layer = new nn.Linear(2, 3, { biasInit: init.zeros });
 * await layer.bias?.data() // Float32Array [0, 0, 0]
 */
export const zeros: Initializer = (shape, options) => {
  checkOptions("init.zeros", options, ["generator"]);
  return ops.zeros(shape);
};

/**
 * Every element 1: for the scales of norms.
 * @example await init.ones([2]).data() // Float32Array [1, 1]
 */
export const ones: Initializer = (shape, options) => {
  checkOptions("init.ones", options, ["generator"]);
  return ops.ones(shape);
};

/**
 * An initializer that gives every element `value`.
 * @example const layer = new nn.Linear(2, 3, { biasInit: init.constant(0.1) });
 * await layer.bias?.data() // Float32Array [0.1, 0.1, 0.1]
 */
export function constant(value: number): Initializer {
  checkNumber("init.constant", "value", value);
  return (shape, options) => {
    checkOptions("init.constant", options, ["generator"]);
    return ops.full(shape, value);
  };
}

/**
 * Uniform on [low, high), [−0.05, 0.05) unless told.
 * @example const w = init.uniform([3, 2], { low: -1, high: 1 });
 * await w.data() // six numbers from −1 to 1
 */
export function uniform(shape: Shape, options: InitOptions & { low?: number; high?: number } = {}): Tensor {
  checkOptions("init.uniform", options, ["low", "high", "generator"]);
  const { low = -0.05, high = 0.05, generator } = options;
  checkNumber("init.uniform", "low", low);
  checkNumber("init.uniform", "high", high, { min: low });
  return ops.rand(shape, { low, high, generator });
}

/**
 * Normal with a mean and standard deviation, 0 and 0.01 unless told.
 * @example const w = init.normal([3, 2], { std: 0.1 });
 * await w.data() // six numbers around 0
 */
export function normal(shape: Shape, options: InitOptions & { mean?: number; std?: number } = {}): Tensor {
  checkOptions("init.normal", options, ["mean", "std", "generator"]);
  const { mean = 0, std = 0.01, generator } = options;
  checkNumber("init.normal", "mean", mean);
  checkNumber("init.normal", "std", std, { min: 0 });
  return ops.randn(shape, { mean, std, generator });
}
