/** The training loop over a data set in memory: traces a step once per batch size and replays it natively. */
import { DataSet } from "../data/index.js";
import { checkFlag, checkGenerator } from "../data/options.js";
import { checkNumber, checkOptions, checkSignal, EvengradError, fail, show } from "../error.js";
import { inMode, Module } from "../nn/module.js";
import { defaultGenerator, type Generator } from "../ops/random.js";
import { checkStepOptions, type StepOptions, stepOptionNames } from "../optim/clip.js";
import { Optimizer } from "../optim/index.js";
import { claim } from "../optim/optimizer.js";
import type { Schedule } from "../optim/schedule.js";
import type { Tensor } from "../tensor.js";
import { evaluate } from "./evaluate.js";
import { type EpochRecord, EpochTally, type History, type Progress } from "./history.js";
import { asScalar, type Metrics, namedMetrics } from "./metric.js";
import { Replay, type Rows } from "./replay.js";

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
  ...stepOptionNames,
] as const;

function check(model: Module, set: DataSet, options: FitOptions): void {
  if (!(model instanceof Module)) fail("fit", `model must be a module, got ${show(model)}`);
  if (!(set instanceof DataSet)) fail("fit", `set must be a data set, got ${show(set)}. Use data.fromArrays`);
  if (typeof options !== "object" || options === null)
    fail("fit", `wants options { loss, optimizer, … }, got ${show(options)}`);
  const { batchSize = 32, epochs = 1, progressMs = 100, validation, loss, optimizer, schedule, ...rest } = options;
  checkOptions("fit", options, optionNames);
  const { clipGradNorm, clipGradValue, clipLayerNorm, nonFinite } = rest;
  checkStepOptions("fit", { clipGradNorm, clipGradValue, clipLayerNorm, nonFinite });
  if (typeof loss !== "function")
    fail("fit", `loss must be a function of (output, target), got ${show(loss)}. Use e.g. nn.crossEntropy`);
  if (!(optimizer instanceof Optimizer))
    fail("fit", `optimizer must be an optimizer, got ${show(optimizer)}. Use e.g. new optim.SGD(…)`);
  if (validation !== undefined && !(validation instanceof DataSet))
    fail("fit", `validation must be a data set, got ${show(validation)}`);
  if (schedule !== undefined && typeof schedule !== "function")
    fail("fit", `schedule must be a function of the step, got ${show(schedule)}`);
  checkSignal("fit", options.signal);
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
    return await new Fit(model, set, options).run();
  } finally {
    options.optimizer.lrFactor = 1;
    release();
  }
}

class Fit {
  private readonly metrics;
  private readonly replay: Replay;
  private readonly batchSize: number;
  private readonly epochs: number;
  private readonly stepsPerEpoch: number;
  private readonly records: EpochRecord[] = [];
  private readonly losses: number[] = [];
  private readonly gradNorms: number[] = [];
  private readonly began = performance.now();
  private tally: EpochTally;
  private reported = Number.NEGATIVE_INFINITY;
  private scheduled = 0;
  private order: Int32Array = new Int32Array(0);

  constructor(
    private readonly model: Module,
    private readonly set: DataSet,
    private readonly options: FitOptions,
  ) {
    const { batchSize = 32, epochs = 1, dropLast = false, optimizer } = options;
    this.batchSize = batchSize;
    this.epochs = epochs;
    this.stepsPerEpoch = dropLast ? Math.floor(set.size / batchSize) : Math.ceil(set.size / batchSize);
    this.metrics = namedMetrics("fit", options.metrics);
    this.tally = this.newTally();
    this.replay = new Replay((indices) => {
      this.schedule();
      const { x, y } = set.batch(indices);
      const output = inMode(model, true, () => model.forward(x));
      const loss = asScalar("fit", "loss", options.loss(output, y));
      const { clipGradNorm, clipLayerNorm, clipGradValue, nonFinite } = options;
      const step = optimizer.graph(loss, { clipGradNorm, clipLayerNorm, clipGradValue, nonFinite });
      const metrics = this.metrics.map(([name, f]) => asScalar("fit", name, f(output, y)));
      const { norm, norms, fit } = step.outputs;
      return { outputs: [step.outputs.loss, norm, norms, fit, ...metrics], effects: step.effects };
    }, () => {
      this.schedule();
      optimizer.advance();
    }, [defaultGenerator, ...(options.generator ? [options.generator] : [])]);
  }

  private newTally(): EpochTally {
    return new EpochTally(this.metrics.map(([name]) => name));
  }

  private schedule(): void {
    const { schedule, optimizer } = this.options;
    if (!schedule) return;
    const factor = schedule(this.scheduled, this.epochs * this.stepsPerEpoch);
    checkNumber("fit", `schedule's factor at step ${this.scheduled}`, factor, { min: 0, max: 3.4e38 });
    this.scheduled++;
    optimizer.lrFactor = factor;
  }

  private epochOf(step: number): number {
    return Math.floor(step / this.stepsPerEpoch) + 1;
  }

