/** The steps of one run: traced once per batch size, replayed natively, recorded, and able to go back. */
import type { Batch, DataSet } from "../data/index.js";
import type { TypedArray } from "../dtype.js";
import { checkNumber, EvengradError } from "../error.js";
import { inMode, type Module } from "../nn/module.js";
import { type LayerTrace, traceLayers } from "../nn/trace.js";
import { defaultGenerator, type Generator } from "../ops/random.js";
import { stepOptionsOf } from "../optim/clip.js";
import { initialize } from "../run/index.js";
import { Constant, type Tensor, type Variable } from "../tensor.js";
import { evaluate } from "./evaluate.js";
import type { FitOptions } from "./fit.js";
import { type EpochRecord, EpochTally, type History } from "./history.js";
import { asScalar, namedMetrics } from "./metric.js";
import { type Observer, observerOf } from "./observer.js";
import { type BatchGraph, Replay, type Rows } from "./replay.js";

/** Where a run stood, with everything that a step can change. */
export interface Checkpoint {
  readonly at: number;
  readonly values: ReadonlyMap<Variable, TypedArray>;
  readonly optimizerSteps: number;
  readonly lrFactor: number;
  readonly generators: readonly ReturnType<Generator["state"]>[];
  readonly order: Int32Array;
  readonly scheduled: number;
  readonly tally: EpochTally;
  readonly losses: readonly number[];
  readonly gradNorms: readonly number[];
  readonly records: readonly EpochRecord[];
}

/** A run of `fit`. */
export class Loop {
  /** Steps made. */
  at = 0;
  losses: number[] = [];
  gradNorms: number[] = [];
  records: EpochRecord[] = [];
  private readonly metrics;
  private readonly generators: readonly Generator[];
  private readonly began = performance.now();
  private readonly replay: Replay;
  private observer: Observer | undefined;
  private tally: EpochTally;
  private reported = Number.NEGATIVE_INFINITY;
  private scheduled = 0;
  private order: Int32Array = new Int32Array(0);
  private ended: "health" | "onEpoch" | undefined;

  constructor(
    readonly model: Module,
    public set: DataSet,
    public options: FitOptions,
  ) {
    const { generator } = options;
    this.metrics = namedMetrics("fit", options.metrics);
    this.tally = this.newTally();
    this.generators = [defaultGenerator, ...(generator ? [generator] : [])];
    const advance = (): void => {
      this.schedule();
      this.options.optimizer.advance();
    };
    this.replay = new Replay((indices) => this.step(indices), advance, this.generators);
  }

  /** The graph of one step, and beside it what an observer wants to know. */
  private step(indices: Tensor): BatchGraph {
    this.schedule();
    const { model, options, observer } = this;
    const { x, y } = this.set.batch(indices);
    const traced: LayerTrace | undefined = observer && traceLayers(model, x, "training");
    const output = traced?.output ?? inMode(model, true, () => model.forward(x));
    const loss = asScalar("fit", "loss", options.loss(output, y));
    const step = options.optimizer.graph(loss, stepOptionsOf(options));
    const metrics = this.metrics.map(([name, f]) => asScalar("fit", name, f(output, y)));
    const { norm, norms, fit } = step.outputs;
    return {
      outputs: [step.outputs.loss, norm, norms, fit, ...metrics],
      effects: step.effects,
      ...(observer && traced && { beside: () => observer.instrument({ x, y, trace: traced, loss, step }) }),
    };
  }

  private newTally(): EpochTally {
    return new EpochTally(this.metrics.map(([name]) => name));
  }

  private schedule(): void {
    const { schedule, optimizer } = this.options;
    const at = this.scheduled++; // also while there is none: a repair may bring one
    if (!schedule) return;
    const factor = schedule(at, this.total);
    checkNumber("fit", `schedule's factor at step ${at}`, factor, { min: 0, max: 3.4e38 });
    optimizer.lrFactor = factor;
  }

  private get batchSize(): number {
    return this.options.batchSize ?? 32;
  }

