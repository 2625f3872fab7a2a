/** Fashion-MNIST's own reference, the network 256-128-100. The two-conv network awaits convolutions. */
import * as nn from "../../lib/nn/index.js";
import { type Experiment, row } from "./experiment.js";
import { inputs } from "./stack.js";
import { train } from "./train.js";

const mlp = (): nn.Sequential => {
  const sizes = [inputs, 256, 128, 100];
  const hidden = sizes.slice(1).flatMap((size, i) => [new nn.Linear(sizes[i], size), new nn.ReLU()]);
  return new nn.Sequential(...hidden, new nn.Linear(100, 10));
};

export const published: Experiment = {
  name: "published",
  about: "the data set's published network 256-128-100, ReLU, Adam 0.001, 12 epochs",
  unit: "% test accuracy",
  trains: true,
  rows: [
    row("MLP 256-128-100", 88.3, [88.3, 90.5], (seed, sets) =>
      train({ model: mlp, steps: 12 * 468, lr: 0.001, optimizer: "adam" }, seed, sets),
    ),
  ],
};
