/**
 * evengrad trains neural networks natively on the CPU, and keeps them trainable.
 * @packageDocumentation
 */
export * as chart from "./chart/index.js";
export * as data from "./data/index.js";
export { DataSet } from "./data/index.js";
export * as safetensors from "./data/safetensors.js";
export type { DType, TypedArray } from "./dtype.js";
export { EvengradError, type NumberRange } from "./error.js";
export { grad } from "./grad.js";
export * as health from "./health/index.js";
export * as init from "./init/index.js";
export * as nn from "./nn/index.js";
export * from "./ops/index.js";
export type { AliasOp, Aval, Emit, KernelOp, LeafOp, MapOp, Op, OpCall } from "./ops/op.js";
export * as optim from "./optim/index.js";
export { debugNonFinite, isa, type NestedArray, read, threads, useExecutor } from "./run/index.js";
export type { Shape } from "./shape.js";
export { type Attrs, Constant, type Effect, Feed, Tensor, Variable } from "./tensor.js";
export * from "./train/index.js";
