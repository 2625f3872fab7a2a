/** Initializers: what weights begin with. Each is a function from a shape to a lazy tensor. */
export { constant, normal, ones, uniform, zeros } from "./basic.js";
export { type Fans, fans } from "./fans.js";
export type { Initializer, InitOptions } from "./initializer.js";
export { orthogonal } from "./orthogonal.js";
export {
  type FanMode,
  heNormal,
  heUniform,
  lecunNormal,
  type ScalingOptions,
  xavierNormal,
  xavierUniform,
} from "./scaling.js";
