/** evaluate and predict: values in evaluation mode, whatever the batches, and how they end early. */
import { beforeAll, describe, expect, test } from "vitest";
import * as nn from "../lib/nn/index.js";
import { defaultGenerator, tensor } from "../lib/ops/index.js";
import * as optim from "../lib/optim/index.js";
import { useExecutor } from "../lib/run/index.js";
import type { Tensor } from "../lib/tensor.js";
import * as train from "../lib/train/index.js";
import { executors } from "./helpers.js";
import { classes, network, rejection, valuesOf } from "./training.js";

const set = classes(50);
const rows = (): Tensor => tensor(set.x.values, set.x.shape);

/** A model whose running statistics are not those it began with. */
async function trained(): Promise<nn.Sequential> {
  const model = network();
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
  await train.fit(model, set, { loss: nn.crossEntropy, optimizer, batchSize: 16, epochs: 2 });
  return model;
}

describe.each(executors)("%s", (executor) => {
  beforeAll(() => useExecutor(executor));

  describe("evaluate", () => {
    test("gives means over rows, whatever the batch size", async () => {
      const model = await trained();
      const logits = await model.predict(rows());
      const y = tensor(set.y.values, set.y.shape);
      const [loss, accuracy] = [await nn.crossEntropy(logits, y).item(), await nn.accuracy(logits, y).item()];
      for (const batchSize of [undefined, 1, 7, 25, 50, 64]) {
        const got = await train.evaluate(model, set, { loss: nn.crossEntropy, metrics: [nn.accuracy], batchSize });
        expect(got.loss).toBeCloseTo(loss, 5);
        expect(got.metrics.accuracy).toBeCloseTo(accuracy, 6);
        expect(got.seconds).toBeGreaterThan(0);
      }
    });

    test("with a loss alone, or metrics alone", async () => {
      const model = await trained();
      expect(await train.evaluate(model, set, { loss: nn.crossEntropy })).toMatchObject({ metrics: {} });
      const { loss, metrics } = await train.evaluate(model, set, {
        metrics: { right: nn.accuracy, ce: nn.crossEntropy },
      });
      expect(loss).toBe(Number.NaN);
      expect(Object.keys(metrics)).toEqual(["right", "ce"]);
    });

    test("changes neither model nor mode nor the random stream", async () => {
      const model = await trained();
      const [values, random] = [await valuesOf(model), defaultGenerator.state()];
      const dropout = model.children()[3].eval();
      await train.evaluate(model, set, { loss: nn.crossEntropy, batchSize: 7 });
      expect([model.training, dropout.training]).toEqual([true, false]);
      model.eval();
      await train.evaluate(model, set, { loss: nn.crossEntropy });
      expect([model.training, dropout.training]).toEqual([false, false]);
      expect(await valuesOf(model)).toEqual(values);
      expect(defaultGenerator.state()).toEqual(random);
    });

    test("rejects with the reason of a signal, before and during", async () => {
      const model = await trained();
      const reason = new Error("enough");
      const options = { loss: nn.crossEntropy, batchSize: 1 };
      const late = train.evaluate(model, set, { ...options, signal: AbortSignal.abort(reason) });
      expect(await rejection(late)).toBe(reason);
      const controller = new AbortController();
      const run = train.evaluate(model, set, { ...options, signal: controller.signal });
      controller.abort(reason);
      expect(await rejection(run)).toBe(reason);
      expect((await train.evaluate(model, set, options)).loss).toBeGreaterThan(0);
    });
  });

  describe("predict", () => {
    test("gives what forward gives in evaluation mode, whatever the batch size", async () => {
      const model = await trained();
      const want = [...(await model.eval().forward(rows()).data())];
      model.train();
      for (const batchSize of [undefined, 1, 7, 50, 99]) {
        const got = await model.predict(rows(), { batchSize });
        expect(got.shape).toEqual([50, 3]);
        for (const [i, x] of want.entries()) expect(got.values[i]).toBeCloseTo(x, 5);
      }
      expect(model.training).toBe(true);
    });

    test("takes lazy tensors and integers", async () => {
      const model = await trained();
      const [lazy, plain] = [
        await model.predict(rows().mul(2).sub(rows()), { batchSize: 20 }),
        await model.predict(rows()),
      ];
      for (const [i, x] of plain.values.entries()) expect(lazy.values[i]).toBeCloseTo(x, 5);
      const embed = new nn.Lambda((x) => x.mul(2));
      const { values, dtype } = await embed.predict(tensor([1, 2, 3], [3], "i32"), { batchSize: 2 });
      expect([dtype, ...values]).toEqual(["i32", 2, 4, 6]);
    });

    test("gives a copy that later training does not change", async () => {
      const model = await trained();
      const values = await model.predict(rows());
      const before = [...values.values];
      const optimizer = new optim.SGD(model.parameters(), { lr: 1 });
      await train.fit(model, set, { loss: nn.crossEntropy, optimizer });
      expect([...values.values]).toEqual(before);
      expect([...(await model.predict(rows())).values]).not.toEqual(before);
    });

    test("rejects with the reason of a signal", async () => {
      const model = await trained();
      const reason = new Error("enough");
      expect(await rejection(model.predict(rows(), { signal: AbortSignal.abort(reason) }))).toBe(reason);
      const controller = new AbortController();
      const run = model.predict(rows(), { batchSize: 1, signal: controller.signal });
      controller.abort(reason);
      expect(await rejection(run)).toBe(reason);
      expect((await model.predict(rows())).shape).toEqual([50, 3]);
    });

    test("refuses wrong options and inputs", async () => {
      const model = await trained();
      const message = async (x: unknown, options?: object) =>
        (await rejection(model.predict(x as Tensor, options))).message;
      expect(await message(rows(), { batchsize: 1 })).toBe(
        'predict: unknown option "batchsize". Did you mean "batchSize"?',
      );
      expect(await message(rows(), { batchSize: 0 })).toBe(
        "predict: batchSize must be a whole number at least 1, got 0",
      );
      expect(await message([1])).toBe("predict: x must be a tensor, got [1]. Make one with tensor(…)");
      expect(await message(tensor([[1, 2]]))).toContain("Linear: the input's last axis must be 4, got [1,2]");
      const sum = new nn.Lambda((x) => x.sum());
      const { message: rest } = await rejection(sum.predict(rows(), { batchSize: 25 }));
      expect(rest).toContain("predict: batches want an output row for each input row, got [] for 25 rows");
    });
  });

  test("fit trains in training mode whatever the mode, and gives the mode back", async () => {
    const fitted = async (model: nn.Module) => {
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
      await train.fit(model, set, { loss: nn.crossEntropy, optimizer, shuffle: false, batchSize: 25, validation: set });
      return model;
    };
    const a = await fitted(network()); // which starts the random stream anew
    const b = await fitted(network().eval());
    expect([a.training, b.training, b.children()[1].training]).toEqual([true, false, false]);
    const [running, still] = [await valuesOf(a), await valuesOf(network())];
    expect(running["1.runningMean"]).not.toEqual(still["1.runningMean"]);
    expect((await valuesOf(b))["1.runningMean"]).toEqual(running["1.runningMean"]);
  });
});
