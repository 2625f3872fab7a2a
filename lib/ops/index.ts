/** The ops, as functions and (by importing this) as methods of Tensor. */
import "./methods.js";

export * from "./activation.js";
export * from "./binary.js";
export { arange, eye, feed, full, linspace, oneHot, ones, tensor, type Values, zeros } from "./create.js";
export { gather, indexSelect, pick, scatterAdd } from "./gather.js";
export { type HistogramOptions, histogram } from "./histogram.js";
export { cast, expand, type TensorLike } from "./map.js";
export { matmul } from "./matmul.js";
export { norms } from "./norms.js";
export { orthogonalFactor } from "./orthogonal.js";
export {
  bernoulli,
  defaultGenerator,
  Generator,
  type NormalOptions,
  type RandomOptions,
  rand,
  randint,
  randn,
  seed,
  truncatedNormal,
} from "./random.js";
export {
  all,
  any,
  argmax,
  argmin,
  max,
  mean,
  min,
  norm,
  type ReduceOptions,
  std,
  sum,
  sumTo,
  variance,
} from "./reduce.js";
export {
  concat,
  customGradient,
  flatten,
  flip,
  pad,
  permute,
  type Range,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  stopGradient,
  transpose,
  unsqueeze,
} from "./shape.js";
export { logSoftmax, logSumExp, softmax } from "./softmax.js";
export * from "./unary.js";
