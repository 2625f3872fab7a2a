/** How often a run is looked at follows from what is counted, not from a clock. */
import { describe, expect, test } from "vitest";
import { DataSet } from "../lib/data/index.js";
import "../lib/health/index.js";
import * as nn from "../lib/nn/index.js";
import { randn, seed, tensor } from "../lib/ops/index.js";
import { SGD } from "../lib/optim/index.js";
import type { HealthOptions } from "../lib/train/fit.js";
import { fit } from "../lib/train/index.js";

/** The steps that were looked at in a run of so many on rows of some width. */
async function looksOf(width: number, steps: number, health: true | HealthOptions): Promise<number[]> {
  seed(1);
  const x = await randn([100, width]).data();
  const y = Int32Array.from({ length: 100 }, (_, i) => (x[i * width] > 0 ? 1 : 0));
  const set = new DataSet(tensor(x, [100, width]), tensor(y, [100], "i32"));
  const model = new nn.Sequential(new nn.Linear(width, width), new nn.Tanh(), new nn.Linear(width, 2));
  const optimizer = new SGD(model.parameters(), { lr: 0.05 });
  const { health: record } = await fit(model, set, {
    loss: nn.crossEntropy,
    optimizer,
    batchSize: 50,
    epochs: steps / 2,
    health,
  });
  return record?.samples.map(({ step }) => step) ?? [];
}

describe("looks", () => {
  test("at steps that cost nearly nothing are four of a run", async () => {
    expect(await looksOf(4, 400, true)).toEqual([0, 100, 200, 300]);
  });

  test("at steps that cost more are more of it, at most ten", async () => {
    expect(await looksOf(2500, 200, true)).toEqual([0, 20, 40, 60, 80, 100, 120, 140, 160, 180]);
  });

  test("are twenty of a run that is to be repaired, and as many as are asked for", async () => {
    expect(await looksOf(4, 400, { repair: "auto" })).toHaveLength(20);
    expect(await looksOf(4, 400, { every: 100 })).toEqual([0, 100, 200, 300]);
  });
});
