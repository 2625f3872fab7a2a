/** Initializers: what weights begin with. Each is a function from a shape to a lazy tensor. */
export type { Activation, ActivationName } from "./activations.js";
export { type Analysis, type AnalyzeOptions, analyze, type LayerAnalysis } from "./analyze.js";
export { auto, type InitChoice, type InitReport, type LsuvOptions, lsuv, type Sample } from "./auto.js";
export { constant, normal, ones, truncatedNormal, uniform, zeros } from "./basic.js";
export { type Fans, fans } from "./fans.js";
export { fixup } from "./fixup.js";
export { type EdgeOfChaos, type GainMode, type GainOptions, gain } from "./gain.js";
export { dirac, eye, identity, zerO } from "./identity.js";
export type { Initializer, InitOptions } from "./initializer.js";
export { type MeanField, type MeanFieldOptions, meanField } from "./meanField.js";
export { deltaOrthogonal, type OrthogonalOptions, orthogonal } from "./orthogonal.js";
export type { Elementwise } from "./quadrature.js";
export { gates, lstmBias } from "./recurrent.js";
export {
  type Distribution,
  type FanMode,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  kaimingNormal,
  kaimingUniform,
  lecunNormal,
  lecunUniform,
  type ScalingOptions,
  varianceScaling,
  xavierNormal,
  xavierUniform,
} from "./scaling.js";
export { type SparseOptions, sparse } from "./sparse.js";
export type { HessianSpectrum, JacobianSpectrum } from "./spectrum.js";
