/** What a run of the zoo is, as plain data: everything that its outcome depends on, but for the seed of its weights. */

export const activations = ["relu", "leaky", "tanh", "sigmoid", "gelu", "silu", "softplus", "elu"] as const;
export type ActivationName = (typeof activations)[number];

export const norms = ["none", "batch", "layer"] as const;
export type NormName = (typeof norms)[number];

export const optimizers = ["sgd", "momentum", "adam", "adamw", "rmsprop"] as const;
export type OptimizerName = (typeof optimizers)[number];

export const dataKinds = [
  ...(["blobs", "circles", "moons", "spirals"] as const),
  ...(["friedman", "waves"] as const),
  ...(["images", "parity", "recall"] as const),
] as const;
export type DataKind = (typeof dataKinds)[number];

export interface DataSpec {
  readonly kind: DataKind;
  /** Fixes the rows. */
  readonly seed: string;
  /** Rows to train on. */
  readonly rows: number;
  /** 0 for regression. */
  readonly classes: number;
  readonly noise: number;
  /** Inputs are of mean 0 and variance 1, then times this plus that, for training and test alike. */
  readonly scale: number;
  readonly offset: number;
  /** As for inputs, of the targets of a regression. */
  readonly targetScale: number;
  /** Share of training rows whose labels or targets changed places with one another. */
  readonly shuffled: number;
  /** Share of training rows with a wrong label, or with a target of nothing but noise. */
  readonly wrong: number;
  /** Share of the training rows that all classes but the first have together; 0 leaves them as drawn. The test is even. */
  readonly rare: number;
}

/** How hidden weights are drawn: by the package (`auto`), or by a rule with its number. */
export type Draw =
  | { readonly draw: "auto" | "xavier" | "he" | "pytorch" }
  | { readonly draw: "normal"; readonly std: number }
  /** Variance gain²/fanIn. */
  | { readonly draw: "gain"; readonly gain: number }
  | { readonly draw: "constant"; readonly value: number };

export type HeadActivation = "none" | "softmax" | "sigmoid" | "relu" | "tanh";

export interface NetSpec {
  /** Hidden layers. */
  readonly depth: number;
  readonly width: number;
  readonly activation: ActivationName | "none";
  readonly norm: NormName;
  readonly residual: boolean;
  readonly dropout: number;
  readonly init: Draw;
  /** What hidden biases begin with, where not 0. */
  readonly bias: number;
  readonly head: HeadActivation;
  /** Whether one output stands for all classes, as their number. */
  readonly oneOutput: boolean;
  /** Hidden layers, from the input, that do not learn, and why. */
  readonly cut: { readonly layers: number; readonly by: "frozen" | "detached" | "unlisted" } | null;
}

export type LossName =
  | "crossEntropy"
  | "weightedCrossEntropy"
  | "bce"
  | "mse"
  /** −t·log p − (1 − t)·log(1 − p) with p = hardSigmoid(z), which is exactly 0 or 1 beyond ±3. */
  | "logOfZero";

export interface TrainSpec {
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly momentum: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  readonly batch: number;
  readonly epochs: number;
  /** 0: none. */
  readonly clip: number;
  readonly schedule: "none" | "cosine" | "falling" | "warmup";
  readonly loss: LossName;
  /** Whether `fit` is given rows of its own to validate with. */
  readonly validation: boolean;
}

export interface RunSpec {
  readonly data: DataSpec;
  readonly net: NetSpec;
  readonly train: TrainSpec;
}

/** A run with some of its parts changed. */
export function change(
  run: RunSpec,
  parts: { data?: Partial<DataSpec>; net?: Partial<NetSpec>; train?: Partial<TrainSpec> },
): RunSpec {
  return {
    data: { ...run.data, ...parts.data },
    net: { ...run.net, ...parts.net },
    train: { ...run.train, ...parts.train },
  };
}

export const stepsOf = ({ data, train }: RunSpec): number => train.epochs * Math.ceil(data.rows / train.batch);

/** A run in a line, for those who read a list of them. */
export function describe({ data, net, train }: RunSpec): string {
  const { depth, width, activation, norm, residual, dropout } = net;
  const extras = [
    norm === "none" ? "" : `${norm} norm`,
    residual ? "residual" : "",
    dropout ? `dropout ${dropout}` : "",
    net.init.draw === "auto" ? "" : Object.values(net.init).map(short).join(" "),
  ].filter(Boolean);
  const classes = data.classes ? `, ${data.classes} classes` : "";
  return (
    `${data.kind} ${data.rows} rows${classes}; ${depth}×${width} ${[activation, ...extras].join(", ")}; ` +
    `${train.optimizer} ${short(train.lr)}, ${train.loss}, batch ${train.batch}, ${stepsOf({ data, net, train })} steps`
  );
}

const short = (x: string | number): string => (typeof x === "number" ? `${Number(x.toPrecision(3))}` : x);
