/** Training for a number of steps, and the accuracy that comes of it. */
import type { DataSet, TrainTest } from "../../lib/data/index.js";
import * as nn from "../../lib/nn/index.js";
import { seed as startAt } from "../../lib/ops/index.js";
import * as optim from "../../lib/optim/index.js";
import { evaluate, fit } from "../../lib/train/index.js";
import type { Outcome } from "./experiment.js";

export const batchSize = 128;

/** Accuracy of a network whose numbers are no longer finite. */
const chance = 10;

export interface Training {
  /** Made anew for every seed; may look at the training set. */
  readonly model: (set: DataSet) => nn.Module;
  readonly steps: number;
  readonly lr: number;
  /** SGD with momentum 0.9 unless told. */
  readonly optimizer?: "sgd" | "adam";
}

/** Rows for whole batches of so many steps: the set shuffled over and over, each time without a last smaller batch. */
function rowsFor(size: number, steps: number, order: () => Int32Array): Int32Array {
  const perEpoch = Math.floor(size / batchSize) * batchSize;
  const rows = new Int32Array(steps * batchSize);
  for (let at = 0; at < rows.length; at += perEpoch)
    rows.set(order().subarray(0, Math.min(perEpoch, rows.length - at)), at);
  return rows;
}

/** Test accuracy in percent after the steps of one seed. */
export async function train(training: Training, seed: number, { train: set, test }: TrainTest): Promise<Outcome> {
  const { steps, lr, optimizer = "sgd" } = training;
  startAt(seed);
  const model = training.model(set);
  const rows = set.rows(rowsFor(set.size, steps, () => set.order({ shuffle: true })));
  const params = model.parameters();
  const { losses, gradNorms } = await fit(model, rows, {
    loss: nn.crossEntropy,
    optimizer: optimizer === "adam" ? new optim.Adam(params, { lr }) : new optim.SGD(params, { lr, momentum: 0.9 }),
    batchSize,
    shuffle: false,
    nonFinite: "skip",
  });
  const brokeAt = losses.findIndex((loss, step) => !Number.isFinite(loss) || !Number.isFinite(gradNorms[step]));
  if (brokeAt >= 0) return { value: chance, brokeAt };
  const { metrics } = await evaluate(model, test, { metrics: [nn.accuracy], batchSize: 500 });
  return { value: 100 * metrics.accuracy };
}