  private get epochs(): number {
    return this.options.epochs ?? 1;
  }

  get stepsPerEpoch(): number {
    const batches = this.set.size / this.batchSize;
    return this.options.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  get total(): number {
    return this.epochs * this.stepsPerEpoch;
  }

  epochOf(step: number): number {
    return Math.floor(step / this.stepsPerEpoch) + 1;
  }

  /** The rows of a step counted over all epochs, from 0. An epoch's order is drawn with its first step, as in a loop. */
  private batch(step: number): Int32Array {
    const { shuffle = true, generator } = this.options;
    const at = step % this.stepsPerEpoch;
    if (at === 0) this.order = this.set.order({ shuffle, generator });
    return this.order.subarray(at * this.batchSize, Math.min(this.order.length, (at + 1) * this.batchSize));
  }

  /** The batch of the step at hand; no stream draws. */
  here(): Batch {
    const { order, generators } = this;
    const stood = generators.map((g) => g.state());
    const rows = this.batch(this.at);
    for (const [i, generator] of generators.entries()) generator.restore(stood[i]);
    this.order = order;
    return this.set.batch(new Constant(rows, [rows.length], "i32"));
  }

  /** How many steps from here on a call can make: batches of one size, and none over an end at which someone looks. */
  private get callable(): number {
    const { validation, onEpoch } = this.options;
    const left = this.stepsPerEpoch - (this.at % this.stepsPerEpoch);
    if (this.stepsPerEpoch * this.batchSize > this.set.size) return left === 1 ? 1 : left - 1;
    return validation || onEpoch ? left : this.total - this.at;
  }

  /** Makes all steps. */
  async run(): Promise<History> {
    this.observer = await observerOf(this);
    try {
      await this.observer?.begin();
      do {
        await this.advanceTo(this.total);
        await this.observer?.end();
      } while (this.at < this.total && !this.ended);
    } catch (error) {
      const { observer } = this;
      if (observer && error instanceof EvengradError) Object.assign(error, { health: observer.record() });
      await observer?.close(this.history());
      throw error;
    }
    const history = this.history();
    await this.observer?.close(history);
    return history;
  }

  private history(): History {
    const { records, losses, gradNorms, began, ended, observer } = this;
    const seconds = (performance.now() - began) / 1000;
    const stopped = ended ?? "completed";
    const { memory } = this.replay;
    return {
      ...{ epochs: records, losses, gradNorms, seconds, stopped },
      ...(memory && { memory }),
      ...(observer && { health: observer.record() }),
    };
  }

  /** Makes steps up to one; an observer may set the run back meanwhile. */
  async advanceTo(step: number): Promise<void> {
    while (this.at < step && !this.ended) {
      try {
        await this.call(step);
      } catch (error) {
        const failed = error instanceof EvengradError && error.op === "optimizer.step";
        if (!failed || !(await this.observer?.failed(error))) throw error;
      }
    }
  }

  /** One native call of some steps. */
  private async call(until: number): Promise<void> {
    const { signal, optimizer } = this.options;
    const from = this.at;
    const next = this.observer?.next(from) ?? Infinity;
    const looked = next === from;
    const { replay } = this;
    const count = looked ? 1 : Math.min(replay.suggested, this.callable, until - from, next - from);
    if (looked) this.observer?.before();
    const before = optimizer.steps;
    const began = performance.now();
    let batch = from;
    let rows: Rows;
    try {
      rows = await replay.run(count, () => this.batch(batch++), signal, looked);
    } catch (error) {
      // The steps of the call before the one that failed were made.
      const made = error instanceof EvengradError ? (error.step ?? 0) : 0;
      optimizer.rewind(optimizer.steps - before - made);
      replay.undo(made + 1);
      throw error;
    }
    const stepMs = (performance.now() - began) / rows.steps;
    for (let i = 0; i < rows.steps; i++) {
      this.record(stepMs, rows, i, count);
      if (looked) await this.observer?.see(rows.outputs.slice(4 + this.metrics.length));
      if (this.at !== from + i + 1) return; // set back
      if (this.at % this.stepsPerEpoch > 0) continue;
      await this.endEpoch(this.epochOf(from + i));
      if (this.ended || this.at !== from + i + 1) return;
    }
    if (rows.steps < count) {
      optimizer.rewind(count - rows.steps);
      replay.undo(rows.steps);
      throw signal?.reason ?? new Error("internal: a run ended early");
    }
    this.progress(this.epochOf(this.at - 1));
  }

  /** Books one step of a call. Runs for every step of a fast network, so it makes nothing that it need not. */
  private record(ms: number, rows: Rows, row: number, count: number): void {
    const [losses, norms, , fit, ...metrics] = rows.outputs;
    const skipped = fit[row] === 0;
    if (skipped) this.settle(rows, row, count);
    this.losses.push(losses[row]);
    this.gradNorms.push(norms[row]);
    const size = Math.min(this.batchSize, this.set.size - (this.at % this.stepsPerEpoch) * this.batchSize);
    this.tally.add(size, ms, { loss: losses[row], gradNorm: norms[row], skipped }, metrics, row);
    this.at++;
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

  private async endEpoch(epoch: number): Promise<void> {
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
    const { at } = this;
    await this.observer?.epochEnded(record);
    if (this.at !== at || !onEpoch) return;
    if ((await onEpoch(record)) === false) this.ended = "onEpoch";
    this.replay.forget(); // it may have frozen a layer, say
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
      secondsLeft: (elapsed / done) * (this.total - done),
    });
  }

