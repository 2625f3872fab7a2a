/** fit ended early: by a signal, by numbers that are not finite, by another run on the same model. */
import { beforeAll, describe, expect, test } from "vitest";
import * as nn from "../lib/nn/index.js";
import { defaultGenerator, oneHot, seed } from "../lib/ops/index.js";
import * as optim from "../lib/optim/index.js";
import { useExecutor } from "../lib/run/index.js";
import type { Tensor } from "../lib/tensor.js";
import * as train from "../lib/train/index.js";
import { executors } from "./helpers.js";
import { classes, network, rejection, valuesOf } from "./training.js";

const set = classes(50);
const stepsPerEpoch = 7;
const settings = { loss: nn.crossEntropy, batchSize: 8 };

function start(lr = 0.01) {
  const model = network();
  return { model, optimizer: new optim.Adam(model.parameters(), { lr }) };
}

type Pair = { model: nn.Module; optimizer: optim.Optimizer };
const everything = async ({ model, optimizer }: Pair) => [await valuesOf(model), await valuesOf(optimizer)];
/** That, and where the random stream stands. */
const withStream = async (pair: Pair) => [...(await everything(pair)), defaultGenerator.state()];

/** A model after exactly so many steps on the same data with the same seed. */
async function modelAfter(steps: number): Promise<unknown> {
  const pair = start();
  const { model, optimizer } = pair;
  const epochs = Math.floor(steps / stepsPerEpoch);
  if (epochs > 0) await train.fit(model, set, { ...settings, optimizer, epochs });
  if (steps % stepsPerEpoch > 0) {
    for (const { x, y } of set.batches({ size: 8, shuffle: true })) {
      await optimizer.step(nn.crossEntropy(model.forward(x), y));
      if (optimizer.steps === steps) break;
    }
  }
  return withStream(pair);
}

