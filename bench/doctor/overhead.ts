/**
 * What watching costs: runs of a sensible size with `health: true` and without, in turn. It is processor time of all threads,
 * which hides nothing that is done beside the run, and means the same on a busy machine.
 */
import type { DataSet } from "../../lib/data/index.js";
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

/** Processor seconds of a run. */
export async function secondsOf(
  { set, model: make, options }: Sized,
  health: FitOptions["health"],
  epochs?: number,
): Promise<number> {
  startAt(1);
  const model = make();
  const began = process.cpuUsage();
  await fit(model, set, { ...options(model), ...(epochs && { epochs }), health });
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e6;
}

/** What it costs in percent of each run, by the least time of the rounds with and without, and the mean of those. */
export interface Overhead {
  readonly percent: number;
  readonly runs: Readonly<Record<string, number>>;
}

export async function overhead(rounds: number): Promise<Overhead> {
  const runs: Record<string, number> = {};
  for (const [name, sized] of Object.entries(await sizedRuns())) {
    const least = { off: Infinity, on: Infinity };
    await secondsOf(sized, true); // compiles
    for (let round = 0; round < 2 * rounds; round++) {
      // Whoever is first changes from round to round.
      const which = (round + (round >> 1)) % 2 ? "on" : "off";
      least[which] = Math.min(least[which], await secondsOf(sized, which === "on"));
    }
    runs[name] = Number((100 * (least.on / least.off - 1)).toFixed(2));
  }
  return { percent: Number(meanOf(Object.values(runs)).toFixed(2)), runs };
}