  /**
   * Makes steps that nobody sees: no observer, no callback, no validation.
   * @param rows to train on meanwhile, instead of the run's own
   */
  async unwatched(steps: () => Promise<void>, rows = this.set): Promise<void> {
    const { observer, options, set } = this;
    const { validation, onEpoch, onProgress } = options;
    this.observer = undefined;
    this.options = { ...options, validation: undefined, onEpoch: undefined, onProgress: undefined };
    this.use(rows);
    try {
      await steps();
    } finally {
      this.observer = observer;
      this.options = { ...this.options, validation, onEpoch, onProgress };
      this.use(set);
    }
  }

  private use(rows: DataSet): void {
    if (rows === this.set) return;
    this.set = rows;
    this.replay.forget();
  }

  /** Uses other options, and a model that was changed, from the next step on. */
  change(options: Partial<FitOptions>): void {
    this.options = { ...this.options, ...options };
    this.replay.forget();
  }

  /** Ends the run where it stands. */
  end(): void {
    this.ended = "health";
  }

  /** Everything that a step can change, as it is now. */
  async save(): Promise<Checkpoint> {
    const variables = [...this.model.namedVariables().map(([, v]) => v), ...this.options.optimizer.variables()];
    await initialize(variables);
    const { at, order, scheduled, tally, records, losses, gradNorms, generators, options } = this;
    return {
      at,
      values: new Map(variables.map((v) => [v, (v.storage as TypedArray).slice()])),
      optimizerSteps: options.optimizer.steps,
      lrFactor: options.optimizer.lrFactor,
      generators: generators.map((g) => g.state()),
      order,
      scheduled,
      tally: tally.copy(),
      losses: losses.slice(),
      gradNorms: gradNorms.slice(),
      records: records.slice(),
    };
  }

  /** Goes back to where the run stood; what was recorded since is dropped. */
  restore(to: Checkpoint): void {
    for (const [variable, values] of to.values) variable.storage?.set(values);
    this.options.optimizer.steps = to.optimizerSteps;
    this.options.optimizer.lrFactor = to.lrFactor; // a schedule that is taken away sets it no more
    for (const [i, generator] of this.generators.entries()) generator.restore(to.generators[i]);
    this.at = to.at;
    this.order = to.order;
    this.scheduled = to.scheduled;
    this.tally = to.tally.copy();
    this.records = to.records.slice();
    this.losses = to.losses.slice();
    this.gradNorms = to.gradNorms.slice();
    this.ended = undefined;
  }
}
