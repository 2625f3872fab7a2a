/** Data sets in memory: from arrays, IDX files and MNIST. */
export { type Arrays, type Column, fromArrays } from "./arrays.js";
export { Batches, type BatchOptions } from "./batches.js";
export { type Batch, DataSet, type DataSetOptions, type OrderOptions } from "./dataset.js";
export { parseIdx } from "./idx.js";
export { type ImageFiles, type ImageOptions, idx, type TrainTest } from "./images.js";
export { type MnistOptions, mnist } from "./mnist.js";
export type { SplitOptions } from "./split.js";
