/** Faults of the learning rate and what belongs to it. */
import { change } from "../spec.js";
import { by, type Fault } from "./fault.js";

export const optimization: readonly Fault[] = [
  {
    name: "rate-high",
    about: "a learning rate 30 or 300 times too high",
    rules: ["learning-rate-high", "oscillation", "spike", "non-finite"],
    mendable: true,
    wants: { depth: [1, 6] },
    spoil: (run, severity) => change(run, { train: { lr: run.train.lr * by(severity, 30, 300) } }),
  },
  {
    name: "rate-low",
    about: "a learning rate 100 or 10,000 times too low",
    rules: ["learning-rate-low", "stall"],
    mendable: true,
    wants: { depth: [1, 6] },
    spoil: (run, severity) => change(run, { train: { lr: run.train.lr * by(severity, 1e-2, 1e-4) } }),
  },
  {
    name: "momentum",
    about: "momentum 0.99 or 0.999 at a rate for 0.9",
    rules: ["long-memory", "oscillation", "spike", "learning-rate-high", "non-finite"],
    mendable: true,
    wants: { depth: [1, 6], optimizer: ["momentum"] },
    spoil: (run, severity) =>
      change(run, { train: { momentum: by(severity, 0.995, 0.999), lr: run.train.lr * by(severity, 2, 3) } }),
  },
  {
    name: "adam-eps",
    about: "Adam with ε so large that nothing moves",
    rules: ["learning-rate-low", "stall"],
    mendable: true,
    wants: { depth: [1, 6], optimizer: ["adam", "adamw"] },
    spoil: (run, severity) => change(run, { train: { eps: by(severity, 1, 100) } }),
  },
  {
    name: "adam-betas",
    about: "Adam with its betas turned round: a long first moment over a short second",
    rules: ["long-memory", "oscillation", "spike", "learning-rate-high", "non-finite"],
    mendable: true,
    wants: { depth: [1, 6], optimizer: ["adam", "adamw"] },
    spoil: (run, severity) =>
      change(run, { train: { betas: by(severity, [0.99, 0.5], [0.999, 0.1]), lr: run.train.lr * 2 } }),
  },
  {
    name: "weight-decay",
    about: "weight decay that outweighs the gradient",
    rules: ["weight-decay"],
    mendable: true,
    wants: { depth: [1, 5], norm: ["none"], optimizer: ["sgd", "momentum", "adam", "adamw"] },
    spoil: (run, severity) =>
      change(run, {
        train: {
          weightDecay: run.train.optimizer === "adamw" ? by(severity, 0.03, 0.3) / run.train.lr : by(severity, 0.3, 2),
        },
      }),
  },
  {
    name: "batch-of-few",
    about: "batch norm over batches of 2, or a last batch of one row, which it refuses",
    rules: ["batch-of-one"],
    mendable: true,
    wants: { depth: [2, 5], norm: ["batch"], rows: [500, 700, 1000] },
    spoil: (run, severity) =>
      severity === "mild"
        ? change(run, { train: { batch: 2, epochs: 1 } })
        : change(run, { data: { rows: run.train.batch * Math.floor(run.data.rows / run.train.batch) + 1 } }),
  },
];
