/** What may go wrong while a graph runs: each gives a good error on both executors, and leaves everything usable. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collect } from "../lib/compile/graph.js";
import { EvengradError } from "../lib/error.js";
import * as ops from "../lib/ops/index.js";
import { evaluate, initialize, threads, useExecutor } from "../lib/run/index.js";
import { type Tensor, Variable } from "../lib/tensor.js";
import { executorOf, executors, sample } from "./helpers.js";

const labels = (...values: number[]): Tensor => ops.tensor(values, [values.length], "i32");

afterEach(() => {
  useExecutor("native");
});

describe.each(executors)("%s", (name) => {
  beforeEach(() => {
    useExecutor(name);
  });

  /** After every error: other work, and the same kind of work done rightly. */
  const usable = async (): Promise<void> => {
    expect([
      ...(await sample(1, [3, 3], [1, 2])
        .ceil()
        .pick(labels(0, 1, 2))
        .data()),
    ]).toEqual([2, 2, 2]);
  };

  const x = sample(2, [3, 5]);
  const bad: [string, () => Promise<unknown>, RegExp][] = [
    [
      "a label above the classes",
      () => x.pick(labels(0, 7, 1)).data(),
      /^pick: label 7 at position 1 is out of range for 5 classes \(0 to 4\)/,
    ],
    [
      "a label below 0",
      () => x.pick(labels(0, 1, -1)).data(),
      /^pick: label -1 at position 2 is out of range for 5 classes \(0 to 4\)/,
    ],
    [
      "a label out of range in a gradient",
      async () => {
        const at = labels(0, 5, 1);
        const { grad } = await import("../lib/grad.js");
        return grad(x.logSoftmax().pick(at).mean(), [x])[0].data();
      },
      /^(un)?pick: label 5 at position 1 is out of range for 5 classes/,
    ],
    [
      "an index above the axis",
      () => x.gather(labels(1, 3)).data(),
      /^gather: index 3 at position 1 is out of range for size 3/,
    ],
    [
      "an index below 0",
      () => x.indexSelect(labels(-1), 1).data(),
      /^gather: index -1 at position 0 is out of range for size 5/,
    ],
    [
      "an index to scatter to",
      () => x.scatterAdd(labels(0, 1, 9), 4).data(),
      /^scatterAdd: index 9 at position 2 is out of range for size 4/,
    ],
    ["item of several elements", () => x.item(), /^item: wants a tensor of one element, got \[3,5\]\. Use data\(\)/],
    [
      "a result larger than memory",
      () => ops.zeros([2 ** 37]).data(),
      /^run: the result's 137438953472 elements do not fit in memory.*Use smaller tensors/,
    ],
    [
      "a random result larger than memory",
      () => ops.randn([2 ** 20, 2 ** 17]).data(),
      /^run: the result's 137438953472 elements do not fit in memory/,
    ],
    [
      "an intermediate larger than memory",
      () =>
        ops
          .randn([2 ** 20, 2 ** 17])
          .sum()
          .item(),
      /^run: out of memory: /,
    ],
    [
      "a variable larger than memory",
      () => new Variable(ops.zeros([2 ** 37]), { label: "huge" }).sum().item(),
      /^run: .*do not fit in memory/,
    ],
  ];
  it.each(bad)("%s", async (_name, call, message) => {
    const error = await call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(EvengradError);
    expect((error as Error).message).toMatch(message);
    await usable();
  });

  it("an error in a run leaves variables as they were, and lets them be written again", async () => {
    const w = new Variable(ops.ones([5]), { label: "w" });
    const step = (label: number): Promise<unknown> => {
      const y = x.add(w).pick(labels(0, label, 1));
      return evaluate({ outputs: [y], effects: [{ variable: w, value: w.add(1) }] });
    };
    await expect(step(9)).rejects.toThrow(/label 9 at position 1/);
    expect([...(await w.data())]).toEqual([1, 1, 1, 1, 1]);
    await step(2);
    expect([...(await w.data())]).toEqual([2, 2, 2, 2, 2]);
  });

  it("an error in a later step says which, and the steps before it count", async () => {
    const w = new Variable(ops.zeros([1]), { label: "w" });
    const at = ops.feed(() => [0], [1], "i32");
    const graph = collect({ outputs: [x.slice([0, 1]).pick(at)], effects: [{ variable: w, value: w.add(1) }] });
    await initialize(graph.leaves);
    const feeds = new Map([[at, Int32Array.of(0, 1, 2, 99, 4)]]);
    const error = await executorOf(name)
      .prepare(graph)
      .run({ steps: 5, feeds })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EvengradError);
    expect((error as EvengradError).step).toBe(3);
    expect(w.storage?.[0]).toBe(3);
    await usable();
  });

  it("two runs that write one variable at once", async () => {
    const w = new Variable(ops.zeros([1]), { label: "0.weight" });
    const step = (): Promise<unknown> => evaluate({ outputs: [], effects: [{ variable: w, value: w.add(1) }] });
    await step();
    const both = await Promise.allSettled([step(), step()]);
    expect(both.map((r) => r.status)).toEqual(["fulfilled", "rejected"]);
    const { reason } = both[1] as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(EvengradError);
    expect((reason as Error).message).toBe(
      "run: variable 0.weight is being written by another run. Await that one first, " +
        "or read several tensors in one run: read([…])",
    );
    await step();
    expect(await w.item()).toBe(3);
  });

  it("two runs that give one variable its first value", async () => {
    let draws = 0;
    const initial = ops.feed(() => [++draws], [1]);
    const w = new Variable(initial.mul(1), { label: "w" });
    expect(await Promise.all([w.data(), w.data(), w.add(1).data()])).toEqual(
      [[1], [1], [2]].map((v) => Float32Array.from(v)),
    );
  });

  it("a first value that fails is tried again", async () => {
    const at = Int32Array.of(9);
    const w = new Variable(x.slice(0).gather(ops.feed(() => at, [1], "i32")), { label: "w" });
    await expect(w.data()).rejects.toThrow(/index 9/);
    await expect(w.data()).rejects.toThrow(/index 9/);
    w.initial = ops.ones([1]);
    expect(await w.item()).toBe(1);
  });

  it("runs that nobody awaits", async () => {
    for (let k = 0; k < 20; k++) void sample(k, [40, 40]).exp().sum().data();
    await usable();
  });
});

