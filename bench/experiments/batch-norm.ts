/** Batch norm does not fix depth: with ReLU and no skips it multiplies gradients by √(π/(π − 1)) = 1.211 a layer. */
import { grad } from "../../lib/grad.js";
import * as nn from "../../lib/nn/index.js";
import { randn, seed as startAt } from "../../lib/ops/index.js";
import { read } from "../../lib/run/index.js";
import type { Tensor } from "../../lib/tensor.js";
import { type Experiment, type Outcome, row } from "./experiment.js";

/** The factor a layer by which the gradient's norm grows on its way back through a stack of Linear, BatchNorm, ReLU. */
export async function growth(seed: number, { depth = 50, width = 512, batch = 256 } = {}): Promise<Outcome> {
  startAt(seed);
  const outputs: Tensor[] = [randn([batch, width])];
  for (let layer = 0; layer < depth; layer++) {
    const block = new nn.Sequential(new nn.Linear(width, width), new nn.BatchNorm(width), new nn.ReLU());
    outputs.push(block.forward(outputs[layer]));
  }
  const [first, last] = grad(outputs[depth].mul(randn([batch, width])).sum(), [outputs[1], outputs[depth]]);
  const [[near], [far]] = await read([first.norm(), last.norm()]);
  return { value: (near / far) ** (1 / (depth - 1)) };
}

export const batchNorm: Experiment = {
  name: "batchnorm",
  about: "50 layers of batch norm and ReLU without skips, at initialization",
  unit: "gradient growth a layer",
  trains: false,
  rows: [row("batch norm + ReLU", Math.sqrt(Math.PI / (Math.PI - 1)), [1.204, 1.222], (seed) => growth(seed))],
};
