/** Random search over repairs: how well a run could do, and what chance finds with the doctor's budget of steps. */
import type { RepairName } from "../../lib/health/finding.js";
import { evaluate, fit } from "../../lib/train/index.js";
import { meanOf } from "../experiments/verdict.js";
import { Random } from "./random.js";
import { activations, change, type RunSpec, stepsOf } from "./spec.js";
import { attempt, prepare, train } from "./train.js";

/** As many steps, of more rows each. */
function largerBatch(run: RunSpec, batch: number): RunSpec {
  if (run.train.batch >= batch || run.data.rows < batch) return run;
  const epochs = Math.max(1, Math.round(stepsOf(run) / Math.ceil(run.data.rows / batch)));
  return change(run, { train: { batch, epochs } });
}

/** What the doctor's repairs do, done to the run as it is written; those that act within a run have no place here. */
export const repairs: Partial<Record<RepairName, (run: RunSpec, random: Random) => RunSpec>> = {
  adaptiveOptimizer: (run) => change(run, { train: { optimizer: "adam", lr: 0.003, betas: [0.9, 0.999], eps: 1e-8 } }),
  classWeights: (run) =>
    run.train.loss === "crossEntropy" ? change(run, { train: { loss: "weightedCrossEntropy" } }) : run,
  clip: (run) => change(run, { train: { clip: 1 } }),
  dropout: (run) => change(run, { net: { dropout: Math.max(0.2, run.net.dropout) } }),
  // Rows are in random order: those that a last smaller batch would hold can as well be left out for good.
  dropLast: (run) => change(run, { data: { rows: run.data.rows - (run.data.rows % run.train.batch) } }),
  dropActivation: (run) => change(run, { net: { head: "none" } }),
  insertActivation: (run) => (run.net.activation === "none" ? change(run, { net: { activation: "relu" } }) : run),
  largerBatch: (run) => largerBatch(run, 32),
  lowerRate: (run) => change(run, { train: { lr: run.train.lr / 10 } }),
  normalize: (run) => change(run, { net: { norm: "batch" } }),
  layerNorm: (run) => change(run, { net: { norm: "layer" } }),
  raiseRate: (run) => {
    const { lr, schedule } = run.train;
    return change(run, { train: { lr: lr * 10, schedule: schedule === "none" ? "falling" : schedule } });
  },
  reinitialize: (run) => change(run, { net: { init: { draw: "auto" }, bias: 0 } }),
  replaceActivation: (run, random) => change(run, { net: { activation: random.pick(activations) } }),
  rescaleInputs: (run) => change(run, { data: { scale: 1, offset: 0 } }),
  rescaleOutputs: (run) => change(run, { data: { targetScale: 1 } }),
  residual: (run) => change(run, { net: { residual: true } }),
  stopEarly: (run) => change(run, { train: { epochs: Math.max(1, Math.round(run.train.epochs / 3)) } }),
  usualMemory: (run) =>
    change(run, { train: { momentum: Math.min(0.9, run.train.momentum), betas: [0.9, 0.999], eps: 1e-8 } }),
  warmUp: (run) => change(run, { train: { schedule: "warmup" } }),
  weakerDropout: (run) => change(run, { net: { dropout: Math.min(0.1, run.net.dropout) } }),
  weakerDecay: (run) => change(run, { train: { weightDecay: run.train.weightDecay / 100 } }),
  weightDecay: (run) => change(run, { train: { weightDecay: 0.01 } }),
};

/** A run with one or two repairs, chosen by chance. */
function candidate(run: RunSpec, random: Random): { run: RunSpec; names: string[] } {
  const all = Object.entries(repairs);
  const chosen = random
    .permutation(all.length)
    .slice(0, random.integer(1, 2))
    .map((i) => all[i]);
  return { run: chosen.reduce((now, [, repair]) => repair(now, random), run), names: chosen.map(([name]) => name) };
}

/** How many chance repairs a healthy run is held against, and over how many seeds the best of them. */
const tries = 5;
export const seeds = [1, 2, 3] as const;

/** The mean score, over the seeds, of the best of some chance repairs; it is chosen by the first seed. */
export async function bestByChance(run: RunSpec, name: string): Promise<{ score: number; names: string[] }> {
  const random = new Random(`${name}/best`);
  let best = { score: -1, names: [] as string[], run };
  for (let i = 0; i < tries; i++) {
    const { run: changed, names } = candidate(run, random);
    const { score } = await train(changed, seeds[0]);
    if (score > best.score) best = { score, names, run: changed };
  }
  const rest: number[] = [];
  for (const seed of seeds.slice(1)) rest.push((await train(best.run, seed)).score);
  return { score: meanOf([best.score, ...rest]), names: best.names };
}

/** The loss over the first training rows after some steps of a run. */
async function trialLoss(run: RunSpec, seed: number, steps: number): Promise<number> {
  const { model, sets, options } = await prepare(run, seed);
  const rows = sets.train.order({ shuffle: true });
  const wanted = Array.from({ length: steps * run.train.batch }, (_, i) => rows[i % rows.length]);
  const { validation: _, ...rest } = options;
  const { error } = await attempt(() => fit(model, sets.train.rows(wanted), { ...rest, epochs: 1 }));
  if (error !== undefined) return Infinity;
  const { loss } = await evaluate(model, sets.train.take(Math.min(256, sets.train.size)), { loss: options.loss });
  return Number.isFinite(loss) ? loss : Infinity;
}

/** What a search came to. */
export interface Searched {
  readonly score: number;
  readonly names: readonly string[];
  /** Trials made, that of the run as it is among them. */
  readonly trials: number;
  readonly steps: number;
}

/**
 * Chance repairs, each on trial for a tenth of the run, the run as it is first; the one with the lowest loss is trained
 * in full. There are as many trials as fit into the budget beside that, but at least two.
 * @param budget steps in all
 */
export async function searchByChance(run: RunSpec, seed: number, budget: number, name: string): Promise<Searched> {
  const random = new Random(`${name}/search`);
  const whole = stepsOf(run);
  const each = Math.max(20, Math.round(whole / 10));
  const trials = Math.max(2, Math.floor((budget - whole) / each));
  let best = { run, names: [] as string[], loss: await trialLoss(run, seed, each) };
  for (let i = 1; i < trials; i++) {
    const { run: changed, names } = candidate(run, random);
    const loss = await trialLoss(changed, seed, each);
    if (loss < best.loss || best.loss === Infinity) best = { run: changed, names, loss };
  }
  const { score, steps } = await train(best.run, seed);
  return { score, names: best.names, trials, steps: steps + trials * each };
}
