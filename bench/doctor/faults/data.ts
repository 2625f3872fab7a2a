/** Faults of the inputs and the labels. */
import { change, type DataKind } from "../spec.js";
import { by, type Fault, regressions } from "./fault.js";

const labelled: readonly DataKind[] = ["blobs", "circles", "moons", "spirals", "images", "parity", "recall"];

export const data: readonly Fault[] = [
  {
    name: "saturating-inputs",
    about: "inputs so large that every unit of a first layer of tanh or sigmoid is at its end",
    rules: ["saturated-units", "input-scale"],
    mendable: true,
    wants: { depth: [1, 4], norm: ["none"], activation: ["tanh", "sigmoid"] },
    spoil: (run, severity) => change(run, { data: { scale: by(severity, 50, 1000) } }),
  },
  {
    name: "raw-inputs",
    about: "inputs times 255 or 1000",
    rules: ["input-scale"],
    mendable: true,
    wants: { depth: [1, 6], norm: ["none"], activation: ["relu", "leaky", "gelu", "elu", "silu"] },
    spoil: (run, severity) => change(run, { data: { scale: by(severity, 255, 1000) } }),
  },
  {
    name: "tiny-inputs",
    about: "inputs times 0.01 or 0.001",
    rules: ["input-scale", "vanishing-signal"],
    mendable: true,
    wants: { depth: [1, 4], norm: ["none"], optimizer: ["sgd", "momentum", "adam", "adamw"] },
    spoil: (run, severity) => change(run, { data: { scale: by(severity, 1e-2, 1e-3) } }),
  },
  {
    name: "offset-inputs",
    about: "inputs far from 0",
    rules: ["input-scale"],
    mendable: true,
    wants: { depth: [1, 5], norm: ["none"] },
    spoil: (run, severity) => change(run, { data: { offset: by(severity, 20, 200) } }),
  },
  {
    name: "raw-targets",
    about: "targets of a regression in the hundreds or thousands",
    rules: ["target-scale", "exploding-gradient", "non-finite"],
    mendable: true,
    wants: { data: regressions, depth: [1, 5], optimizer: ["sgd", "momentum", "adam"] },
    spoil: (run, severity) => change(run, { data: { targetScale: by(severity, 100, 3000) } }),
  },
  {
    name: "shuffled-labels",
    about: "labels that changed places: x and y are apart",
    rules: ["shuffled-labels"],
    mendable: false,
    wants: { data: [...labelled, ...regressions], depth: [1, 4], norm: ["none", "batch"] },
    spoil: (run, severity) => change(run, { data: { shuffled: by(severity, 0.7, 1) } }),
  },
  {
    name: "imbalance",
    about: "one class has nearly all rows",
    rules: ["class-imbalance", "collapse"],
    mendable: true,
    wants: { data: ["blobs", "circles", "moons", "images"], depth: [1, 4], rows: [1000, 2000] },
    spoil: (run, severity, random) =>
      change(run, {
        data: { rare: by(severity, 0.05, 0.02), wrong: 0 },
        train: { loss: "crossEntropy" },
        net: { width: random.pick([16, 32]) },
      }),
    mend: (spoiled) => change(spoiled, { train: { loss: "weightedCrossEntropy" } }),
  },
  {
    name: "overfitting",
    about: "few rows, some of them wrong, learned by heart",
    rules: ["overfitting"],
    mendable: true,
    wants: {
      data: ["blobs", "images", "friedman", "moons"],
      width: [128],
      depth: [2, 4],
      optimizer: ["adam", "adamw"],
      rows: [500],
    },
    spoil: (run, severity, random) =>
      change(run, {
        data: { rows: by(severity, 300, 150), wrong: by(severity, 0.25, 0.35), noise: run.data.noise * 1.3 },
        net: { width: random.pick([128, 256]), dropout: 0 },
        train: {
          validation: true,
          batch: 32,
          epochs: by(severity, 50, 100),
          weightDecay: 0,
          lr: 0.003,
          schedule: "none",
        },
      }),
    // What a person would do with these rows: a smaller share of the epochs, and units left out.
    mend: (spoiled) => change(spoiled, { net: { dropout: 0.3 }, train: { epochs: 12, weightDecay: 0.01 } }),
  },
];
