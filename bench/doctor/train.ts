/** One run of the zoo, and what it scores. */
import { EvengradError } from "../../lib/error.js";
import type * as nn from "../../lib/nn/index.js";
import { seed as startAt } from "../../lib/ops/index.js";
import type { Optimizer } from "../../lib/optim/index.js";
import type { Tensor, Variable } from "../../lib/tensor.js";
import { evaluate, type FitOptions, fit, type History } from "../../lib/train/index.js";
import { type RunSets, setsOf } from "./data.js";
import { lossOf, metricOf, networkOf, optimizerOf, scheduleOf } from "./model.js";
import type { RunSpec } from "./spec.js";

/** A run before its first step. */
export interface Prepared {
  readonly run: RunSpec;
  readonly model: nn.Sequential;
  readonly trained: readonly Variable[];
  readonly optimizer: Optimizer;
  readonly loss: (output: Tensor, target: Tensor) => Tensor;
  readonly sets: RunSets;
  /** What `fit` is given. */
  readonly options: FitOptions;
}

/** The rows of the latest runs: a fault, its seeds and its repaired run mostly share them. */
const recent = new Map<string, Promise<RunSets>>();

function setsFor({ data, train }: RunSpec): Promise<RunSets> {
  const key = JSON.stringify([data, train.loss]);
  const sets = recent.get(key) ?? setsOf(data, train.loss);
  recent.delete(key);
  recent.set(key, sets);
  for (const old of [...recent.keys()].slice(0, -4)) recent.delete(old);
  return sets;
}

/** Makes a run ready; its weights, shuffles and masks come from the seed. */
export async function prepare(run: RunSpec, seed: number): Promise<Prepared> {
  const sets = await setsFor(run);
  startAt(seed);
  const { model, trained } = networkOf(run);
  const optimizer = optimizerOf(trained, run.train);
  const loss = lossOf(run);
  const { batch, epochs, clip, validation } = run.train;
  const options: FitOptions = {
    loss,
    optimizer,
    batchSize: batch,
    epochs,
    schedule: scheduleOf(run.train),
    ...(clip > 0 && { clipGradNorm: clip }),
    ...(validation && { validation: sets.validation }),
  };
  return { run, model, trained, optimizer, loss, sets, options };
}

/**
 * Test accuracy in percent, or 100·R² of a regression within [0, 100]. Without numbers that are finite, nothing is
 * known: that counts as a constant answer.
 */
export async function scoreOf({ run, model, sets }: Prepared): Promise<number> {
  const { metrics } = await evaluate(model, sets.test, { metrics: { value: metricOf(run) }, batchSize: 500 });
  if (run.data.classes > 0) return 100 * metrics.value;
  const explained = 1 - metrics.value / sets.variance;
  return Number.isFinite(explained) ? 100 * Math.min(1, Math.max(0, explained)) : 0;
}

/** What a run came to. */
export interface Outcome {
  readonly score: number;
  readonly ms: number;
  /** Steps made. */
  readonly steps: number;
  /** Why it ended early, if it did; its model is scored as it was left. */
  readonly error?: string;
}

/** A history, or what `fit` ended with: a step that was not finite, or a model that refuses its batch. */
export async function attempt(run: () => Promise<History>): Promise<{ history?: History; error?: string }> {
  try {
    return { history: await run() };
  } catch (error) {
    if (!(error instanceof EvengradError)) throw error;
    return { error: error.message };
  }
}

/** Trains a run with one seed as it stands. */
export async function train(run: RunSpec, seed: number): Promise<Outcome> {
  const prepared = await prepare(run, seed);
  const began = performance.now();
  const { history, error } = await attempt(() => fit(prepared.model, prepared.sets.train, prepared.options));
  const ms = Math.round(performance.now() - began);
  const steps = history?.losses.length ?? prepared.optimizer.steps;
  return { score: await scoreOf(prepared), ms, steps, ...(error !== undefined && { error }) };
}
