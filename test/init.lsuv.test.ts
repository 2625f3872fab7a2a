/** init.lsuv: sums of mean 0 and variance 1 by one batch, in any module. */
import { describe, expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { traceLayers } from "../lib/nn/trace.js";
import { Generator, randn } from "../lib/ops/index.js";
import { read } from "../lib/run/index.js";
import type { Tensor } from "../lib/tensor.js";

describe("lsuv", () => {
  test("gives every layer sums of mean 0 per unit and variance 1, in any module", async () => {
    class Net extends nn.Module {
      readonly first = new nn.Linear(20, 30);
      readonly blocks = [new nn.Residual(new nn.Sequential(new nn.Linear(30, 30), new nn.Softplus()))];
      readonly head = new nn.Linear(30, 3);
      forward(x: Tensor): Tensor {
        return this.head.forward(this.blocks[0].forward(this.first.forward(x).sigmoid()));
      }
    }
    const model = new Net();
    const x = randn([400, 20], { mean: 2, generator: new Generator(1) });
    const report = init.lsuv(model, x, { seed: 3 });
    expect(report.map(({ path }) => path)).toEqual(["first.weight", "blocks.0.f.0.weight", "head.weight"]);
    for (const [i, fanIn] of [20, 30, 30].entries()) expect(report[i].std).toBeCloseTo(1 / Math.sqrt(fanIn), 12);
    const { outputs } = traceLayers(model, x);
    for (const [part, y] of outputs) {
      if (!(part instanceof nn.Linear)) continue;
      const [mean, variance] = await read([y.mean({ axes: 0 }).abs().max(), y.square().mean()]);
      expect(mean[0]).toBeLessThan(1e-5);
      expect(variance[0]).toBeCloseTo(1, 4);
    }
  });

  test("takes a unit's mean over all that its bias is added to", async () => {
    const model = new nn.Linear(20, 30);
    const x = randn([40, 5, 20], { mean: 2, generator: new Generator(1) });
    init.lsuv(model, x, { seed: 3 });
    const y = model.forward(x);
    const [means, second] = await read([
      y
        .mean({ axes: [0, 1] })
        .abs()
        .max(),
      y.square().mean(),
    ]);
    expect(means[0]).toBeLessThan(1e-5);
    expect(second[0]).toBeCloseTo(1, 4);
  });

  test("without centring, and of another variance", async () => {
    const model = new nn.Sequential(new nn.Linear(20, 30), new nn.Softplus(), new nn.Linear(30, 3));
    const x = randn([400, 20], { generator: new Generator(1) });
    init.lsuv(model, x, { centre: false, variance: 4 });
    expect(await model.forward(x).square().mean().item()).toBeCloseTo(4, 3);
    expect(await (model.children()[0] as nn.Linear).bias?.data()).toEqual(new Float32Array(30));
  });
});
