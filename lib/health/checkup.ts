/** A look at a model, its data, its loss and its optimizer before the first step. */
import { DataSet } from "../data/index.js";
import { checkFlag } from "../data/options.js";
import { checkNumber, checkOptions, checkSignal, fail, show } from "../error.js";
import { traceFor } from "../init/auto.js";
import { defaultLoss } from "../init/loss.js";
import { hessian } from "../init/spectrum.js";
import type { Structure } from "../init/structure.js";
import { checkModule, type Module } from "../nn/module.js";
import { Generator } from "../ops/index.js";
import { Optimizer } from "../optim/index.js";
import { showShape } from "../shape.js";
import { Tensor } from "../tensor.js";
import { withLines } from "./facts/called.js";
import { leakedShare } from "./facts/leak.js";
import { neighboursIn } from "./facts/neighbours.js";
import { noiseScale } from "./facts/noise.js";
import { varianceWithin } from "./facts/order.js";
import { rehearse } from "./facts/rehearsal.js";
import { type Sample, sampleOf } from "./facts/sample.js";
import { isSound, type StartFacts, startFacts, startView } from "./facts/start.js";
import { type Finding, findingsTable, ranked } from "./finding.js";
import { atStart } from "./rules/index.js";
import type { Plan } from "./rules/view.js";

/** What a checkup finds; as a string a table. */
export interface Checkup {
  /** Faults first, causes before what follows from them. */
  readonly findings: readonly Finding[];
  /** Whether there is no fault. */
  readonly healthy: boolean;
  toString(): string;
}

/** A batch, or a data set of which some rows count. */
export type CheckupSample = DataSet | { readonly x: Tensor; readonly y: Tensor };

/** Options of {@link checkup}. */
export interface CheckupOptions {
  /** From output and y to a scalar that is a mean over the batch. */
  loss: (output: Tensor, y: Tensor) => Tensor;
  /** With it, the learning rate is tried: some steps on the sample are made and taken back. */
  optimizer?: Optimizer;
  /** Rows per step. */
  batchSize?: number;
  /** Whether rows come in new order each epoch, true unless told; their order counts where they do not. */
  shuffle?: boolean;
  /** Rows that are kept for validation. */
  validation?: DataSet;
  /** Stops within a step of the rehearsal; nothing is changed then either. */
  signal?: AbortSignal;
}

/** Facts of a model before its first step, and its structure. */
export async function examine(
  op: string,
  model: Module,
  sample: Sample,
  options: Pick<CheckupOptions, "loss" | "optimizer">,
): Promise<{ facts: StartFacts; structure: Structure; loss: Tensor }> {
  const structure = traceFor(op, model, sample.x, "batch");
  const loss = defaultLoss(op, structure.output, { y: sample.y, loss: options.loss }, new Generator());
  return { facts: await startFacts(model, structure, sample, loss, options.optimizer), structure, loss };
}

function check(op: string, model: Module, sample: unknown, options: CheckupOptions): void {
  checkModule(op, "model", model);
  if (model.parameters().length === 0) fail(op, "the model must have parameters, got none. Is it built?");
  checkOptions(op, options, ["loss", "optimizer", "batchSize", "shuffle", "validation", "signal"]);
  if (typeof options?.loss !== "function")
    fail(op, `loss must be a function of (output, y), got ${show(options?.loss)}. Use e.g. nn.crossEntropy`);
  const { optimizer, batchSize, shuffle, validation } = options;
  if (optimizer !== undefined && !(optimizer instanceof Optimizer))
    fail(op, `optimizer must be an optimizer, got ${show(optimizer)}. Use e.g. new optim.SGD(…)`);
  if (batchSize !== undefined) checkNumber(op, "batchSize", batchSize, { min: 1, integer: true });
  if (shuffle !== undefined) checkFlag(op, "shuffle", shuffle);
  if (validation !== undefined && !(validation instanceof DataSet))
    fail(op, `validation must be a data set, got ${show(validation)}`);
  checkSignal(op, options.signal);
  if (sample instanceof DataSet) return;
  const { x, y } = (sample ?? {}) as { x?: unknown; y?: unknown };
  if (!(x instanceof Tensor) || !(y instanceof Tensor))
    fail(op, `sample must be a data set or { x, y }, got ${show(sample)}`);
  if (x.rank === 0 || y.rank === 0 || x.shape[0] !== y.shape[0])
    fail(op, `x and y must have equally many rows, got ${showShape(x.shape)} and ${showShape(y.shape)}`);
  if (x.size === 0) fail(op, `sample must have at least one row, got ${showShape(x.shape)}`);
}

/** See `health.checkup`, which loads this. */
export async function checkup(model: Module, sample: CheckupSample, options: CheckupOptions): Promise<Checkup> {
  const op = "health.checkup";
  check(op, model, sample, options);
  const { optimizer, batchSize, shuffle = true, validation, signal } = options;
  signal?.throwIfAborted();
  const batch: Sample = sample instanceof DataSet ? sampleOf(sample) : sample;
  const { facts, structure, loss } = await examine(op, model, batch, options);
  const plan: Plan = {
    optimizer,
    batchSize,
    dropLast: false,
    steps: undefined,
    rows: sample instanceof DataSet ? sample.size : batch.x.shape[0],
    within: sample instanceof DataSet && !shuffle ? await varianceWithin(sample, batchSize ?? 32) : undefined,
    leaked: validation && sample instanceof DataSet ? await leakedShare(sample, validation) : undefined,
  };
  const sound = isSound(facts);
  const trainable = model.parameters().filter((p) => p.trainable);
  const { largest } =
    sound && trainable.length ? await hessian(loss, trainable, new Generator()) : { largest: undefined };
  const view = startView(facts, plan, {
    curvature: largest,
    noise: sound ? await noiseScale(() => structure.output, batch.y, options.loss, trainable) : undefined,
    neighbours: await neighboursIn(batch, facts.output.shape),
    rehearsal: sound && optimizer ? await rehearse(model, batch, options.loss, optimizer, signal) : undefined,
  });
  const findings = withLines(ranked(atStart(view)), model, batch.x);
  const healthy = !findings.some(({ severity }) => severity === "fault");
  const text = (): string => (findings.length ? findingsTable(findings) : "healthy: no findings");
  return Object.defineProperty({ findings, healthy }, "toString", { value: text, enumerable: false });
}
