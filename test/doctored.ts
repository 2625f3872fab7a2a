/** Small runs of `fit` with a doctor, and what they are made of. */
import type { DataSet } from "../lib/data/index.js";
import type { HealthRecord } from "../lib/health/index.js";
import type * as init from "../lib/init/index.js";
import "../lib/health/index.js"; // without which no run is watched
import * as nn from "../lib/nn/index.js";
import { randn } from "../lib/ops/index.js";
import { SGD } from "../lib/optim/index.js";
import type { Shape } from "../lib/shape.js";
import { type FitOptions, fit } from "../lib/train/index.js";
import { classes } from "./training.js";

export const loss = nn.crossEntropy;

/** 300 rows of 4 numbers in 3 classes. */
export const set = (): DataSet => classes(300);

export const stack = (weightInit?: init.Initializer, last: nn.Module[] = []): nn.Sequential =>
  new nn.Sequential(
    new nn.Linear(4, 16, { weightInit }),
    new nn.ReLU(),
    new nn.Linear(16, 16, { weightInit }),
    new nn.ReLU(),
    new nn.Linear(16, 3, { weightInit }),
    ...last,
  );

export async function watched(
  model: nn.Module,
  options: Partial<FitOptions> & { lr?: number } = {},
): Promise<{ health: HealthRecord; losses: readonly number[]; stopped: string }> {
  const { lr = 0.1, ...rest } = options;
  const optimizer = options.optimizer ?? new SGD(model.parameters(), { lr });
  const history = await fit(model, set(), { loss, optimizer, batchSize: 30, epochs: 8, health: true, ...rest });
  if (!history.health) throw new Error("not watched");
  return { health: history.health, losses: history.losses, stopped: history.stopped };
}

/** Weights far too large. */
export const huge: init.Initializer = (shape: Shape, o) => randn(shape, { std: 30, ...o });
