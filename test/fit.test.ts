/** fit against a loop of one's own, bit for bit, and what it reports. */
import { beforeAll, describe, expect, test } from "vitest";
import { type DataSet, fromArrays } from "../lib/data/index.js";
import * as nn from "../lib/nn/index.js";
import { Generator } from "../lib/ops/index.js";
import * as optim from "../lib/optim/index.js";
import { threads, useExecutor } from "../lib/run/index.js";
import * as train from "../lib/train/index.js";
import { type ExecutorName, executors } from "./helpers.js";
import { classes, network, valuesOf } from "./training.js";

type Settings = Omit<train.FitOptions, "loss" | "optimizer">;
const set = classes(50);

function start(model: nn.Module = network()) {
  return { model, optimizer: new optim.Adam(model.parameters(), { lr: 0.01 }) };
}

type Pair = ReturnType<typeof start>;
const everything = async ({ model, optimizer }: Pair) => ({
  ...(await valuesOf(model)),
  ...(await valuesOf(optimizer)),
});

async function byFit(settings: Settings, data: DataSet = set) {
  const pair = start();
  const history = await train.fit(pair.model, data, { loss: nn.crossEntropy, optimizer: pair.optimizer, ...settings });
  return { values: await everything(pair), history, ...pair };
}

/** The loop that fit stands for. */
async function byHand(settings: Settings, data: DataSet = set) {
  const { batchSize: size = 32, epochs = 1, shuffle = true, dropLast, schedule, generator, ...limits } = settings;
  const pair = start();
  const { model, optimizer } = pair;
  const batches = data.batches({ size, shuffle, dropLast, generator });
  const [losses, gradNorms]: number[][] = [[], []];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const { x, y } of batches) {
      optimizer.lrFactor = schedule?.(losses.length, epochs * batches.length) ?? 1;
      const { loss, gradNorm } = await optimizer.step(nn.crossEntropy(model.forward(x), y), limits);
      losses.push(loss);
      gradNorms.push(gradNorm);
    }
  }
  return { values: await everything(pair), losses, gradNorms };
}

const loops: [name: string, settings: Settings, epochs: Record<ExecutorName, number>][] = [
  ["one epoch", {}, { native: 1, reference: 1 }],
  ["dropout, batch norm and a last smaller batch", { batchSize: 8 }, { native: 9, reference: 3 }],
  ["in order, one batch an epoch", { batchSize: 50, shuffle: false }, { native: 40, reference: 3 }],
  ["without the last batch", { batchSize: 8, dropLast: true }, { native: 9, reference: 2 }],
  [
    "a schedule and clipping",
    { batchSize: 16, schedule: optim.warmup(3, optim.cosine()), clipGradNorm: 0.5 },
    { native: 9, reference: 2 },
  ],
  [
    "every limit",
    { batchSize: 10, clipGradValue: 0.2, clipLayerNorm: 0.3, nonFinite: "skip" },
    { native: 5, reference: 2 },
  ],
];

