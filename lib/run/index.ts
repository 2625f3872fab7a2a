/** Executors behind one interface, and the values of tensors. */
export { isa, threads } from "./addon.js";
export {
  debugNonFinite,
  evaluate,
  initialize,
  type NestedArray,
  prepare,
  read,
  useExecutor,
} from "./evaluate.js";
export type { Executor, Prepared, RunOptions, RunResult } from "./executor.js";
export { type Memory, memory, memoryOf } from "./memory.js";
