/** Activations whose mean is not 0: Xavier's weights and LSUV fail on 20 layers until each unit's mean is taken away too. */
import * as init from "../../lib/init/index.js";
import * as nn from "../../lib/nn/index.js";
import { type Experiment, type Row, row } from "./experiment.js";
import { auto, sampleOf, stack } from "./stack.js";
import { train } from "./train.js";

const training = { steps: 600, lr: 0.01 };

const net = (activation: () => nn.Module) => () =>
  stack({ depth: 20, width: 128, activation, weights: init.xavierNormal });

const xavier =
  (activation: () => nn.Module): Row["run"] =>
  (seed, sets) =>
    train({ ...training, model: net(activation) }, seed, sets);

const lsuv =
  (activation: () => nn.Module, centre: boolean): Row["run"] =>
  (seed, sets) => {
    const model = (set: typeof sets.train): nn.Module => {
      const made = net(activation)();
      init.lsuv(made, sampleOf(set), { centre });
      return made;
    };
    return train({ ...training, model }, seed, sets);
  };

const about = (name: string): string => `20 ${name} layers of 128, SGD 0.01 with momentum 0.9, 600 steps`;
const common = { unit: "% test accuracy", trains: true } as const;
const chance = [9.5, 10.5] as const;

const sigmoidLayer = () => new nn.Sigmoid();
export const sigmoid20: Experiment = {
  ...common,
  name: "sigmoid20",
  about: about("sigmoid"),
  rows: [
    row("Xavier", 10, chance, xavier(sigmoidLayer)),
    row("LSUV", 10, chance, lsuv(sigmoidLayer, false)),
    row("LSUV, centred", 85.9, [84, 88], lsuv(sigmoidLayer, true)),
    auto(net(sigmoidLayer), training),
  ],
  order: [["LSUV, centred"], ["LSUV", "Xavier"]],
};

const softplusLayer = () => new nn.Softplus();
export const softplus20: Experiment = {
  ...common,
  name: "softplus20",
  about: about("softplus"),
  rows: [
    row("Xavier", 10, chance, xavier(softplusLayer)),
    row("LSUV", 10, chance, lsuv(softplusLayer, false)),
    row("LSUV, centred", 84.5, [82.5, 87], lsuv(softplusLayer, true)),
    auto(net(softplusLayer), training),
  ],
  order: [["LSUV, centred"], ["LSUV", "Xavier"]],
};

const siluLayer = () => new nn.SiLU();
export const silu20: Experiment = {
  ...common,
  name: "silu20",
  about: about("SiLU"),
  rows: [
    row("Xavier", 10, chance, xavier(siluLayer)),
    row("LSUV", 83.9, [81.5, 86], lsuv(siluLayer, false)),
    auto(net(siluLayer), training),
  ],
  order: [["LSUV"], ["Xavier"]],
};