describe.each(executors)("%s", (executor) => {
  beforeAll(() => useExecutor(executor));

  test.each(loops)("fit is the loop: %s", async (_, settings, epochs) => {
    const all = { ...settings, epochs: epochs[executor] };
    const { values, losses, gradNorms } = await byHand(all);
    const fitted = await byFit(all);
    expect(fitted.values).toEqual(values);
    expect(fitted.history.losses).toEqual(losses);
    expect(fitted.history.gradNorms).toEqual(gradNorms);
    expect(fitted.optimizer.steps).toBe(losses.length);
  });

  test("with a generator of its own the shuffle leaves the default one alone", async () => {
    const settings = () => ({ batchSize: 8, epochs: 2, generator: new Generator(5) });
    expect((await byFit(settings())).values).toEqual((await byHand(settings())).values);
  });

  test("looking between epochs changes nothing", async () => {
    const settings = { batchSize: 8, epochs: 4 };
    const plain = await byFit(settings);
    const watched = await byFit({
      ...settings,
      validation: classes(20),
      onEpoch: () => {},
      onProgress: () => {},
      progressMs: 0,
    });
    expect(watched.values).toEqual(plain.values);
  });

  test("the history says how it went", async () => {
    const validation = classes(20, 9);
    const metrics = {
      accuracy: nn.accuracy,
      rows: (x: Parameters<typeof nn.accuracy>[0]) => x.sum({ axes: 1 }).mean().mul(0).add(x.shape[0]),
    };
    const settings = { batchSize: 8, epochs: 3, validation, metrics };
    const { model, history } = await byFit(settings);
    expect(history).toMatchObject({ stopped: "completed", seconds: expect.any(Number) });
    expect(history.epochs.map((e) => [e.epoch, e.steps, e.skipped])).toEqual([1, 2, 3].map((i) => [i, 7, 0]));
    expect(history.losses).toHaveLength(21);
    for (const [i, record] of history.epochs.entries()) {
      const mean = (of: readonly number[], weights: readonly number[]) =>
        of.slice(7 * i, 7 * i + 7).reduce((sum, x, k) => sum + x * weights[k], 0) / weights.reduce((a, b) => a + b);
      expect(record.loss).toBeCloseTo(mean(history.losses, [8, 8, 8, 8, 8, 8, 2]), 6);
      expect(record.gradNorm).toBeCloseTo(mean(history.gradNorms, [1, 1, 1, 1, 1, 1, 1]), 6);
      expect(record.metrics.rows).toBeCloseTo((6 * 64 + 4) / 50, 5);
      expect(record.metrics.accuracy).toBeGreaterThanOrEqual(0);
      expect(record.metrics.accuracy * 50).toBeCloseTo(Math.round(record.metrics.accuracy * 50), 4);
      expect(record.seconds).toBeGreaterThan(0);
      expect(record.samplesPerSecond).toBeCloseTo(50 / record.seconds, 6);
    }
    const { loss, metrics: judged } = await train.evaluate(model, validation, { loss: nn.crossEntropy, metrics });
    expect(history.epochs[2].validation).toEqual({ loss, metrics: judged });
    expect(model.training).toBe(true);
  });

  test("onEpoch sees each record and ends the run with false", async () => {
    const seen: train.EpochRecord[] = [];
    const { history, optimizer } = await byFit({
      batchSize: 25,
      epochs: 9,
      onEpoch: async (record) => {
        seen.push(record);
        await new Promise(setImmediate);
        return record.epoch < 2;
      },
    });
    expect(history.stopped).toBe("onEpoch");
    expect(seen).toEqual(history.epochs);
    expect([seen.length, optimizer.steps]).toEqual([2, 4]);
  });

  test("onEpoch may freeze layers, change rates and modes", async () => {
    const { model, optimizer } = start();
    const [first, , , dropout] = model.children();
    const kept: object[] = [];
    const onEpoch = async ({ epoch }: train.EpochRecord) => {
      if (epoch === 1) first.freeze();
      if (epoch < 4) kept.push(await valuesOf(first));
      if (epoch === 2) Object.assign(dropout, { p: 0 });
      if (epoch === 3) optimizer.lr = 0;
      if (epoch > 2) kept.push(await valuesOf(model.children()[4]));
    };
    const history = await train.fit(model, set, { loss: nn.crossEntropy, optimizer, batchSize: 8, epochs: 4, onEpoch });
    expect(kept[1]).toEqual(kept[0]);
    expect(kept[2]).toEqual(kept[0]);
    expect(kept[4]).toEqual(kept[3]);
    expect(history.gradNorms.every((norm) => norm > 0)).toBe(true);
  });

  test("an error of a callback ends the run and is passed on", async () => {
    const { model, optimizer } = start();
    const mine = new Error("mine");
    const failing = (): never => {
      throw mine;
    };
    const options = { loss: nn.crossEntropy, optimizer, batchSize: 25, epochs: 2 };
    await expect(train.fit(model, set, { ...options, onEpoch: failing })).rejects.toBe(mine);
    await expect(train.fit(model, set, { ...options, onProgress: failing })).rejects.toBe(mine);
    expect((await train.fit(model, set, options)).stopped).toBe("completed");
  });

  test("progress comes after each epoch, and with progressMs: 0 after each call", async () => {
    const [seldom, often]: train.Progress[][] = [[], []];
    const settings = { batchSize: 8, epochs: 3, metrics: [nn.accuracy] };
    const { history } = await byFit({ ...settings, progressMs: 1e9, onProgress: (p) => seldom.push(p) });
    expect(seldom.map((p) => p.step).filter((step) => step < 7).length).toBeLessThanOrEqual(1);
    const ends = seldom.filter((p) => p.step === 7);
    expect(ends.map((p) => [p.epoch, p.epochs, p.stepsPerEpoch])).toEqual([1, 2, 3].map((i) => [i, 3, 7]));
    expect(ends.map((p) => [p.loss, p.metrics])).toEqual(history.epochs.map((e) => [e.loss, e.metrics]));
    expect(ends.map((p) => p.gradNorm)).toEqual([6, 13, 20].map((i) => history.gradNorms[i]));
    expect(ends[2].secondsLeft).toBe(0);
    await byFit({ ...settings, progressMs: 0, onProgress: (p) => often.push(p) });
    expect(often.length).toBeGreaterThanOrEqual(seldom.length);
    for (const p of often) expect(p.secondsLeft).toBeGreaterThanOrEqual(0);
  });

  test("two fits on two models run at once", async () => {
    const options = { loss: nn.crossEntropy, batchSize: 10, epochs: 3, shuffle: false };
    const three = [3, 3, 4].map((from) => start(network(from, 0)));
    const [alone, ...both] = three.map(
      ({ model, optimizer }) =>
        () =>
          train.fit(model, set, { ...options, optimizer }),
    );
    await alone();
    await Promise.all(both.map((run) => run()));
    expect(await everything(three[1])).toEqual(await everything(three[0]));
    expect(await everything(three[2])).not.toEqual(await everything(three[0]));
  });
});

