/** Training and evaluation over data sets. */
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.js";
export { type FitOptions, fit, type HealthOptions } from "./fit.js";
export type { EpochRecord, History, Progress } from "./history.js";
export type { Metric, Metrics } from "./metric.js";
