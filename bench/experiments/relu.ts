/** Deep plain ReLU stacks: He and orthogonal weights keep the signal, Xavier's lose a factor 2 a layer. */
import * as init from "../../lib/init/index.js";
import * as nn from "../../lib/nn/index.js";
import { type Experiment, type Row, row } from "./experiment.js";
import { auto, inverseRootFanIn, orthogonal, stack } from "./stack.js";
import { train } from "./train.js";

const net = (depth: number, weights: init.Initializer) => () =>
  stack({ depth, width: 128, activation: () => new nn.ReLU(), weights });

const run =
  (depth: number, steps: number, weights: init.Initializer): Row["run"] =>
  (seed, sets) =>
    train({ model: net(depth, weights), steps, lr: 0.01 }, seed, sets);

export const relu30: Experiment = {
  name: "relu30",
  about: "30 ReLU layers of 128, SGD 0.01 with momentum 0.9, 1400 steps",
  unit: "% test accuracy",
  trains: true,
  rows: [
    row("He", 82.5, [79, 86], run(30, 1400, init.heNormal)),
    row("Xavier", 61.5, [10, 75], run(30, 1400, init.xavierNormal)),
    row("U(±1/√fanIn)", 10, [9.5, 10.5], run(30, 1400, inverseRootFanIn)),
    auto(net(30, init.heNormal), { steps: 1400, lr: 0.01 }),
  ],
  order: [["He"], ["Xavier"], ["U(±1/√fanIn)"]],
};

export const relu50: Experiment = {
  name: "relu50",
  about: "50 ReLU layers of 128, SGD 0.01 with momentum 0.9, 1000 steps",
  unit: "% test accuracy",
  trains: true,
  rows: [
    row("orthogonal·√2", 64.6, [50, 80], run(50, 1000, orthogonal(Math.SQRT2))),
    row("He", 41.7, [25, 60], run(50, 1000, init.heNormal)),
    row("Xavier", 10, [9.5, 10.5], run(50, 1000, init.xavierNormal)),
    auto(net(50, init.heNormal), { steps: 1000, lr: 0.01 }),
  ],
  order: [["orthogonal·√2"], ["He"], ["Xavier"]],
};
