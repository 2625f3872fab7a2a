/** What can be wrong with a run: one row per kind, each mild or severe, with the findings that name it rightly. */
import type { RuleName } from "../../lib/health/finding.js";
import type { Wants } from "./healthy.js";
import type { Random } from "./random.js";
import { change, type DataKind, type RunSpec } from "./spec.js";

export const severities = ["mild", "severe"] as const;
export type Severity = (typeof severities)[number];

export interface Fault {
  readonly name: string;
  /** What is wrong, in a line. */
  readonly about: string;
  /** Findings that name the cause. One that names what merely follows from it does not count. */
  readonly rules: readonly RuleName[];
  /** Whether something short of new data or another program can mend it; the others count for recall alone. */
  readonly mendable: boolean;
  /** What a healthy run must have for the fault to matter. */
  readonly wants: Wants;
  readonly spoil: (run: RunSpec, severity: Severity, random: Random) => RunSpec;
  /** The repaired run, where it is not the healthy one that was spoiled. */
  readonly mend?: (spoiled: RunSpec) => RunSpec;
}

/** A value by severity. */
const by = <T>(severity: Severity, mild: T, severe: T): T => (severity === "mild" ? mild : severe);

const planar: readonly DataKind[] = ["circles", "moons", "spirals"];
const labelled: readonly DataKind[] = ["blobs", "circles", "moons", "spirals", "images", "parity", "recall"];
const severalClasses: readonly DataKind[] = ["blobs", "images", "recall"];
const regressions: readonly DataKind[] = ["friedman", "waves"];

/** Faults of what the weights begin with. */
const initialization: readonly Fault[] = [
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

/** Faults of the inputs and the labels. */
const data: readonly Fault[] = [
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
    rules: [
      "target-scale",
      "exploding-gradient",
      "learning-rate-high",
      "learning-rate-low",
      "non-finite",
      "head-mismatch",
      "input-scale",
      "spike",
    ],
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

/** Faults of the learning rate and what belongs to it. */
const optimization: readonly Fault[] = [
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
    rules: ["oscillation", "spike", "learning-rate-high", "non-finite"],
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
    rules: ["oscillation", "spike", "learning-rate-high", "non-finite"],
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

/** Faults of the network's structure. */
const structure: readonly Fault[] = [
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
    rules: ["strong-dropout", "gradient-noise", "stall", "plateau", "collapse"],
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

/** Faults of the head and the loss. */
const head: readonly Fault[] = [
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

export const faults: readonly Fault[] = [...initialization, ...data, ...optimization, ...structure, ...head];

export function faultNamed(name: string): Fault {
  const fault = faults.find((f) => f.name === name);
  if (!fault) throw new Error(`there is no fault ${name}; there are ${faults.map((f) => f.name).join(", ")}`);
  return fault;
}

/** Faults that are put into one run together: of different parts of it, and neither hides the other. */
export const pairs: readonly (readonly [string, string])[] = [
  ["init-small", "rate-low"],
  ["init-small", "raw-inputs"],
  ["init-large", "rate-high"],
  ["init-small", "adam-eps"],
  ["init-constant", "rate-low"],
  ["init-sigmoid", "rate-low"],
  ["dead-units", "rate-high"],
  ["saturated-weights", "offset-inputs"],
  ["raw-inputs", "momentum"],
  ["raw-inputs", "softmax-twice"],
  ["offset-inputs", "adam-eps"],
  ["tiny-inputs", "weight-decay"],
  ["linear", "rate-high"],
  ["softmax-twice", "rate-low"],
  ["sigmoid-twice", "init-large"],
  ["bounded-output", "raw-targets"],
  ["imbalance", "rate-low"],
  ["dropout", "rate-high"],
];
