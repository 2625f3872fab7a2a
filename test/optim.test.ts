/** Optimizers beyond their arithmetic: groups, rates, schedules, frozen parameters, state and penalties. */
import { beforeAll, describe, expect, test } from "vitest";
import { grad } from "../lib/grad.js";
import * as nn from "../lib/nn/index.js";
import * as optim from "../lib/optim/index.js";
import { read, useExecutor } from "../lib/run/index.js";
import type { Variable } from "../lib/tensor.js";
import { executors } from "./helpers.js";
import { classes, network, parameter, rejection, valuesOf, withGradient } from "./training.js";

type Make = (params: readonly Variable[]) => optim.Optimizer;
const kinds: Readonly<Record<string, Make>> = {
  SGD: (p) => new optim.SGD(p, { lr: 0.1 }),
  "SGD with momentum": (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.2 }),
  RMSprop: (p) => new optim.RMSprop(p, { momentum: 0.5, centered: true }),
  Adagrad: (p) => new optim.Adagrad(p, { lrDecay: 0.1 }),
  Adam: (p) => new optim.Adam(p, { lr: 0.01 }),
  AdamW: (p) => new optim.AdamW(p, { lr: 0.01 }),
  Lion: (p) => new optim.Lion(p, { lr: 0.01 }),
};

async function train(model: nn.Module, optimizer: optim.Optimizer, steps: number): Promise<void> {
  const [batch] = classes(24).batches({ size: 24 });
  for (let i = 0; i < steps; i++) await optimizer.step(nn.crossEntropy(model.forward(batch.x), batch.y));
}

