/** The training loop over a data set in memory: traces a step once per batch size and replays it natively. */
import { DataSet } from "../data/index.js";
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { inMode, Module } from "../nn/module.js";
import type { Generator } from "../ops/random.js";
import { checkStepOptions, type StepOptions, stepOptionNames } from "../optim/clip.js";
import { Optimizer } from "../optim/index.js";
import type { Schedule } from "../optim/schedule.js";
import type { Tensor, Variable } from "../tensor.js";
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
  /** Called after each epoch; returning false ends the run. */
  onEpoch?: (record: EpochRecord) => unknown;
}

const optionNames = [
  "loss", "optimizer", "batchSize", "epochs", "shuffle", "dropLast", "validation", "metrics", "schedule", "generator",
  "signal", "onProgress", "progressMs", "onEpoch", ...stepOptionNames,
] as const;

function check(model: Module, set: DataSet, options: FitOptions): void {
  if (!(model instanceof Module)) fail("fit", `model must be a module, got ${show(model)}`);
  if (!(set instanceof DataSet)) fail("fit", `set must be a data set, got ${show(set)}. Use data.fromArrays`);
  if (typeof options !== "object" || options === null) fail("fit", `wants options { loss, optimizer, … }, got ${show(options)}`);
  const { batchSize = 32, epochs = 1, progressMs = 100, validation, loss, optimizer, schedule, ...rest } = options;
  checkOptions("fit", options, optionNames);
  const { clipGradNorm, clipGradValue, clipLayerNorm, nonFinite } = rest;
  checkStepOptions("fit", { clipGradNorm, clipGradValue, clipLayerNorm, nonFinite });
  if (typeof loss !== "function") fail("fit", `loss must be a function of (output, target), got ${show(loss)}. Use e.g. nn.crossEntropy`);
  if (!(optimizer instanceof Optimizer)) fail("fit", `optimizer must be an optimizer, got ${show(optimizer)}. Use e.g. new optim.SGD(…)`);
  if (validation !== undefined && !(validation instanceof DataSet)) fail("fit", `validation must be a data set, got ${show(validation)}`);
  if (schedule !== undefined && typeof schedule !== "function") fail("fit", `schedule must be a function of the step, got ${show(schedule)}`);
  checkNumber("fit", "batchSize", batchSize, { min: 1, integer: true });
  checkNumber("fit", "epochs", epochs, { min: 1, integer: true });
  checkNumber("fit", "progressMs", progressMs, { min: 0 });
  if (batchSize > set.size) fail("fit", `batchSize must be at most the ${set.size} rows of the data set, got ${batchSize}. Use a smaller one`);
}

/** Parameters that a run is training. */
const training = new WeakSet<Variable>();

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
  model.namedParameters(); // names the parameters for messages
  const { params } = options.optimizer;
  const busy = params.find((p) => training.has(p));
  if (busy) fail("fit", `parameter ${busy.label} is being trained by another fit. Await that one first`);
  for (const p of params) training.add(p);
  try {
    await set.check();
    await options.validation?.check();
    return await new Fit(model, set, options).run();
  } finally {
    options.optimizer.lrFactor = 1;
    for (const p of params) training.delete(p);
  }
}

/** One batch to come. */
interface Planned {
  readonly epoch: number;
  readonly indices: Int32Array;
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
    this.replay = new Replay(
      (indices) => {
        this.schedule();
        const { x, y } = set.batch(indices);
        const output = inMode(model, true, () => model.forward(x));
        const loss = asScalar("fit", "loss", options.loss(output, y));
        const { clipGradNorm, clipLayerNorm, clipGradValue, nonFinite } = options;
        const step = optimizer.graph(loss, { clipGradNorm, clipLayerNorm, clipGradValue, nonFinite });
        const metrics = this.metrics.map(([name, f]) => asScalar("fit", name, f(output, y)));
        const { norm, norms, fit } = step.outputs;
        return { outputs: [step.outputs.loss, norm, norms, fit, ...metrics], effects: step.effects };
      },
      () => {
        this.schedule();
        optimizer.advance();
      },
    );
  }

  private newTally(): EpochTally {
    return new EpochTally(this.metrics.map(([name]) => name));
  }

  private schedule(): void {
    const { schedule, optimizer } = this.options;
    if (schedule) optimizer.lrFactor = schedule(this.scheduled++, this.epochs * this.stepsPerEpoch);
  }

  /** Batches of all epochs, in order. */
  private *plan(): Generator_<Planned> {
    const { shuffle = true, generator } = this.options;
    for (let epoch = 1; epoch <= this.epochs; epoch++) {
      const order = this.set.order({ shuffle, generator });
      for (let step = 0; step < this.stepsPerEpoch; step++) {
        yield { epoch, indices: order.subarray(step * this.batchSize, Math.min(order.length, (step + 1) * this.batchSize)) };
      }
    }
  }

  async run(): Promise<History> {
    // Someone wants to look between epochs: then no call may run over the end of one.
    const { validation, onEpoch, signal, optimizer, nonFinite } = this.options;
    const pause = validation !== undefined || onEpoch !== undefined;
    const plan = this.plan();
    let next = plan.next();
    while (!next.done) {
      const call: Planned[] = [];
      for (const count = this.replay.suggested; !next.done && call.length < count; next = plan.next()) {
        const [first] = call;
        const { epoch, indices } = next.value;
        if (first && (first.indices.length !== indices.length || (pause && first.epoch !== epoch))) break;
        call.push(next.value);
      }
      const before = optimizer.steps;
      const rows = await this.replay.run(call.map((c) => c.indices), signal);
      const made = optimizer.steps - before;
      for (let i = 0; i < rows.steps; i++) {
        const result = optimizer.report(rows.outputs, i);
        if (result.skipped && (nonFinite ?? "throw") === "throw") {
          // The steps of this call after it changed nothing, so they do not count.
          optimizer.steps -= made - 1 - i;
          optimizer.settle(result, nonFinite, optimizer.steps);
        }
        if (!(await this.record(call[i], result, this.metricsOf(rows, i)))) return this.history("onEpoch");
      }
      if (rows.steps < call.length) {
        optimizer.steps -= call.length - rows.steps;
        throw signal?.reason ?? new Error("internal: a run ended early");
      }
      this.progress(call[call.length - 1].epoch);
    }
    return this.history("completed");
  }

  private metricsOf({ outputs }: Rows, row: number): number[] {
    return outputs.slice(4).map((values) => values[row]);
  }

  /** Books one step; false when `onEpoch` ends the run. */
  private async record(planned: Planned, result: Parameters<EpochTally["add"]>[1], metrics: readonly number[]): Promise<boolean> {
    this.losses.push(result.loss);
    this.gradNorms.push(result.gradNorm);
    this.tally.add(planned.indices.length, result, metrics);
    return this.tally.steps < this.stepsPerEpoch || this.endEpoch(planned.epoch);
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
    return (await onEpoch?.(record)) !== false;
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

type Generator_<T> = globalThis.Generator<T, void, undefined>;