describe.each(executors)("%s", (executor) => {
  beforeAll(() => useExecutor(executor));

  describe("a signal", () => {
    const reason = new Error("enough");

    test("given too late changes nothing", async () => {
      const pair = start();
      const signal = AbortSignal.abort(reason);
      expect(await rejection(train.fit(pair.model, set, { ...settings, optimizer: pair.optimizer, signal }))).toBe(
        reason,
      );
      expect(pair.optimizer.steps).toBe(0);
      expect(await withStream(pair)).toEqual(await modelAfter(0));
    });

    test.each([0, 1, 10, 40])("after %i ms leaves the model as after its last whole step", async (ms) => {
      const pair = start();
      const controller = new AbortController();
      const options = { ...settings, optimizer: pair.optimizer, epochs: 1e6, signal: controller.signal };
      const run = train.fit(pair.model, set, options);
      setTimeout(() => controller.abort(reason), ms);
      expect(await rejection(run)).toBe(reason);
      const { steps } = pair.optimizer;
      const left = await withStream(pair);
      expect(await modelAfter(steps)).toEqual(left);
      await train.fit(pair.model, set, { ...settings, optimizer: pair.optimizer });
      expect(pair.optimizer.steps).toBe(steps + stepsPerEpoch);
      expect(await withStream(pair)).not.toEqual(left);
    });

    test("in a callback between epochs", async () => {
      for (const where of ["onEpoch", "onProgress"] as const) {
        const pair = start();
        const controller = new AbortController();
        const abort = ({ epoch }: { epoch: number }): void => {
          if (epoch === 2) controller.abort(reason);
        };
        const options = { ...settings, optimizer: pair.optimizer, epochs: 5, signal: controller.signal };
        expect(await rejection(train.fit(pair.model, set, { ...options, onEpoch: () => {}, [where]: abort }))).toBe(
          reason,
        );
        const { steps } = pair.optimizer;
        if (where === "onEpoch") expect(steps).toBe(2 * stepsPerEpoch);
        expect(await withStream(pair)).toEqual(await modelAfter(steps));
      }
    });

    test("in validation, and validation alone is what it ends", async () => {
      const pair = start();
      const controller = new AbortController();
      let calls = 0;
      const metric = (x: Tensor): Tensor => {
        // Traced first for training, then for validation.
        if (++calls === 2) controller.abort(reason);
        return x.mean();
      };
      const options = {
        ...settings,
        optimizer: pair.optimizer,
        shuffle: false,
        batchSize: 25,
        signal: controller.signal,
      };
      expect(await rejection(train.fit(pair.model, set, { ...options, validation: set, metrics: { metric } }))).toBe(
        reason,
      );
      expect(calls).toBe(2);
      expect(pair.optimizer.steps).toBe(2);
      expect(pair.model.training).toBe(true);
    });

    test("without a reason of its own is an AbortError", async () => {
      const { model, optimizer } = start();
      const run = train.fit(model, set, { ...settings, optimizer, epochs: 1e6, signal: AbortSignal.timeout(5) });
      expect((await rejection(run)).name).toBe("TimeoutError");
      const controller = new AbortController();
      const other = train.fit(model, set, { ...settings, optimizer, epochs: 1e6, signal: controller.signal });
      controller.abort();
      expect((await rejection(other)).name).toBe("AbortError");
    });
  });

  describe("numbers that are not finite", () => {
    test("throw at the right step and leave the model as before it", async () => {
      // Each step makes the error some twenty times larger, until its square overflows.
      const loss = (output: Tensor, y: Tensor): Tensor => nn.mse(output, oneHot(y, 3));
      const diverging = () => {
        seed(7);
        const model = new nn.Linear(4, 3);
        return { model, optimizer: new optim.SGD(model.parameters(), { lr: 30, momentum: 0.5 }) };
      };
      const own = diverging();
      let error: Error | undefined;
      for (const { x, y } of Array.from({ length: 50 }, () => [...set.batches({ size: 8 })]).flat()) {
        error = await own.optimizer.step(loss(own.model.forward(x), y)).then(
          () => undefined,
          (e: Error) => e,
        );
        if (error) break;
      }
      const pair = diverging();
      const options = { loss, optimizer: pair.optimizer, batchSize: 8, epochs: 50, shuffle: false };
      expect((await rejection(train.fit(pair.model, set, options))).message).toBe(error?.message);
      expect(own.optimizer.steps).toBeGreaterThan(5);
      expect(error?.message).toContain(`got step ${own.optimizer.steps + 1} in which the loss is`);
      expect(pair.optimizer.steps).toBe(own.optimizer.steps);
      expect(await everything(pair)).toEqual(await everything(own));
      // The reference goes on in double precision until the weights themselves overflow.
      const weights = (await valuesOf(pair.model)).weight;
      expect(weights.every(Number.isFinite)).toBe(executor === "native");
    });

    // 1/y is infinite for class 0, which only the third batch of five has.
    const sick = (output: Tensor, y: Tensor): Tensor =>
      nn.crossEntropy(output, y).add(y.cast("f32").reciprocal().mean().mul(0));
    const positions = [...set.y.values.keys()];
    const [zeros, others] = [true, false].map((zero) => positions.filter((i) => (set.y.values[i] === 0) === zero));
    const data = set.rows([...others.slice(0, 16), ...zeros.slice(0, 8), ...others.slice(16, 32)]);

    test("throw in the middle of a call, and training goes on with a sound loss", async () => {
      const pair = start();
      const options = { ...settings, optimizer: pair.optimizer, shuffle: false };
      const { message } = await rejection(train.fit(pair.model, data, { ...options, loss: sick, epochs: 3 }));
      expect(message).toContain("got step 3 in which the loss is NaN");
      expect(pair.optimizer.steps).toBe(2);
      const { drawn } = defaultGenerator.state();
      const two = start();
      await train.fit(two.model, data.take(16), { ...options, optimizer: two.optimizer });
      expect(await everything(pair)).toEqual(await everything(two));
      // The third step had drawn its dropout when it failed; those after it have not.
      expect(drawn).toBe(defaultGenerator.state().drawn + 1);
      expect((await train.fit(pair.model, data, options)).epochs[0]).toMatchObject({ steps: 5, skipped: 0 });
      expect(pair.optimizer.steps).toBe(7);
    });

    test("skip counts them", async () => {
      const { model, optimizer } = start();
      const options = { ...settings, optimizer, shuffle: false, loss: sick, epochs: 3 };
      const { epochs, losses, gradNorms } = await train.fit(model, data, { ...options, nonFinite: "skip" });
      expect(epochs.map((e) => e.steps)).toEqual([5, 5, 5]);
      expect(epochs.map((e) => e.skipped)).toEqual([1, 1, 1]);
      expect(losses.map(Number.isFinite)).toEqual([0, 1, 2].flatMap(() => [true, true, false, true, true]));
      const sound = gradNorms.slice(0, 5).filter(Number.isFinite);
      expect(epochs[0].gradNorm).toBeCloseTo(sound.reduce((a, b) => a + b) / sound.length, 6);
      for (const list of Object.values(await valuesOf(model))) expect(list.every(Number.isFinite)).toBe(true);
    });
  });

  describe("two runs on one model", () => {
    test("a second fit is refused by the parameter's name, the first goes on", async () => {
      const { model, optimizer } = start();
      const first = train.fit(model, set, { ...settings, optimizer, epochs: 5 });
      const [, , , , last] = model.children();
      const message = (path: string) => `fit: parameter ${path} is being trained by fit. Await that one first`;
      const again = train.fit(model, set, { ...settings, optimizer });
      const part = train.fit(last, set, { ...settings, optimizer: new optim.SGD(last.parameters(), { lr: 1 }) });
      expect((await rejection(again)).message).toBe(message("0.weight"));
      expect((await rejection(part)).message).toBe(message("4.weight"));
      expect((await first).stopped).toBe("completed");
      expect(optimizer.steps).toBe(5 * stepsPerEpoch);
      await train.fit(model, set, { ...settings, optimizer });
    });

    test("a step of one's own while fit runs is refused too", async () => {
      const { model, optimizer } = start();
      const [{ x, y }] = set.batches({ size: 50 });
      const step = () => new optim.SGD(model.parameters(), { lr: 0 }).step(nn.crossEntropy(model.forward(x), y));
      const message = "SGD: parameter 0.weight is being trained by fit. Await that one first";
      const onEpoch = async () => expect((await rejection(step())).message).toBe(message);
      const run = train.fit(model, set, { ...settings, optimizer, epochs: 3, onEpoch });
      expect((await rejection(step())).message).toBe(message);
      expect((await run).stopped).toBe("completed");
      await step();
    });

    test("a failed fit gives the model back", async () => {
      const { model, optimizer } = start();
      await rejection(train.fit(model, set, { ...settings, optimizer, loss: (x) => x }));
      await train.fit(model, set, { ...settings, optimizer });
      expect(optimizer.steps).toBe(stepsPerEpoch);
    });
  });
});

