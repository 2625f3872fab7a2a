/** Executors behind one interface, and the values of tensors. */
export {
  debugNonFinite,
  evaluate,
  executor,
  initialize,
  type NestedArray,
  prepare,
  read,
  useExecutor,
} from "./evaluate.js";
export type { Executor, Prepared, RunOptions, RunResult } from "./executor.js";
export { isa, native, threads } from "./native.js";
export { computeNode, interpret, reference } from "./reference.js";
