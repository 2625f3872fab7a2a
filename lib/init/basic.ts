/** Initializers that do not look at fans: constants, and plain uniform and normal draws. */
import { checkNumber } from "../error.js";
import * as ops from "../ops/index.js";
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkInitOptions, generatorOf, type Initializer, type InitOptions } from "./initializer.js";

/**
 * Every element 0: for biases only, since equal weights get equal gradients and stay equal.
 * @example const layer = new nn.Linear(2, 3, { biasInit: init.zeros });
 * await layer.bias?.data() // Float32Array [0, 0, 0]
 */
export const zeros: Initializer = (shape, options) => {
  checkInitOptions("init.zeros", options);
  return ops.zeros(shape);
};

/**
 * Every element 1: for the scales of norms.
 * @example await init.ones([2]).data() // Float32Array [1, 1]
 */
export const ones: Initializer = (shape, options) => {
  checkInitOptions("init.ones", options);
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
    checkInitOptions("init.constant", options);
    return ops.full(shape, value);
  };
}

/**
 * Uniform on [low, high), [−0.05, 0.05) unless told.
 * @example const w = init.uniform([3, 2], { low: -1, high: 1 });
 * await w.data() // six numbers from −1 to 1
 */
export function uniform(shape: Shape, options: InitOptions & { low?: number; high?: number } = {}): Tensor {
  checkInitOptions("init.uniform", options, ["low", "high"]);
  const { low = -0.05, high = 0.05 } = options;
  checkNumber("init.uniform", "low", low);
  checkNumber("init.uniform", "high", high, { min: low });
  return ops.rand(shape, { low, high, generator: generatorOf("init.uniform", options) });
}

/**
 * Normal with a mean and standard deviation, 0 and 0.01 unless told.
 * @example const w = init.normal([3, 2], { std: 0.1 });
 * await w.data() // six numbers around 0
 */
export function normal(shape: Shape, options: InitOptions & { mean?: number; std?: number } = {}): Tensor {
  checkInitOptions("init.normal", options, ["mean", "std"]);
  const { mean = 0, std = 0.01 } = options;
  checkNumber("init.normal", "mean", mean);
  checkNumber("init.normal", "std", std, { min: 0 });
  return ops.randn(shape, { mean, std, generator: generatorOf("init.normal", options) });
}

/** Standard deviation of a standard normal cut at ±2: √(1 − 4φ(2)/(2Φ(2) − 1)). */
export const truncation = 0.8796256610342398;

/**
 * Normal cut at two standard deviations of its own, with the given mean and standard deviation of what remains: 0 and 0.01
 * unless told. (PyTorch's and Keras' `std` is that before the cut: here ÷ 0.8796.) Nothing is farther off than 2.274·std.
 * @example const w = init.truncatedNormal([64, 100], { std: 0.02 });
 * await w.std().item() // about 0.02
 */
export function truncatedNormal(shape: Shape, options: InitOptions & { mean?: number; std?: number } = {}): Tensor {
  const op = "init.truncatedNormal";
  checkInitOptions(op, options, ["mean", "std"]);
  const { mean = 0, std = 0.01 } = options;
  checkNumber(op, "mean", mean);
  checkNumber(op, "std", std, { min: 0 });
  return ops.truncatedNormal(shape, { mean, std: std / truncation, generator: generatorOf(op, options) });
}