describe("native", () => {
  beforeAll(() => useExecutor("native"));

  test("bit-equal for 1, 2 and 3 threads, and for repeated seeds", async () => {
    const wide = () => {
      const model = network();
      const deep = new nn.Sequential(
        new nn.Linear(4, 200),
        new nn.LayerNorm(200),
        new nn.GELU(),
        model.children()[3],
        new nn.Linear(200, 3),
      );
      return { model: deep, optimizer: new optim.SGD(deep.parameters(), { lr: 0.1, momentum: 0.9 }) };
    };
    const before = threads();
    const results = [];
    for (const count of [1, 2, 3, 2]) {
      threads(count);
      const { model, optimizer } = wide();
      const data = classes(1000);
      const { losses } = await train.fit(model, data, {
        loss: nn.crossEntropy,
        optimizer,
        batchSize: 300,
        epochs: 4,
        clipGradNorm: 1,
      });
      results.push({ losses, values: await valuesOf(model) });
    }
    threads(before);
    for (const result of results) expect(result).toEqual(results[0]);
  });

  test("the event loop stays free, also during a single long step", async () => {
    const wide = () => new nn.Linear(1024, 1024);
    const { model, optimizer } = start(
      new nn.Sequential(new nn.Linear(4, 1024), wide(), wide(), new nn.Linear(1024, 3)),
    );
    await model.state();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const { losses } = await train.fit(model, classes(1000), { loss: nn.crossEntropy, optimizer, batchSize: 1000 });
    clearInterval(timer);
    expect(losses).toHaveLength(1);
    expect(ticks).toBeGreaterThan(5);
  });

  test("learns", async () => {
    const x = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i * 12.9898) * 2);
    const y = Int32Array.from({ length: 200 }, (_, i) => Number(x[2 * i] * x[2 * i + 1] > 0));
    const data = fromArrays({ x, xShape: [200, 2], y });
    const model = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 2));
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
    await train.fit(model, data, { loss: nn.crossEntropy, optimizer, epochs: 60, metrics: [nn.accuracy] });
    expect((await train.evaluate(model, data, { metrics: [nn.accuracy] })).metrics.accuracy).toBeGreaterThan(0.95);
  });
});
