/** Layers, activations and losses. */
export { accuracy } from "./accuracy.js";
export {
  CELU,
  ELU,
  GELU,
  type GELUOptions,
  HardSigmoid,
  HardSwish,
  Hardtanh,
  LeakyReLU,
  LogSigmoid,
  LogSoftmax,
  Mish,
  PReLU,
  ReLU,
  SELU,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Softsign,
  Swish,
  Tanh,
} from "./activation.js";
export { BatchNorm, type BatchNormOptions } from "./batch-norm.js";
export { Bias } from "./bias.js";
export { Dropout } from "./dropout.js";
export {
  type CrossEntropyOptions,
  crossEntropy,
  type KlOptions,
  klDivergence,
  type NllOptions,
  nll,
} from "./labels.js";
export { Flatten, Lambda } from "./lambda.js";
export { LayerNorm, type LayerNormOptions, RMSNorm } from "./layer-norm.js";
export { Linear, type LinearOptions } from "./linear.js";
export { inMode, Module } from "./module.js";
export type { PredictOptions } from "./predict.js";
export type { LossOptions, Reduction } from "./reduction.js";
export {
  type BinaryCrossEntropyOptions,
  binaryCrossEntropyWithLogits,
  huber,
  l1,
  mse,
} from "./regression.js";
export { Residual, type ResidualOptions } from "./residual.js";
export { Sequential, type SequentialOptions } from "./sequential.js";
export { Standardize } from "./standardize.js";
export type { LoadOptions, LoadReport } from "./state.js";
export type { Summary, SummaryRow } from "./summary.js";