describe("the choice of an executor", () => {
  it("refuses a name that is none", () => {
    expect(() => useExecutor("gpu" as "native")).toThrow(
      /^useExecutor: name must be "native" or "reference", got "gpu"/,
    );
  });

  it("holds for what is read from then on", async () => {
    const tiny = ops.tensor([1]).add(1e-10).sub(1);
    useExecutor("reference");
    expect(await tiny.item()).toBeCloseTo(1e-10, 15);
    useExecutor("native");
    expect(await tiny.item()).toBe(0);
  });

  it("refuses numbers of threads that are none", () => {
    for (const count of [0, 257, 1.5, Number.NaN]) {
      expect(() => threads(count)).toThrow(
        new EvengradError("threads", `count must be a whole number from 1 to 256, got ${count}`),
      );
    }
    expect(threads()).toBeGreaterThan(0);
  });
});

it("variables and reads refuse what is not theirs", async () => {
  type Loose = new (...args: unknown[]) => Variable;
  expect(() => new (Variable as Loose)([1, 2])).toThrow("Variable: initial must be a tensor, got [1,2]. Use tensor(…)");
  const misspelled = () => new (Variable as Loose)(ops.ones([1]), { name: "w" });
  expect(misspelled).toThrow('Variable: unknown option "name". Known: label, trainable');
  const x = ops.ones([2]).add(1);
  await expect(x.data({ sgnal: 1 } as object)).rejects.toThrow('read: unknown option "sgnal". Did you mean "signal"?');
  await expect(x.data({ signal: 5 } as object)).rejects.toThrow("read: signal must be an AbortSignal, got 5");
});
