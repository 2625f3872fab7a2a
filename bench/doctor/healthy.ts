/** Healthy runs: what a good practitioner would write, in all its variety, and not only with the package's defaults. */
import type { Random } from "./random.js";
import {
  type ActivationName,
  activations,
  type DataKind,
  type DataSpec,
  type Draw,
  dataKinds,
  type NormName,
  norms,
  type OptimizerName,
  optimizers,
  type RunSpec,
} from "./spec.js";

/** What a healthy run must have so that a fault can be put into it. */
export interface Wants {
  readonly data?: readonly DataKind[];
  readonly depth?: readonly [least: number, most: number];
  readonly width?: readonly number[];
  readonly activation?: readonly ActivationName[];
  readonly norm?: readonly NormName[];
  readonly optimizer?: readonly OptimizerName[];
  readonly rows?: readonly number[];
  readonly loss?: "bce";
  /** The package's own choice of weights, polished data, and nothing added: the fault is to be alone. */
  readonly auto?: boolean;
  /** Without skips. */
  readonly plain?: boolean;
  readonly validation?: boolean;
  readonly steps?: readonly [least: number, most: number];
}

/** Classes and noise at which a network of this size does well, but not perfectly. */
function drawData(random: Random, kind: DataKind, rows: number, perfect: boolean): DataSpec {
  const classes: Record<DataKind, () => number> = {
    blobs: () => random.integer(2, 6),
    circles: () => random.integer(2, 3),
    moons: () => 2,
    spirals: () => random.integer(2, 3),
    friedman: () => 0,
    waves: () => 0,
    images: () => 10,
    parity: () => 2,
    recall: () => random.integer(3, 4),
  };
  const noise: Record<DataKind, [number, number]> = {
    blobs: [0.3, 0.6],
    circles: [0.03, 0.08],
    moons: [0.05, 0.15],
    spirals: [0.01, 0.03],
    friedman: [0.05, 0.2],
    waves: [0.02, 0.1],
    images: [0, 0],
    parity: [0.05, 0.15],
    recall: [0.05, 0.15],
  };
  return {
    kind,
    seed: random.fork("data").name,
    rows,
    classes: classes[kind](),
    noise: Number(random.uniform(...noise[kind]).toFixed(3)),
    targetScale: 1,
    shuffled: 0,
    ...(perfect ? { scale: 1, offset: 0, wrong: 0, rare: 0 } : drawQuirks(random, kind)),
  };
}

/** What data are like that nobody has polished, and networks learn from all the same. */
function drawQuirks(random: Random, kind: DataKind): Pick<DataSpec, "scale" | "offset" | "wrong" | "rare"> {
  const unit = kind === "images" && random.chance(0.5); // pixels from 0 to 1
  return {
    scale: unit ? 0.35 : random.pick([1, 1, 1, 1, 0.5, 2]),
    offset: unit ? 0.28 : random.pick([0, 0, 0, 0, 0.5]),
    wrong: random.chance(0.1) ? 0.04 : 0,
    rare: random.chance(0.1) && kind !== "images" && kind !== "friedman" && kind !== "waves" ? 0.35 : 0,
  };
}

/** Depths at which sums of a saturating activation still carry a signal through a plain stack. */
const saturating: readonly ActivationName[] = ["sigmoid", "softplus"];

/** Rates that suit an optimizer over some hundred steps; deep plain stacks want less. */
function rateFor(optimizer: OptimizerName, depth: number, norm: NormName, regression: boolean): number {
  // A squared error is steeper than a cross-entropy, which matters where steps are not of one size.
  const plain = regression ? 0.3 : 1;
  const base = { sgd: 0.1 * plain, momentum: 0.03 * plain, adam: 0.003, adamw: 0.003, rmsprop: 0.002 }[optimizer];
  if (norm === "batch") return base;
  return base * (depth > 12 ? 0.2 : depth > 6 ? 0.4 : 1);
}

/** The package's choice, or a classic one where it is known to do. */
function drawInit(random: Random, activation: ActivationName, depth: number): Draw {
  if (depth > 3 || random.chance(0.5)) return { draw: "auto" };
  if (activation === "relu" || activation === "leaky")
    return { draw: random.pick(["he", "pytorch", "xavier"] as const) };
  return { draw: random.pick(["xavier", "pytorch"] as const) };
}

/** Draws a healthy run. */
export function drawHealthy(random: Random, wants: Wants = {}): RunSpec {
  const kind = random.pick(wants.data ?? dataKinds);
  const rows = random.pick(wants.rows ?? [500, 700, 1000, 1500, 2000]);
  const auto = wants.auto ?? false;
  const data = drawData(random, kind, rows, auto);
  const activation = random.pick(wants.activation ?? activations);
  const norm = random.pick(wants.norm ?? [...norms, "none" as const]);
  const [least, most] = wants.depth ?? [1, random.chance(0.25) ? 12 : 5];
  const depth = random.integer(least, Math.max(least, saturating.includes(activation) ? Math.min(most, 4) : most));
  const width = random.pick(wants.width ?? [16, 32, 64, 128].filter((w) => w >= (depth > 4 ? 32 : 16)));
  const optimizer = random.pick(wants.optimizer ?? optimizers);
  const batch = random.pick([16, 32, 64].filter((b) => rows % b !== 1));
  const [fewest, largest] = wants.steps ?? [200, 500];
  const perEpoch = Math.ceil(rows / batch);
  const epochs = Math.max(
    3,
    Math.min(Math.round(random.integer(fewest, largest) / perEpoch), Math.floor(largest / perEpoch)),
  );
  const binary = data.classes === 2 && (wants.loss === "bce" || random.chance(0.4));
  return {
    data,
    net: {
      depth,
      width,
      activation,
      norm,
      residual: !(wants.plain ?? false) && depth > 3 && random.chance(0.4),
      dropout: !auto && depth < 4 && width > 32 && random.chance(0.2) ? random.pick([0.1, 0.2]) : 0,
      init: auto ? { draw: "auto" } : drawInit(random, activation, depth),
      bias: 0,
      head: "none",
      oneOutput: false,
      cut: null,
    },
    train: {
      optimizer,
      lr: Number((rateFor(optimizer, depth, norm, data.classes === 0) * random.scale(0.6, 1.6)).toPrecision(2)),
      momentum: 0.9,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: !auto && random.chance(0.3) ? (optimizer === "adamw" ? 0.01 : 1e-4) : 0,
      batch,
      epochs,
      clip: !auto && random.chance(0.2) ? random.pick([1, 5]) : 0,
      schedule: !auto && random.chance(0.25) ? random.pick(["cosine", "warmup"] as const) : "none",
      loss: data.classes === 0 ? "mse" : binary ? "bce" : "crossEntropy",
      validation: wants.validation ?? random.chance(0.4),
    },
  };
}