describe.each(executors)("%s", (executor) => {
  beforeAll(() => useExecutor(executor));

  test("groups have options of their own, and the optimizer's where they have none", async () => {
    const [a, b, c] = [parameter([1], "a"), parameter([1], "b"), parameter([1], "c")];
    const groups = [{ params: [a] }, { params: [b], lr: 0.5 }, { params: [c], weightDecay: 0.25 }];
    const optimizer = new optim.SGD(groups, { lr: 0.125 });
    const losses = [a, b, c].map((p) => withGradient(p, [1]));
    await optimizer.step(losses.reduce((x, y) => x.add(y)));
    expect((await read([a, b, c])).map(([x]) => x)).toEqual([0.875, 0.5, 1 - 0.125 * 1.25]);
  });

  test("setting lr scales every group's alike", async () => {
    const [a, b] = [parameter([1], "a"), parameter([1], "b")];
    const optimizer = new optim.SGD([{ params: [a] }, { params: [b], lr: 0.5 }], { lr: 0.25 });
    expect(optimizer.lr).toBe(0.25);
    optimizer.lr = 0.125;
    await optimizer.step(withGradient(a, [1]).add(withGradient(b, [1])));
    expect((await read([a, b])).map(([x]) => x)).toEqual([0.875, 0.75]);
    optimizer.lr = 0;
    await optimizer.step(withGradient(a, [1]).add(withGradient(b, [1])));
    expect(await a.item()).toBe(0.875);
    expect(() => Object.assign(optimizer, { lr: -1 })).toThrow("SGD: lr must be a number at least 0");
  });

  test("options that are undefined stand for the defaults", async () => {
    const p = parameter([1]);
    const optimizer = new optim.SGD([{ params: [p], lr: undefined }], { lr: 0.5, momentum: undefined });
    await optimizer.step(withGradient(p, [1]));
    expect(await p.item()).toBe(0.5);
    expect(new optim.AdamW([p], { weightDecay: undefined }).groups[0].options.weightDecay).toBe(0.01);
  });

  test.each(Object.keys(kinds))("%s leaves frozen parameters untouched", async (name) => {
    const model = network();
    const optimizer = kinds[name](model.parameters());
    const [first] = model.children();
    first.freeze();
    const before = await valuesOf(first);
    const lastWeight = async () => (await valuesOf(model))["4.weight"];
    const last = await lastWeight();
    await train(model, optimizer, 3);
    expect(await valuesOf(first)).toEqual(before);
    expect(await lastWeight()).not.toEqual(last);
    first.unfreeze();
    await train(model, optimizer, 1);
    expect(await valuesOf(first)).not.toEqual(before);
  });

  test("parameters that the loss does not depend on only decay", async () => {
    const [used, idle] = [parameter([1]), parameter([1])];
    await new optim.SGD([used, idle], { lr: 0.5, weightDecay: 0.5 }).step(withGradient(used, [1]));
    expect((await read([used, idle])).map(([x]) => x)).toEqual([0.25, 0.75]);
  });

  test.each(Object.keys(kinds))("%s resumed from its state makes bit-equal steps", async (name) => {
    const make = (from: number) => {
      const model = network(from, 0);
      return { model, optimizer: kinds[name](model.parameters()) };
    };
    const [first, fresh, used] = [make(3), make(4), make(5)];
    await train(first.model, first.optimizer, 3);
    await train(used.model, used.optimizer, 1); // has moments of its own by now
    const [weights, moments] = [await first.model.state(), await first.optimizer.state()];
    for (const { model, optimizer } of [fresh, used]) {
      model.loadState(weights);
      optimizer.loadState(moments);
      expect(optimizer.steps).toBe(3);
    }
    const ends = [];
    for (const { model, optimizer } of [first, fresh, used]) {
      await train(model, optimizer, 4);
      ends.push({ weights: await valuesOf(model), moments: await valuesOf(optimizer) });
    }
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[2]).toEqual(ends[0]);
  });

  test("penalties and their gradients", async () => {
    const [a, b] = [parameter([1, -2, 0]), parameter([3])];
    const l1 = optim.l1Penalty([a, b], 0.5);
    const l2 = optim.l2Penalty([a, b], 0.5);
    const [sum, squares, ...grads] = await read([l1, l2, ...grad(l1, [a, b]), ...grad(l2, [a, b])]);
    expect([sum[0], squares[0]]).toEqual([3, 3.5]);
    expect(grads.map((g) => [...g])).toEqual([[0.5, -0.5, 0], [0.5], [0.5, -1, 0], [1.5]]);
  });

  test("the L2 penalty is SGD's weight decay", async () => {
    const [a, b] = [parameter([1, -2]), parameter([1, -2])];
    await new optim.SGD([a], { lr: 0.5, weightDecay: 0.25 }).step(withGradient(a, [1, 1]));
    await new optim.SGD([b], { lr: 0.5 }).step(withGradient(b, [1, 1]).add(optim.l2Penalty([b], 0.25)));
    const [[...x], [...y]] = await read([a, b]);
    expect(x).toEqual(y);
  });

  test("a step reports loss, norm and that nothing was left out", async () => {
    const p = parameter([1, 1]);
    const result = await new optim.SGD([p], { lr: 0.5 }).step(withGradient(p, [3, 4]));
    expect(result).toEqual({ loss: 7, gradNorm: 5, skipped: false, nonFinite: [] });
  });

  test("steps that fail do not count and change nothing", async () => {
    const p = parameter([1, 1]);
    const optimizer = new optim.Adam([p], { lr: 0.5 });
    const loss = (label: number) => nn.crossEntropy(p, withGradient(p, [0, 0]).mul(0).add(label).cast("i32"));
    const vector = optimizer.step(p);
    expect((await rejection(vector)).message).toBe(
      "grad: loss must have one element, got [2]. Reduce it first, e.g. with mean()",
    );
    expect((await rejection(optimizer.step(loss(2)))).message).toContain(
      "label 2 at position 0 is out of range for 2 classes",
    );
    const reason = new Error("enough");
    expect(await rejection(optimizer.step(loss(1), { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(optimizer.steps).toBe(0);
    expect([...(await p.data())]).toEqual([1, 1]);
    await optimizer.step(loss(1));
    expect(optimizer.steps).toBe(1);
    expect([...(await p.data())]).toEqual([0.5, 1.5]);
  });
});

describe("schedules", () => {
  const factors = (schedule: optim.Schedule, total = 8): number[] =>
    Array.from({ length: total }, (_, i) => schedule(i, total));

  test("cosine", () => {
    const want = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => (1 + Math.cos((Math.PI * i) / 8)) / 2);
    expect(factors(optim.cosine())).toEqual(want);
    expect(optim.cosine({ floor: 0.5 })(0, 8)).toBe(1);
    expect(optim.cosine({ floor: 0.5 })(8, 8)).toBe(0.5);
  });

  test("linear", () => {
    expect(factors(optim.linear(), 4)).toEqual([1, 0.75, 0.5, 0.25]);
    expect(factors(optim.linear({ floor: 0.5 }), 4)).toEqual([1, 0.875, 0.75, 0.625]);
    expect(optim.linear()(9, 4)).toBe(0);
  });

  test("stepDecay", () => {
    expect(factors(optim.stepDecay({ every: 2, factor: 0.5 }))).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]);
    expect(factors(optim.stepDecay({ every: 4 }))).toEqual([1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1]);
  });

  test("warmup", () => {
    expect(factors(optim.warmup(4))).toEqual([0.25, 0.5, 0.75, 1, 1, 1, 1, 1]);
    expect(factors(optim.warmup(4, optim.linear()))).toEqual([0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]);
    expect(factors(optim.warmup(0, optim.linear()), 4)).toEqual([1, 0.75, 0.5, 0.25]);
  });

  test("refuse what makes no sense", () => {
    expect(() => optim.cosine({ floor: 2 })).toThrow("cosine: floor must be a number at least 0 and at most 1, got 2");
    expect(() => optim.linear({ floor: -1 })).toThrow("linear: floor");
    expect(() => optim.stepDecay({ every: 0 })).toThrow("stepDecay: every must be a whole number at least 1, got 0");
    expect(() => optim.stepDecay({ every: 1, factor: 0 })).toThrow("stepDecay: factor");
    expect(() => optim.warmup(1.5)).toThrow("warmup: steps must be a whole number");
  });
});
