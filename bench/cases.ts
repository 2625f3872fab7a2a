/** What is computed in benchmarks, and in tests of the same: shapes of products, elementwise ops, networks. */
import * as init from "../lib/init/index.js";
import { Dropout, LayerNorm } from "../lib/nn/index.js";
import * as ops from "../lib/ops/index.js";
import * as optim from "../lib/optim/index.js";
import type { Tensor, Variable } from "../lib/tensor.js";

/** C (M, N) = A (M, K) · B (K, N). */
export interface Product {
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

const cube = (n: number): Product => ({ M: n, N: n, K: n });

/** Cubes, and the products of training: forward passes, their gradients, thin heads. */
export const products: readonly Product[] = [
  ...[64, 128, 256, 512, 1024, 2048].map(cube),
  { M: 64, N: 512, K: 784 },
  { M: 64, N: 784, K: 512 },
  { M: 784, N: 512, K: 64 },
  { M: 64, N: 10, K: 512 },
  { M: 256, N: 1024, K: 1024 },
  { M: 32, N: 2048, K: 512 },
  { M: 128, N: 3072, K: 768 },
  { M: 1024, N: 64, K: 64 },
];

/** How operands are stored: `t` on the left for (K, M), on the right for (N, K). */
export const layouts = ["nn", "nt", "tn"] as const;
export type Layout = (typeof layouts)[number];

/** Elements of the elementwise, sampling and optimizer cases. */
export const elements = 2 ** 20;

/** An op of one operand, and where its operand is drawn from. */
export interface Elementwise {
  readonly call: (x: Tensor) => Tensor;
  readonly range: readonly [number, number];
  /** Elements of a row, for ops that work on rows. */
  readonly row?: number;
}

/** The exponent of the case `pow`. */
export const exponent = 2.7;

const lastAxis = 768;

/** Named as everywhere. */
export const elementwise: Readonly<Record<string, Elementwise>> = {
  relu: { call: ops.relu, range: [-3, 3] },
  sigmoid: { call: ops.sigmoid, range: [-8, 8] },
  tanh: { call: ops.tanh, range: [-4, 4] },
  gelu: { call: ops.gelu, range: [-4, 4] },
  exp: { call: ops.exp, range: [-10, 10] },
  log: { call: ops.log, range: [0.01, 100] },
  softmax: { call: (x) => ops.softmax(x), range: [-5, 5], row: 1000 },
  layerNorm: { call: (x) => new LayerNorm(lastAxis).forward(x), range: [-5, 5], row: lastAxis },
  expm1: { call: ops.expm1, range: [-3, 3] },
  log1p: { call: ops.log1p, range: [-0.9, 10] },
  erf: { call: ops.erf, range: [-3, 3] },
  silu: { call: ops.silu, range: [-8, 8] },
  softplus: { call: ops.softplus, range: [-8, 8] },
  elu: { call: (x) => ops.elu(x), range: [-4, 4] },
  mish: { call: ops.mish, range: [-8, 8] },
  rsqrt: { call: ops.rsqrt, range: [0.01, 100] },
  pow: { call: (x) => ops.pow(x, exponent), range: [0.01, 10] },
};

/** The shape of an elementwise case's operand: rows of whole length, as near to `size` elements as they come. */
export const operandShape = ({ row }: Elementwise, size: number): number[] =>
  row ? [Math.floor(size / row), row] : [size];

/** Random tensors: of a shape alone, or of the elements of `x`. */
export const samplers: Readonly<Record<string, (shape: readonly number[], x: Tensor) => Tensor>> = {
  uniform: (shape) => ops.rand(shape),
  normal: (shape) => ops.randn(shape),
  truncatedNormal: (shape) => ops.truncatedNormal(shape),
  bernoulli: (shape) => ops.bernoulli(shape).cast("f32"),
  dropout: (_, x) => new Dropout(0.5).forward(x),
};

/** The side of the square weights that are initialized. */
export const weightSide = 2048;

/** Initializers, by our names; peers know them by theirs. */
export const initializers: Readonly<Record<string, (shape: readonly number[]) => Tensor>> = {
  xavierUniform: init.xavierUniform,
  heNormal: init.heNormal,
  truncatedNormal: init.truncatedNormal,
  orthogonal: init.orthogonal,
};

/** Optimizers of one parameter, and how many arrays one update reads and writes at least. */
export const optimizers: Readonly<
  Record<string, { make: (params: readonly Variable[]) => optim.Optimizer; reads: number; writes: number }>
> = {
  sgd: { make: (params) => new optim.SGD(params, { lr: 0.01 }), reads: 2, writes: 1 },
  momentum: { make: (params) => new optim.SGD(params, { lr: 0.01, momentum: 0.9 }), reads: 3, writes: 2 },
  adam: { make: (params) => new optim.Adam(params, { lr: 0.001 }), reads: 4, writes: 3 },
  adamw: { make: (params) => new optim.AdamW(params, { lr: 0.001, weightDecay: 0.01 }), reads: 4, writes: 3 },
};

/** A layer of a stack: `linear:512` has 512 outputs. */
export type Layer = `linear:${number}` | "batchnorm" | "relu" | "tanh";

/** A network and how it is trained: cross-entropy over the last layer's outputs, gradients clipped to norm 1. */
export interface Network {
  readonly inputs: number;
  readonly layers: readonly Layer[];
  readonly batch: number;
  readonly optimizer: "sgd" | "adam";
  readonly lr: number;
  /** Steps in one pass over the data. */
  readonly steps: number;
}

const classifier: readonly Layer[] = ["linear:512", "batchnorm", "relu", "linear:10"];

export const networks: Readonly<Record<string, Network>> = {
  a64: { inputs: 784, layers: classifier, batch: 64, optimizer: "sgd", lr: 0.1, steps: 100 },
  a256: { inputs: 784, layers: classifier, batch: 256, optimizer: "sgd", lr: 0.1, steps: 50 },
  b: {
    inputs: 4,
    layers: ["linear:16", "tanh", "linear:16", "tanh", "linear:3"],
    batch: 16,
    optimizer: "sgd",
    lr: 0.1,
    steps: 100,
  },
  c: {
    inputs: 256,
    layers: Array.from({ length: 50 }, (): Layer[] => ["linear:256", "relu"]).flat(),
    batch: 128,
    optimizer: "adam",
    lr: 0.001,
    steps: 10,
  },
};

/** The shape (outputs, inputs) of each linear layer's weight, in order. */
export function weightShapes({ inputs, layers }: Network): [number, number][] {
  const shapes: [number, number][] = [];
  for (const layer of layers) {
    if (!layer.startsWith("linear:")) continue;
    shapes.push([Number(layer.slice(7)), shapes.at(-1)?.[0] ?? inputs]);
  }
  return shapes;
}
