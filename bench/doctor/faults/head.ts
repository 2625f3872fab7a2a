/** Faults of the head and the loss. */
import { change } from "../spec.js";
import { by, type Fault, regressions, severalClasses } from "./fault.js";

export const head: readonly Fault[] = [
  {
    name: "softmax-twice",
    about: "an activation between the logits and cross-entropy, which has its own softmax",
    rules: ["activation-before-loss"],
    mendable: true,
    wants: { data: severalClasses, depth: [1, 5] },
    spoil: (run, severity) =>
      change(run, { net: { head: by(severity, "softmax", "sigmoid") }, train: { loss: "crossEntropy" } }),
    mend: (spoiled) => change(spoiled, { net: { head: "none" } }),
  },
  {
    name: "sigmoid-twice",
    about: "an activation between the logit and binary cross-entropy, which has its own sigmoid",
    rules: ["activation-before-loss"],
    mendable: true,
    wants: { data: ["moons", "parity"], loss: "bce", depth: [1, 4] },
    spoil: (run, severity) => change(run, { net: { head: by(severity, "sigmoid", "relu") }, train: { loss: "bce" } }),
    mend: (spoiled) => change(spoiled, { net: { head: "none" } }),
  },
  {
    name: "bounded-output",
    about: "a regression whose output cannot reach the targets",
    rules: ["activation-before-loss", "head-mismatch"],
    mendable: true,
    wants: { data: regressions, depth: [1, 5] },
    spoil: (run, severity) => change(run, { net: { head: by(severity, "sigmoid", "relu") } }),
  },
  {
    name: "one-output",
    about: "one output for many classes",
    rules: ["head-mismatch"],
    mendable: false,
    wants: { data: severalClasses, depth: [1, 4] },
    spoil: (run, severity) => change(run, { net: { oneOutput: true }, train: { loss: by(severity, "mse", "bce") } }),
  },
  {
    name: "log-of-zero",
    about: "a loss of one's own that takes the logarithm of a probability that can be 0",
    rules: ["non-finite"],
    mendable: false,
    wants: { data: ["moons", "parity"], loss: "bce", depth: [1, 4] },
    spoil: (run, severity) =>
      change(run, { data: { scale: by(severity, run.data.scale, 4 * run.data.scale) }, train: { loss: "logOfZero" } }),
  },
];
