/** Optimizers, penalties and learning-rate schedules. */
export {
  Adagrad,
  type AdagradOptions,
  Adam,
  type AdamOptions,
  AdamW,
  RMSprop,
  type RMSpropOptions,
} from "./adaptive.js";
export type { NonFinitePolicy, StepOptions } from "./clip.js";
export { Lion, type LionOptions } from "./lion.js";
export {
  type CommonOptions,
  type Group,
  type HostScalar,
  type Moments,
  Optimizer,
  type OptionRule,
  type OptionRules,
  type ParamGroup,
  type Params,
  type StepGraph,
  type StepResult,
  type Update,
} from "./optimizer.js";
export { l1Penalty, l2Penalty } from "./penalty.js";
export { cosine, linear, type Schedule, stepDecay, warmup } from "./schedule.js";
export { SGD, type SGDOptions } from "./sgd.js";
