/** Faults of what the weights begin with. */
import { change } from "../spec.js";
import { by, type Fault } from "./fault.js";

export const initialization: readonly Fault[] = [
  {
    name: "init-small",
    about: "weights N(0, s) with s far below what the width wants",
    rules: ["vanishing-signal", "vanishing-gradient"],
    mendable: true,
    wants: { depth: [4, 12], norm: ["none"], activation: ["relu", "leaky", "tanh", "gelu", "elu"], plain: true },
    spoil: (run, severity) => change(run, { net: { init: { draw: "normal", std: by(severity, 0.03, 0.003) } } }),
  },
  {
    name: "init-large",
    about: "weights N(0, 1) or N(0, 3), whatever the width",
    rules: ["exploding-signal", "exploding-gradient", "saturated-units", "non-finite"],
    mendable: true,
    wants: {
      depth: [3, 10],
      width: [64, 128],
      norm: ["none"],
      plain: true,
      activation: ["relu", "leaky", "tanh", "sigmoid", "gelu", "silu"],
    },
    spoil: (run, severity) => change(run, { net: { init: { draw: "normal", std: by(severity, 1, 3) } } }),
  },
  {
    name: "init-zero",
    about: "all weights 0",
    rules: ["symmetric-units", "no-gradient", "vanishing-signal", "vanishing-gradient"],
    mendable: true,
    wants: { depth: [1, 4], norm: ["none"], plain: true },
    spoil: (run, severity) => change(run, { net: { init: { draw: "constant", value: by(severity, 1e-6, 0) } } }),
  },
  {
    name: "init-constant",
    about: "all weights of one value",
    rules: ["symmetric-units", "no-gradient"],
    mendable: true,
    wants: { depth: [1, 4], data: ["circles", "moons", "spirals", "blobs", "images", "waves", "recall"] },
    spoil: (run, severity) =>
      change(run, { net: { init: { draw: "constant", value: by(severity, 1, 0.3) / run.net.width } } }),
  },
  {
    name: "init-pytorch",
    about: "U(±1/√fanIn), the default of PyTorch's Linear, in a deep stack of ReLU",
    rules: ["vanishing-signal", "vanishing-gradient"],
    mendable: true,
    wants: { depth: [10, 12], width: [64], norm: ["none"], activation: ["relu", "leaky"], plain: true },
    spoil: (run, severity, random) =>
      change(run, { net: { init: { draw: "pytorch" }, depth: by(severity, run.net.depth, random.integer(15, 24)) } }),
  },
  {
    name: "init-sigmoid",
    about: "a deep stack of sigmoid or softplus with Xavier's weights",
    rules: ["vanishing-signal", "vanishing-gradient"],
    mendable: true,
    wants: { depth: [4, 4], width: [32, 64, 128], norm: ["none"], activation: ["sigmoid"], plain: true },
    spoil: (run, severity, random) =>
      change(run, { net: { init: { draw: "xavier" }, depth: by(severity, 5, random.integer(8, 14)) } }),
  },
  {
    name: "dead-units",
    about: "ReLU with biases so far below 0 that most units never answer",
    rules: ["dead-units", "no-gradient"],
    mendable: true,
    wants: { depth: [1, 5], norm: ["none"], activation: ["relu"], plain: true },
    spoil: (run, severity) => change(run, { net: { bias: by(severity, -3, -10) } }),
  },
  {
    name: "saturated-weights",
    about: "tanh or sigmoid with weights that put every unit at its end",
    rules: ["saturated-units", "exploding-signal", "exploding-gradient"],
    mendable: true,
    wants: { depth: [2, 5], width: [32, 64, 128], norm: ["none"], activation: ["tanh", "sigmoid"], plain: true },
    spoil: (run, severity) => change(run, { net: { init: { draw: "gain", gain: by(severity, 12, 60) } } }),
  },
];
