/**
 * What watching costs runs of a sensible size: processor time of all threads, which hides nothing that is done beside the run.
 *
 * It is about as much as two runs differ by chance on a busy machine, so it is made ten times as much: a tenth of the run with
 * as many looks as the whole has, ten times over, with the doctor and without. All garbage is collected once in ten, which
 * counts: else whoever comes next would pay for it. That is when the last of the ten has made its steps, for V8 collects in the
 * middle of runs, too: where no run is left, it throws away the code that it optimized for them. What that last run holds is
 * left to those that come next.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { DataSet } from "../../lib/data/index.js";
import "../../lib/health/index.js"; // without which no run is watched
import * as nn from "../../lib/nn/index.js";
import { seed as startAt } from "../../lib/ops/index.js";
import * as optim from "../../lib/optim/index.js";
import { type FitOptions, fit } from "../../lib/train/index.js";
import { readSets } from "../experiments/sets.js";
import { meanOf } from "../experiments/verdict.js";
import { setsOf } from "./data.js";
import { drawHealthy } from "./healthy.js";
import { Random } from "./random.js";

export interface Sized {
  readonly set: DataSet;
  readonly model: () => nn.Module;
  readonly options: (model: nn.Module) => FitOptions;
}

/** Linear layers of some sizes with an activation between them. */
function stack(sizes: readonly number[], activation: () => nn.Module): nn.Sequential {
  const layers = sizes.slice(1).map((size, i) => [new nn.Linear(sizes[i], size), activation()]);
  return new nn.Sequential(...layers.flat().slice(0, -1));
}

export async function sizedRuns(): Promise<Record<string, Sized>> {
  const images = (await readSets()).train;
  const { data } = drawHealthy(new Random("overhead"), { data: ["friedman"], auto: true });
  const regression = (await setsOf({ ...data, rows: 20_000 }, "mse")).train;
  const adam = (model: nn.Module): optim.Optimizer => new optim.Adam(model.parameters(), { lr: 0.001 });
  return {
    "784-512-BN-ReLU-10, SGD": {
      set: images,
      model: () =>
        new nn.Sequential(new nn.Linear(784, 512), new nn.BatchNorm(512), new nn.ReLU(), new nn.Linear(512, 10)),
      options: (model) => ({
        ...{ loss: nn.crossEntropy, clipGradNorm: 1, batchSize: 64 },
        optimizer: new optim.SGD(model.parameters(), { lr: 0.01 }),
      }),
    },
    "784-256-128-100-10, Adam": {
      set: images,
      model: () => stack([784, 256, 128, 100, 10], () => new nn.ReLU()),
      options: (model) => ({ loss: nn.crossEntropy, optimizer: adam(model), batchSize: 128 }),
    },
    "784-8×64-10 tanh, Adam": {
      set: images,
      model: () => stack([784, ...new Array<number>(8).fill(64), 10], () => new nn.Tanh()),
      options: (model) => ({ loss: nn.crossEntropy, optimizer: adam(model), batchSize: 64 }),
    },
    "10-128-128-1, Adam": {
      set: regression,
      model: () => stack([10, 128, 128, 1], () => new nn.SiLU()),
      options: (model) => ({ loss: nn.mse, optimizer: adam(model), batchSize: 64, epochs: 10 }),
    },
  };
}

function secondsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e6;
}

/** Processor seconds of a run. */
export async function secondsOf(
  { set, model: make, options }: Sized,
  health: FitOptions["health"],
  more: Pick<FitOptions, "epochs" | "onEpoch"> = {},
): Promise<number> {
  startAt(1);
  const model = make();
  const began = process.cpuUsage();
  await fit(model, set, { ...options(model), ...more, health });
  return secondsSince(began);
}

/** Of one run: what watching takes, in milliseconds and in percent of the run; the median over the rounds. */
export interface RunOverhead {
  readonly ms: number;
  readonly percent: number;
  /** Half of the rounds gave percentages between these. */
  readonly quartiles: readonly [number, number];
}

/** Each run's, and the mean of their percentages. */
export interface Overhead {
  readonly percent: number;
  readonly runs: Readonly<Record<string, RunOverhead>>;
}

const parts = 10;
/** Pairs of ten of a round. */
const turns = 3;
/** So many pairs go before: by then the code has been optimized. */
const warmups = 200;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const collectGarbage = (): void => collect();

const rounded = (x: number): number => Number(x.toFixed(2));

/** The value that so much of the list is below. */
function quantile(list: readonly number[], share: number): number {
  const sorted = [...list].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (at - Math.floor(at)) * (high - low);
}

/** A tenth of a run, and how it is watched so that there are as many looks as in the whole. */
async function tenthOf(whole: Sized): Promise<{ readonly tenth: Sized; readonly every: number }> {
  startAt(1);
  const model = whole.model();
  const options = whole.options(model);
  const { batchSize = 32, epochs = 1 } = options;
  const { health } = await fit(model, whole.set, { ...options, health: true });
  const steps = Math.round((epochs * whole.set.size) / batchSize / parts);
  const tenth: Sized = {
    set: whole.set.take(Math.min(steps * batchSize, whole.set.size)),
    model: whole.model,
    options: (one) => ({ ...whole.options(one), epochs: 1 }),
  };
  return { tenth, every: Math.ceil(steps / (health?.samples.length ?? 1)) };
}

async function overheadOf(whole: Sized, rounds: number): Promise<RunOverhead> {
  const { tenth, every } = await tenthOf(whole);
  const [plain, watching]: [number[], number[]] = [[], []];
  for (let i = 0; i < warmups; i++) for (const health of [false, { every }]) await secondsOf(tenth, health);
  const ten = async (health: FitOptions["health"]): Promise<number> => {
    let seconds = 0;
    for (let i = 1; i <= parts; i++)
      seconds += await secondsOf(tenth, health, i === parts ? { onEpoch: collectGarbage } : {});
    return seconds;
  };
  for (let round = 0; round < turns * rounds; round++) {
    const took = { off: 0, on: 0 };
    for (const which of round % 2 ? (["on", "off"] as const) : (["off", "on"] as const))
      took[which] = await ten(which === "on" && { every });
    watching.push((took.on - took.off) / parts);
    plain.push(await secondsOf(whole, false));
  }
  const percent = (share: number): number => rounded((100 * quantile(watching, share)) / quantile(plain, 0.5));
  const ms = rounded(1e3 * quantile(watching, 0.5));
  return { ms, percent: percent(0.5), quartiles: [percent(0.25), percent(0.75)] };
}

export async function overhead(rounds: number): Promise<Overhead> {
  const runs: Record<string, RunOverhead> = {};
  for (const [name, sized] of Object.entries(await sizedRuns())) runs[name] = await overheadOf(sized, rounds);
  return { percent: rounded(meanOf(Object.values(runs).map(({ percent }) => percent))), runs };
}
