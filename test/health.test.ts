/** What health.layers measures, against numbers computed by hand. */
import { beforeAll, describe, expect, test } from "vitest";
import { layers } from "../lib/health/index.js";
import * as nn from "../lib/nn/index.js";
import { defaultGenerator, tensor } from "../lib/ops/index.js";
import { useExecutor } from "../lib/run/index.js";
import type { Tensor } from "../lib/tensor.js";
import { executors } from "./helpers.js";
import { classes, network, rejection, valuesOf, worked } from "./training.js";

/** x·Wᵀ + b, ReLU, sum: on two rows of two numbers. */
function tiny() {
  const model = worked();
  const batch = {
    x: tensor([
      [1, 1],
      [2, 0],
    ]),
    y: tensor([0, 0]),
  };
  return { model, batch, loss: (output: Tensor) => output.sum() };
}

const close = (x: number) => expect.closeTo(x, 5);

describe.each(executors)("%s", (executor) => {
  beforeAll(() => useExecutor(executor));

  test("the numbers of a tiny network", async () => {
    const { model, batch, loss } = tiny();
    const report = await layers(model, batch, { loss });
    // Linear: [3, 0], [2, 7]; ReLU the same; out: 6, −31. Back: ones; [2, −5] twice; at the 0 the ReLU lets nothing by.
    const first = { mean: close(3), zeros: 0.25, std: close(Math.sqrt(26 / 4)) };
    expect([...report]).toEqual([
      {
        ...{ path: "0", layer: "Linear", shape: [2, 2], ...first },
        gradNorm: close(Math.hypot(2, 2, 5)),
        // dW = δᵀx with δ = [[2, 0], [2, −5]]; db = [4, −5].
        weightGradNorm: close(Math.hypot(2 + 4, 2, -10, 0, 4, -5)),
      },
      {
        path: "1",
        layer: "ReLU",
        shape: [2, 2],
        ...first,
        gradNorm: close(Math.hypot(2, 5, 2, 5)),
        weightGradNorm: undefined,
      },
      {
        ...{
          path: "2",
          layer: "Linear",
          shape: [2, 1],
          mean: close(-12.5),
          std: close(18.5),
          zeros: 0,
        },
        gradNorm: close(Math.SQRT2),
        weightGradNorm: close(Math.hypot(5, 7)),
      },
    ]);
  });

  test("reads as a table", async () => {
    const { model, batch, loss } = tiny();
    const lines = `${await layers(model, batch, { loss })}`.split("\n");
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^layer +output +mean +std +zeros +grad norm +weight grad norm$/);
    expect(lines[2]).toMatch(/^0 +Linear +\[2,2\] +3\.0000 +2\.5495 +25\.0 % +5\.7446 +13\.4536$/);
    expect(lines[3]).toMatch(/^1 +ReLU +\[2,2\] +3\.0000 +2\.5495 +25\.0 % +7\.6158$/);
  });

  test("measures the innermost layers of any module, and a layer by itself", async () => {
    class Net extends nn.Module {
      readonly blocks = [new nn.Residual(new nn.Sequential(new nn.Linear(4, 4), new nn.Tanh()))];
      readonly head = new nn.Linear(4, 3);
      forward(x: Tensor): Tensor {
        return this.head.forward(this.blocks[0].forward(x));
      }
    }
    const [batch] = classes(9).batches({ size: 9 });
    const report = await layers(new Net(), batch, { loss: nn.crossEntropy });
    expect(report.map((r) => `${r.path} ${r.layer}`)).toEqual([
      "blocks.0.f.0 Linear",
      "blocks.0.f.1 Tanh",
      "head Linear",
    ]);
    const [alone] = await layers(new nn.Linear(4, 3), batch, { loss: nn.crossEntropy });
    expect(alone).toMatchObject({ path: "", layer: "Linear" });
  });

  test("changes nothing", async () => {
    const model = network();
    const [values, random] = [await valuesOf(model), defaultGenerator.state()];
    const [batch] = classes(9).batches({ size: 9 });
    const [first, second] = [
      await layers(model, batch, { loss: nn.crossEntropy }),
      await layers(model, batch, { loss: nn.crossEntropy }),
    ];
    expect([...second]).toEqual([...first]);
    expect(model.training).toBe(true);
    expect(defaultGenerator.state()).toEqual(random);
    expect(await valuesOf(model)).toEqual(values);
    expect(Object.keys(model.children()[0])).not.toContain("forward");
  });
});

test("refuses what it cannot measure", async () => {
  const { model, batch, loss } = tiny();
  const call = layers as (model: unknown, batch: unknown, options: unknown) => Promise<unknown>;
  const message = async (...args: Parameters<typeof call>) => (await rejection(call(...args))).message;
  expect(await message({}, batch, { loss })).toBe("layers: model must be a module, got {  }");
  expect(await message(model, [1], { loss })).toBe("layers: batch must be { x, y }, got [1]");
  expect(await message(model, batch, { losss: loss })).toBe('layers: unknown option "losss". Did you mean "loss"?');
  expect(await message(model, batch, {})).toBe("layers: loss must be a function of (output, target), got undefined");
  expect(await message(model, batch, { loss: (x: Tensor) => x })).toBe(
    "layers: loss must return one number, got [2,1]. Reduce it with mean()",
  );
  expect(await message(model, { x: tensor([[1]]), y: batch.y }, { loss })).toContain(
    "Linear: the input's last axis must be 2, got [1,1]",
  );
});
