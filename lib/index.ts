/**
 * evengrad trains neural networks natively on the CPU, and keeps them trainable.
 * @packageDocumentation
 */
export * as chart from "./chart/index.js";
export * from "./core.js";
export * as data from "./data/index.js";
export * as safetensors from "./data/safetensors.js";
export * as health from "./health/index.js";
export * as init from "./init/index.js";
export * as nn from "./nn/index.js";
export * as optim from "./optim/index.js";
export * from "./train/index.js";
