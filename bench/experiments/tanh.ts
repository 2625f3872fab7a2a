/** A hundred layers of tanh: at the edge of chaos they train, at PyTorch's gain 5/3 gradients grow 10⁴-fold on the way. */
import * as init from "../../lib/init/index.js";
import * as nn from "../../lib/nn/index.js";
import { type Experiment, type Row, row } from "./experiment.js";
import { auto, gaussian, orthogonal, stack } from "./stack.js";
import { train } from "./train.js";

const biases: init.Initializer = (shape, options) => init.normal(shape, { ...options, std: Math.sqrt(2e-5) });

const net = (weights: init.Initializer) => () =>
  stack({ depth: 100, width: 128, activation: () => new nn.Tanh(), weights, biases });

const run =
  (weights: init.Initializer): Row["run"] =>
  (seed, sets) =>
    train({ model: net(weights), steps: 400, lr: 0.003 }, seed, sets);

export const tanh100: Experiment = {
  name: "tanh100",
  about: "100 tanh layers of 128, biases of variance 2e-5, SGD 0.003 with momentum 0.9, 400 steps",
  unit: "% test accuracy",
  trains: true,
  rows: [
    row("orthogonal, σ² = 1.05", 83.3, [81, 85], run(orthogonal(Math.sqrt(1.05)))),
    row("Gaussian, σ² = 1.05", 77.6, [73, 82], run(gaussian(Math.sqrt(1.05)))),
    row("orthogonal, gain 5/3", 10.4, [8, 25], run(orthogonal(5 / 3))),
    row("Gaussian, gain 5/3", 14.9, [8, 25], run(gaussian(5 / 3))),
    auto(net(init.xavierNormal), { steps: 400, lr: 0.003 }),
  ],
  note: "PyTorch 1.13.1, the same recipe, seeds 1 to 5: Gaussian, σ² = 1.05, 44.8 ± 28.2.",
  order: [["orthogonal, σ² = 1.05"], ["Gaussian, σ² = 1.05"], ["orthogonal, gain 5/3", "Gaussian, gain 5/3"]],
};