describe("native", () => {
  beforeAll(() => useExecutor("native"));

  test("a signal stops within a step", async () => {
    const wide = () => new nn.Linear(1024, 1024);
    const model = new nn.Sequential(new nn.Linear(4, 1024), wide(), wide(), new nn.Linear(1024, 3));
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const bytes = async () =>
      Buffer.concat(Object.values(await model.state()).map(({ values }) => new Uint8Array(values.buffer)));
    const before = await bytes();
    const controller = new AbortController();
    const data = classes(4000);
    const run = train.fit(model, data, {
      loss: nn.crossEntropy,
      optimizer,
      batchSize: 4000,
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(new Error("enough")), 50);
    expect((await rejection(run)).message).toBe("enough");
    expect(optimizer.steps).toBe(0);
    expect((await bytes()).equals(before)).toBe(true);
  });

  test("two steps at once: the second is refused by the variable's name", async () => {
    const { model, optimizer } = start();
    const [{ x, y }] = set.batches({ size: 50 });
    const step = () => optimizer.step(nn.crossEntropy(model.forward(x), y));
    await step();
    const [first, second] = await Promise.allSettled([step(), step()]);
    expect(first.status).toBe("fulfilled");
    const message = expect.stringMatching(
      /^run: variable [\w.]+ is being written by another run. Await that one first, or read .*$/,
    );
    expect(second).toMatchObject({ status: "rejected", reason: { message } });
    await step();
    expect(optimizer.steps).toBe(3);
  });
});
