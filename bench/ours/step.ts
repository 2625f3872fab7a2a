/** Training steps of a network by `fit`, over data in memory. */

import * as data from "../../lib/data/index.js";
import * as nn from "../../lib/nn/index.js";
import * as ops from "../../lib/ops/index.js";
import * as optim from "../../lib/optim/index.js";
import type { Variable } from "../../lib/tensor.js";
import { fit } from "../../lib/train/index.js";
import { type Layer, type Network, networks, weightShapes } from "../cases.js";
import { readFloats, readWhole } from "../inputs.js";
import type { Spec } from "../suite.js";
import type { Work } from "./kinds.js";

/** A layer over `width` inputs. */
function layerOf(layer: Layer, width: number): nn.Module {
  if (layer === "batchnorm") return new nn.BatchNorm(width);
  if (layer === "relu") return new nn.ReLU();
  if (layer === "tanh") return new nn.Tanh();
  return new nn.Linear(width, Number(layer.slice(7)), { biasInit: (shape) => ops.zeros(shape) });
}

/** A network whose weights are the numbers of files. */
export function modelOf(network: Network, weights: readonly string[]): nn.Sequential {
  let width = network.inputs;
  let at = 0;
  const modules = network.layers.map((layer) => {
    const made = layerOf(layer, width);
    if (made instanceof nn.Linear) {
      made.weight.initial = ops.tensor(readFloats(weights[at++]), [made.outFeatures, made.inFeatures]);
      width = made.outFeatures;
    }
    return made;
  });
  return new nn.Sequential(...modules);
}

export function optimizerOf({ optimizer, lr }: Network, params: readonly Variable[]): optim.Optimizer {
  return optimizer === "adam" ? new optim.Adam(params, { lr }) : new optim.SGD(params, { lr });
}

/** What trains the network of a case on its first rows, all of them unless told. */
export interface Trainer {
  readonly stepsPerEpoch: number;
  /** Trains for some epochs; resolves to the losses. */
  train(epochs: number, shuffle?: boolean): Promise<readonly number[]>;
}

/** A trainer of a case's network, from the case's weights on the case's rows. */
export function trainerOf(spec: Spec, steps = Number.POSITIVE_INFINITY): Trainer {
  const network = networks[`${spec.network}`];
  const batchSize = Number(spec.batch);
  const labels = readWhole(`${spec.y}`);
  const rows = Math.min(labels.length, steps * batchSize);
  const x = readFloats(`${spec.x}`).subarray(0, rows * network.inputs);
  const model = modelOf(network, weightsOf(spec));
  const optimizer = optimizerOf(network, model.parameters());
  const set = data.fromArrays({ x, xShape: [rows, network.inputs], y: labels.subarray(0, rows) });
  return {
    stepsPerEpoch: rows / batchSize,
    async train(epochs, shuffle = true) {
      const options = { loss: nn.crossEntropy, optimizer, clipGradNorm: 1, batchSize, epochs, shuffle };
      return (await fit(model, set, options)).losses;
    },
  };
}

/** The files of a case's weights, one for each linear layer. */
export const weightsOf = (spec: Spec): string[] =>
  weightShapes(networks[`${spec.network}`]).map((_, i) => `${spec[`w${i}`]}`);

/** Seconds per step over at least `ms`, in whole epochs. */
export async function secondsPerStep({ stepsPerEpoch, train }: Trainer, ms: number): Promise<number> {
  await train(1);
  for (let epochs = 1; ; ) {
    const began = performance.now();
    await train(epochs);
    const spent = performance.now() - began;
    if (spent >= ms) return spent / 1000 / (epochs * stepsPerEpoch);
    epochs = Math.ceil((epochs * ms * 1.2) / spent);
  }
}

/** The kind `step`. */
export async function step(spec: Spec): Promise<Work> {
  const trainer = trainerOf(spec);
  return {
    measure: (ms) => secondsPerStep(trainer, ms),
    /** The losses of the first steps. */
    results: async () => Float32Array.from(await trainerOf(spec, Number(spec.checked)).train(1, false)),
  };
}
