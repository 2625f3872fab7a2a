/** Faults of the network's structure. */
import { change } from "../spec.js";
import { by, type Fault, planar } from "./fault.js";

export const structure: readonly Fault[] = [
  {
    name: "linear",
    about: "no activation between the layers, where the data want one",
    rules: ["missing-nonlinearity"],
    mendable: true,
    wants: { data: [...planar, "parity", "waves"], depth: [1, 4], norm: ["none", "batch"] },
    spoil: (run, severity) =>
      change(run, { net: { activation: "none", depth: by(severity, run.net.depth, run.net.depth + 2) } }),
  },
  {
    name: "dropout",
    about: "dropout of 0.9 or 0.95 in every layer",
    rules: ["strong-dropout", "gradient-noise"],
    mendable: true,
    wants: { depth: [2, 5], width: [32, 64] },
    spoil: (run, severity) => change(run, { net: { dropout: by(severity, 0.9, 0.95) } }),
  },
  {
    name: "deep-batch-norm",
    about: "30 or more layers of batch norm and ReLU without skips",
    rules: ["exploding-gradient"],
    mendable: true,
    wants: {
      depth: [3, 6],
      width: [32],
      norm: ["batch"],
      activation: ["relu"],
      plain: true,
      optimizer: ["sgd", "momentum", "adam"],
      steps: [120, 250],
    },
    spoil: (run, severity) => change(run, { net: { depth: by(severity, 30, 45) } }),
    mend: (spoiled) => change(spoiled, { net: { residual: true } }),
  },
  {
    name: "no-gradient",
    about: "layers that are frozen, cut off or not in the optimizer, at weights that are of no use yet",
    rules: ["no-gradient"],
    mendable: false,
    wants: {
      depth: [3, 6],
      width: [16],
      norm: ["none"],
      data: [...planar, "parity", "recall", "images", "waves"],
      plain: true,
    },
    spoil: (run, severity, random) =>
      change(run, {
        net: {
          width: by(severity, 8, 6),
          depth: by(severity, run.net.depth, run.net.depth + 3),
          cut: {
            layers: by(severity, run.net.depth, run.net.depth + 3),
            by: random.pick(["frozen", "detached", "unlisted"] as const),
          },
        },
      }),
    mend: (spoiled) => change(spoiled, { net: { cut: null } }),
  },
];
