/** What an import of the package loads at once; the rest of `index.ts` is loaded when it is first used. */
export { DataSet } from "./data/dataset.js";
export type { DType, TypedArray } from "./dtype.js";
export { EvengradError, type NumberRange } from "./error.js";
export { grad } from "./grad.js";
export * from "./ops/index.js";
export type { AliasOp, Aval, Emit, KernelOp, LeafOp, MapOp, Op, OpCall } from "./ops/op.js";
export { debugNonFinite, isa, type Memory, memory, type NestedArray, read, threads, useExecutor } from "./run/index.js";
export type { Shape } from "./shape.js";
export { type Attrs, Constant, type Effect, Feed, Tensor, Variable } from "./tensor.js";
