/** The training loop over a data set in memory: its options and their checks. */
import { DataSet } from "../data/index.js";
import { checkFlag, checkGenerator } from "../data/options.js";
import { checkNumber, checkOptions, checkSignal, fail, show } from "../error.js";
import type { Finding } from "../health/finding.js";
import { Module } from "../nn/module.js";
import type { Generator } from "../ops/random.js";
import { checkStepOptions, type StepOptions, stepOptionNames, stepOptionsOf } from "../optim/clip.js";
import { Optimizer } from "../optim/index.js";
import { claim } from "../optim/optimizer.js";
import type { Schedule } from "../optim/schedule.js";
import type { Tensor } from "../tensor.js";
import type { EpochRecord, History, Progress } from "./history.js";
import { Loop } from "./loop.js";
import type { Metrics } from "./metric.js";

export interface FitOptions extends StepOptions {
  /** From output and y to a scalar that is a mean over the batch, e.g. `nn.crossEntropy`. */
  loss: (output: Tensor, target: Tensor) => Tensor;
  optimizer: Optimizer;
  /** Rows per step, 32 unless told. */
  batchSize?: number;
  /** Times over the data, 1 unless told. */
  epochs?: number;
  /** Rows in new order each epoch, true unless told. */
  shuffle?: boolean;
  /** Leaves out a last smaller batch, false unless told. */
  dropLast?: boolean;
  /** Evaluated after each epoch. */
  validation?: DataSet;
  metrics?: Metrics;
  /** Factor on the optimizer's learning rate at each step. */
  schedule?: Schedule;
  /** Of the shuffles; the default one unless told. */
  generator?: Generator;
  /** Stops within a step; the model is left as after a whole step. */
  signal?: AbortSignal;
  /** Called at most every `progressMs` and after each epoch. */
  onProgress?: (progress: Progress) => void;
  /** 100 unless told. */
  progressMs?: number;
  /** Called after each epoch; returning false ends the run. May freeze layers and change rates. */
  onEpoch?: (record: EpochRecord) => unknown;
  /** Watches the run and says what keeps it from learning, in `history.health`; true stands for all defaults. */
  health?: boolean | HealthOptions;
}

/** How a run is watched. */
export interface HealthOptions {
  /**
   * Steps from one look to the next. Unless told, a twentieth of the run if it is to be repaired, else a tenth to a fifth, by what
   * a look costs beside a step, counted rather than timed; at least 10.
   */
  every?: number;
  /**
   * `suggest` (default): findings name their repairs; `auto`: a fault sets the run back to where it was healthy, and the first
   * repair that helps in a short trial stays.
   */
  repair?: "suggest" | "auto";
  /** Whether looks count how activations and gradients are spread; false. */
  histograms?: boolean;
  /** Called with each finding as it is made. */
  onFinding?: (finding: Finding) => void;
  /** Folder for TensorBoard's event files. */
  tensorboard?: string;
}

const optionNames = [
  "loss",
  "optimizer",
  "batchSize",
  "epochs",
  "shuffle",
  "dropLast",
  "validation",
  "metrics",
  "schedule",
  "generator",
  "signal",
  "onProgress",
  "progressMs",
  "onEpoch",
  "health",
  ...stepOptionNames,
] as const;

function checkHealth(health: unknown): void {
  if (health === undefined || typeof health === "boolean") return;
  if (typeof health !== "object" || health === null)
    fail("fit", `health must be true, false or options, got ${show(health)}`);
  checkOptions("fit", health, ["every", "repair", "histograms", "onFinding", "tensorboard"]);
  const { every, repair, histograms, onFinding, tensorboard } = health as Record<string, unknown>;
  if (every !== undefined) checkNumber("fit", "health.every", every, { min: 1, integer: true });
  if (repair !== undefined && repair !== "suggest" && repair !== "auto")
    fail("fit", `health.repair must be "suggest" or "auto", got ${show(repair)}`);
  if (histograms !== undefined) checkFlag("fit", "health.histograms", histograms);
  if (onFinding !== undefined && typeof onFinding !== "function")
    fail("fit", `health.onFinding must be a function, got ${show(onFinding)}`);
  if (tensorboard !== undefined && typeof tensorboard !== "string")
    fail("fit", `health.tensorboard must be the path of a folder, got ${show(tensorboard)}`);
}

function check(model: Module, set: DataSet, options: FitOptions): void {
  if (!(model instanceof Module)) fail("fit", `model must be a module, got ${show(model)}`);
  if (!(set instanceof DataSet)) fail("fit", `set must be a data set, got ${show(set)}. Use data.fromArrays`);
  if (typeof options !== "object" || options === null)
    fail("fit", `wants options { loss, optimizer, … }, got ${show(options)}`);
  const { batchSize = 32, epochs = 1, progressMs = 100, validation, loss, optimizer, schedule } = options;
  checkOptions("fit", options, optionNames);
  checkStepOptions("fit", stepOptionsOf(options));
  if (typeof loss !== "function")
    fail("fit", `loss must be a function of (output, target), got ${show(loss)}. Use e.g. nn.crossEntropy`);
  if (!(optimizer instanceof Optimizer))
    fail("fit", `optimizer must be an optimizer, got ${show(optimizer)}. Use e.g. new optim.SGD(…)`);
  if (validation !== undefined && !(validation instanceof DataSet))
    fail("fit", `validation must be a data set, got ${show(validation)}`);
  if (schedule !== undefined && typeof schedule !== "function")
    fail("fit", `schedule must be a function of the step, got ${show(schedule)}`);
  checkSignal("fit", options.signal);
  checkHealth(options.health);
  checkGenerator("fit", options.generator);
  for (const name of ["onEpoch", "onProgress"] as const) {
    if (options[name] !== undefined && typeof options[name] !== "function")
      fail("fit", `${name} must be a function, got ${show(options[name])}`);
  }
  for (const name of ["shuffle", "dropLast"] as const)
    if (options[name] !== undefined) checkFlag("fit", name, options[name]);
  checkNumber("fit", "batchSize", batchSize, { min: 1, integer: true });
  checkNumber("fit", "epochs", epochs, { min: 1, integer: true });
  checkNumber("fit", "progressMs", progressMs, { min: 0 });
  if (batchSize > set.size)
    fail("fit", `batchSize must be at most the ${set.size} rows of the data set, got ${batchSize}. Use a smaller one`);
}

/**
 * Trains a model. Runs off the event loop; many steps go in one native call.
 * @throws if data or options are wrong; the signal's reason when aborted; under `nonFinite: "throw"` (the default) when
 * a loss or gradient is not finite. In each case the model is as after its last whole step.
 * @example
 * const history = await fit(model, train, { loss: nn.crossEntropy, optimizer, clipGradNorm: 1, batchSize: 64, epochs: 5 });
 * history.epochs.at(-1)?.loss;
 */
export async function fit(model: Module, set: DataSet, options: FitOptions): Promise<History> {
  check(model, set, options);
  options.signal?.throwIfAborted();
  const own = model.parameters(); // names them for messages, too
  const { params } = options.optimizer;
  if (!own.some((p) => params.includes(p))) {
    fail("fit", "optimizer must have parameters of the model, got none of them. Make it with model.parameters()");
  }
  const release = claim("fit", params);
  try {
    await set.check();
    await options.validation?.check();
    return await new Loop(model, set, options).run();
  } finally {
    options.optimizer.lrFactor = 1;
    release();
  }
}
