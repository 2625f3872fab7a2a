/** The plain network of most experiments: hidden layers of one width, and what they begin with. */
import type { DataSet } from "../../lib/data/index.js";
import * as init from "../../lib/init/index.js";
import * as nn from "../../lib/nn/index.js";
import { arange } from "../../lib/ops/index.js";
import type { Tensor } from "../../lib/tensor.js";
import type { Row } from "./experiment.js";
import { type Training, train } from "./train.js";

export interface Stack {
  /** Hidden layers. */
  readonly depth: number;
  readonly width: number;
  readonly activation: () => nn.Module;
  readonly weights: init.Initializer;
  /** 0 unless told. */
  readonly biases?: init.Initializer;
}

export const [inputs, classes] = [784, 10];

/** 784 → width, depth times with the activation, → 10 logits, which begin with variance 1 (LeCun). */
export function stack({ depth, width, activation, weights, biases = init.zeros }: Stack): nn.Sequential {
  const layers = Array.from({ length: depth }, (_, i) => [
    new nn.Linear(i ? width : inputs, width, { weightInit: weights, biasInit: biases }),
    activation(),
  ]);
  return new nn.Sequential(...layers.flat(), new nn.Linear(width, classes, { weightInit: init.lecunNormal }));
}

/** U(±1/√fanIn), the default of PyTorch's `Linear`: variance 1/(3·fanIn). */
export const inverseRootFanIn: init.Initializer = (shape, options) => {
  const bound = 1 / Math.sqrt(init.fans(shape).fanIn);
  return init.uniform(shape, { ...options, low: -bound, high: bound });
};

/** The batch by which weights are fitted to data. */
export function sampleOf(set: DataSet): Tensor {
  return set.batch(arange(0, Math.min(sampleRows, set.size), 1, "i32")).x;
}

const sampleRows = 512;

/** The row that every other is measured by: the package's own choice, given a batch. */
export function auto(model: () => nn.Module, training: Omit<Training, "model">): Row {
  const chosen = (set: DataSet): nn.Module => {
    const made = model();
    init.auto(made, sampleOf(set));
    return made;
  };
  return { name: "init.auto", ours: true, run: (seed, sets) => train({ ...training, model: chosen }, seed, sets) };
}

/** Orthogonal with a gain. */
export const orthogonal =
  (gain: number): init.Initializer =>
  (shape, options) =>
    init.orthogonal(shape, { ...options, gain });

/** Normal of variance gain²/fanIn. */
export const gaussian =
  (gain: number): init.Initializer =>
  (shape, options) =>
    init.lecunNormal(shape, { ...options, gain });