  /** The rows of a step counted over all epochs, from 0. An epoch's order is drawn with its first step, as in a loop. */
  private batch(step: number): Int32Array {
    const { shuffle = true, generator } = this.options;
    const at = step % this.stepsPerEpoch;
    if (at === 0) this.order = this.set.order({ shuffle, generator });
    return this.order.subarray(at * this.batchSize, Math.min(this.order.length, (at + 1) * this.batchSize));
  }

  /** How many steps from one on a call can make: batches of one size, and none over an end at which someone looks. */
  private callFrom(step: number): number {
    const { validation, onEpoch } = this.options;
    const left = this.stepsPerEpoch - (step % this.stepsPerEpoch);
    if (this.stepsPerEpoch * this.batchSize > this.set.size) return left === 1 ? 1 : left - 1;
    return validation || onEpoch ? left : this.epochs * this.stepsPerEpoch - step;
  }

  async run(): Promise<History> {
    const { signal, optimizer } = this.options;
    const total = this.epochs * this.stepsPerEpoch;
    for (let at = 0; at < total; ) {
      const count = Math.min(this.replay.suggested, this.callFrom(at));
      const before = optimizer.steps;
      const began = performance.now();
      let next = at;
      let rows: Rows;
      try {
        rows = await this.replay.run(count, () => this.batch(next++), signal);
      } catch (error) {
        // The steps of the call before the one that failed were made.
        const made = error instanceof EvengradError ? (error.step ?? 0) : 0;
        optimizer.rewind(optimizer.steps - before - made);
        this.replay.undo(made + 1);
        throw error;
      }
      const stepMs = (performance.now() - began) / rows.steps;
      for (let i = 0; i < rows.steps; i++) {
        this.record(at + i, stepMs, rows, i, count);
        if (this.tally.steps < this.stepsPerEpoch) continue;
        if (!(await this.endEpoch(this.epochOf(at + i)))) return this.history("onEpoch");
      }
      if (rows.steps < count) {
        optimizer.rewind(count - rows.steps);
        this.replay.undo(rows.steps);
        throw signal?.reason ?? new Error("internal: a run ended early");
      }
      at += count;
      this.progress(this.epochOf(at - 1));
    }
    return this.history("completed");
  }

  /** Books one step of a call. Runs for every step of a fast network, so it makes nothing that it need not. */
  private record(step: number, ms: number, rows: Rows, row: number, count: number): void {
    const [losses, norms, , fit, ...metrics] = rows.outputs;
    const skipped = fit[row] === 0;
    if (skipped) this.settle(rows, row, count);
    this.losses.push(losses[row]);
    this.gradNorms.push(norms[row]);
    const size = Math.min(this.batchSize, this.set.size - (step % this.stepsPerEpoch) * this.batchSize);
    this.tally.add(size, ms, { loss: losses[row], gradNorm: norms[row], skipped }, metrics, row);
  }

  /** Throws for a step that was not finite, if that is the policy. */
  private settle(rows: Rows, row: number, count: number): void {
    const { optimizer, nonFinite } = this.options;
    try {
      optimizer.settle(optimizer.report(rows.outputs, row), nonFinite, optimizer.steps - count + row + 1);
    } catch (error) {
      optimizer.rewind(count - row); // those after it changed nothing either
      this.replay.undo(row + 1);
      throw error;
    }
  }

  private async endEpoch(epoch: number): Promise<boolean> {
    const { validation, loss, signal, onEpoch } = this.options;
    const { steps, skipped } = this.tally;
    const means = this.tally.means();
    this.progress(epoch, true);
    const metrics = Object.fromEntries(this.metrics);
    const judged = validation && (await evaluate(this.model, validation, { loss, metrics, signal }));
    const record: EpochRecord = {
      epoch,
      steps,
      skipped,
      ...means,
      ...(judged && { validation: { loss: judged.loss, metrics: judged.metrics } }),
    };
    this.records.push(record);
    this.tally = this.newTally();
    if (!onEpoch) return true;
    const goOn = (await onEpoch(record)) !== false;
    this.replay.forget(); // it may have frozen a layer, say
    return goOn;
  }

  private progress(epoch: number, now = false): void {
    const { onProgress, progressMs = 100 } = this.options;
    if (!onProgress || this.tally.steps === 0 || (!now && performance.now() - this.reported < progressMs)) return;
    this.reported = performance.now();
    const { loss, metrics, samplesPerSecond } = this.tally.means();
    const done = (epoch - 1) * this.stepsPerEpoch + this.tally.steps;
    const elapsed = (performance.now() - this.began) / 1000;
    onProgress({
      epoch,
      epochs: this.epochs,
      step: this.tally.steps,
      stepsPerEpoch: this.stepsPerEpoch,
      loss,
      metrics,
      gradNorm: this.tally.lastNorm,
      samplesPerSecond,
      secondsLeft: (elapsed / done) * (this.epochs * this.stepsPerEpoch - done),
    });
  }

  private history(stopped: History["stopped"]): History {
    const { records, losses, gradNorms, began } = this;
    return { epochs: records, losses, gradNorms, seconds: (performance.now() - began) / 1000, stopped };
  }
}
