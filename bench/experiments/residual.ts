/** Residual stacks without normalization: only those that begin as the identity (ReZero) can be a thousand blocks deep. */
import * as init from "../../lib/init/index.js";
import * as nn from "../../lib/nn/index.js";
import { type Experiment, type Row, row } from "./experiment.js";
import { auto, classes, inputs } from "./stack.js";
import { train } from "./train.js";

/** Said, or the container would choose weights that make up for the depth. */
const he = { weightInit: init.heNormal };

/** 784 → width, blocks of x + α·relu(W·x + b), → 10 logits. */
function blocks(count: number, width: number, options: nn.ResidualOptions): nn.Sequential {
  const block = () => new nn.Residual(new nn.Sequential(new nn.Linear(width, width, he), new nn.ReLU()), options);
  return new nn.Sequential(
    new nn.Linear(inputs, width, he),
    ...Array.from({ length: count }, block),
    new nn.Linear(width, classes, he),
  );
}

const training = { steps: 200, lr: 0.001, optimizer: "adam" } as const;

const run =
  (count: number, width: number, options: nn.ResidualOptions): Row["run"] =>
  (seed, sets) =>
    train({ ...training, model: () => blocks(count, width, options) }, seed, sets);

export const residual: Experiment = {
  name: "residual",
  about: "1000 residual blocks of 32, Adam 0.001, 200 steps; without any scale 300 blocks of 64",
  unit: "% test accuracy",
  trains: true,
  rows: [
    row("ReZero", 81.3, [78, 84], run(1000, 32, { scale: 0, learned: true })),
    row("branches × L^−½", 9.8, [9, 25], run(1000, 32, { scale: 1000 ** -0.5 })),
    {
      name: "300 × 64 without a scale",
      expected: { seen: { brokeAt: 0 } },
      run: run(300, 64, {}),
    },
    auto(() => blocks(1000, 32, {}), training),
  ],
  order: [["ReZero"], ["branches × L^−½"]],
};
