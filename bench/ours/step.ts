/** Training steps of a network by `fit`, over data in memory. */

import * as data from "../../lib/data/index.js";
import type { TypedArray } from "../../lib/dtype.js";
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

/** The kind `step`: the case's network, trained from the case's weights on the case's rows. */
export async function step(spec: Spec): Promise<Work> {
  const network = networks[`${spec.network}`];
  const { batch, inputs } = network;
  const weights = weightShapes(network).map((_, i) => `${spec[`w${i}`]}`);
  const x = readFloats(`${spec.x}`);
  const y = readWhole(`${spec.y}`);
  const trainer = (rows: number) => {
    const model = modelOf(network, weights);
    const optimizer = optimizerOf(network, model.parameters());
    const set = data.fromArrays({ x: x.subarray(0, rows * inputs), xShape: [rows, inputs], y: y.subarray(0, rows) });
    return (epochs: number, shuffle: boolean) =>
      fit(model, set, { loss: nn.crossEntropy, optimizer, clipGradNorm: 1, batchSize: batch, epochs, shuffle });
  };
  const train = trainer(y.length);
  const perEpoch = y.length / batch;
  return {
    /** Whole epochs count as the steps that they have. */
    async measure(ms) {
      await train(1, true);
      let epochs = 1;
      for (;;) {
        const began = performance.now();
        await train(epochs, true);
        const seconds = (performance.now() - began) / 1000;
        if (seconds * 1000 >= ms) return seconds / (epochs * perEpoch);
        epochs = Math.ceil((epochs * ms * 1.2) / (seconds * 1000));
      }
    },
    /** The losses of the first steps. */
    async results(): Promise<TypedArray> {
      const { losses } = await trainer(Number(spec.checked) * batch)(1, false);
      return Float32Array.from(losses);
    },
  };
}
