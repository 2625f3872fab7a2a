/** Small networks and data sets for the tests of training, and their exact values. */
import type { DataSet } from "../lib/data/index.js";
import { fromArrays } from "../lib/data/index.js";
import type * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { randn, seed, tensor } from "../lib/ops/index.js";
import { Constant, type Tensor, Variable } from "../lib/tensor.js";
import { randomFrom } from "./helpers.js";

/** Rows of four numbers in three classes that overlap. */
export function classes(rows = 50, from = 1): DataSet {
  const random = randomFrom(from);
  const y = Int32Array.from({ length: rows }, (_, i) => i % 3);
  const x = Float32Array.from({ length: 4 * rows }, (_, i) => random() * 2 - 1 + (i % 4 === y[i >> 2] ? 1 : 0));
  return fromArrays({ x, xShape: [rows, 4], y });
}

/** Everything that a step can change: weights, running statistics, a random stream. */
export function network(from = 3, dropout = 0.3): nn.Sequential {
  seed(from);
  return new nn.Sequential(
    new nn.Linear(4, 8),
    new nn.BatchNorm(8),
    new nn.ReLU(),
    new nn.Dropout(dropout),
    new nn.Linear(8, 3),
  );
}

/** 2-2-1 with a ReLU, whose numbers can be worked by hand: x·Wᵀ + b, then the weights 2 and −5. */
export function worked(): nn.Sequential {
  const model = new nn.Sequential(new nn.Linear(2, 2), new nn.ReLU(), new nn.Linear(2, 1, { bias: false }));
  model.loadState({
    "0.weight": tensor([
      [1, 2],
      [3, -4],
    ]),
    "0.bias": tensor([0, 1]),
    "2.weight": tensor([[2, -5]]),
  });
  return model;
}

/** Values by name, for exact comparison. */
export type Values = Record<string, number[]>;

const lists = (state: Readonly<Record<string, Tensor>>): Values =>
  Object.fromEntries(Object.entries(state).map(([name, t]) => [name, [...(t as Constant).values]]));

/** All parameters and statistics of a model, or the moments and the step count of an optimizer. */
export async function valuesOf(owner: { state(): Promise<Record<string, Tensor>> }): Promise<Values> {
  return lists(await owner.state());
}

/** A parameter of given values. */
export const parameter = (values: readonly number[], label = "w"): Variable =>
  new Variable(tensor(Float32Array.from(values)), { label });

/** A loss whose gradient by a parameter is exactly the one given: Σ g·p. */
export const withGradient = (p: Tensor, gradient: readonly number[]): Tensor =>
  new Constant(Float32Array.from(gradient), [gradient.length], "f32").mul(p).sum();

/** The error that a promise rejects with; fails if it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const result = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("error" in result && result.error instanceof Error) return result.error;
  throw new Error(`resolved or threw no error: ${JSON.stringify(result)}`);
}

/** 256 rows of 6 features in 3 classes that the features tell apart. */
export function data(): { x: Tensor; y: Tensor } {
  const x = randn([256, 6]);
  return { x, y: x.slice([0, 256], [0, 3]).argmax({ axes: 1 }) };
}

/** 6, depth × width, 3. */
export function stack(
  depth: number,
  {
    width = 32,
    weightInit,
    act = () => new nn.ReLU(),
  }: { width?: number; weightInit?: init.Initializer; act?: () => nn.Module } = {},
): nn.Sequential {
  const layers = Array.from({ length: depth }, (_, i) => [
    new nn.Linear(i ? width : 6, width, { weightInit }),
    act(),
  ]).flat();
  return new nn.Sequential(...layers, new nn.Linear(width, 3, { weightInit }));
}
