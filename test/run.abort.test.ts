/** Runs that are aborted: they stop, nothing is half written, and what comes after is not affected. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collect } from "../lib/compile/graph.js";
import * as ops from "../lib/ops/index.js";
import { evaluate, initialize, useExecutor } from "../lib/run/index.js";
import { type Tensor, Variable } from "../lib/tensor.js";
import { executorOf, executors, sample } from "./helpers.js";

afterEach(() => {
  useExecutor("native");
});

/** Work that takes a while on either executor: k products in a row. */
const work = (k: number, size: number): Tensor => {
  const a = sample(1, [size, size], [-0.1, 0.1]);
  let x: Tensor = a;
  for (let i = 0; i < k; i++) x = x.matmul(a);
  return x.sum();
};

/** A count of steps and a matrix that every step adds 1 to, with work before the writes. */
function counting(amount: Tensor): { count: Variable; w: Variable; request: Parameters<typeof collect>[0] } {
  const count = new Variable(ops.zeros([]), { label: "count" });
  const w = new Variable(ops.zeros([300, 40]), { label: "w" });
  const zero = amount.mul(0);
  const effects = [
    { variable: count, value: count.add(zero).add(1) },
    { variable: w, value: w.add(zero.add(1)) },
  ];
  return { count, w, request: { outputs: [zero], effects } };
}

describe.each(executors)("%s", (name) => {
  beforeEach(() => {
    useExecutor(name);
  });

  it("does not begin under a signal that is aborted already", async () => {
    const w = new Variable(ops.zeros([2]));
    await w.data();
    const reason = new Error("enough");
    for (const read of [
      () => w.add(1).data({ signal: AbortSignal.abort(reason) }),
      () => w.slice(0).item({ signal: AbortSignal.abort(reason) }),
      () => w.array({ signal: AbortSignal.abort(reason) }),
      () =>
        evaluate({ outputs: [w], effects: [{ variable: w, value: w.add(1) }] }, { signal: AbortSignal.abort(reason) }),
    ]) {
      await expect(read()).rejects.toBe(reason);
    }
    await expect(w.add(1).data({ signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
    expect([...(await w.data())]).toEqual([0, 0]);
  });

  it("stops between steps: as many are written as are reported", async () => {
    const { count, w, request } = counting(work(2, 40));
    const graph = collect(request);
    await initialize(graph.leaves);
    const steps = 200_000;
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const small = collect({ outputs: [], effects: request.effects });
    const result = await executorOf(name).prepare(small).run({ steps, signal: controller.signal });
    expect(result.steps).toBeLessThan(steps);
    expect(count.storage?.[0]).toBe(result.steps);
    expect(new Set(w.storage)).toEqual(new Set([result.steps]));
  });

  it("stops within a step before anything is written, or ends it", async () => {
    for (const delay of [0, 1, 3, 10]) {
      const { count, w, request } = counting(work(8, name === "native" ? 300 : 40));
      const graph = collect(request);
      await initialize(graph.leaves);
      const controller = new AbortController();
      setTimeout(() => controller.abort(), delay);
      const { steps } = await executorOf(name).prepare(graph).run({ signal: controller.signal });
      expect([0, 1]).toContain(steps);
      expect(count.storage?.[0]).toBe(steps);
      expect(new Set(w.storage)).toEqual(new Set([steps]));
    }
  });

  it("rejects with the signal's reason, and variables can be written at once after", async () => {
    const { count, w, request } = counting(work(name === "native" ? 60 : 8, name === "native" ? 300 : 100));
    await initialize([count, w]);
    const controller = new AbortController();
    const run = evaluate(request, { signal: controller.signal });
    const reason = new Error("stopped by hand");
    setImmediate(() => controller.abort(reason));
    const ended = await run.then(
      () => 1,
      (error: unknown) => {
        expect(error).toBe(reason);
        return 0;
      },
    );
    expect(await count.item()).toBe(ended);
    await evaluate({ outputs: [], effects: [{ variable: count, value: count.add(10) }] });
    expect(await count.item()).toBe(ended + 10);
  });

  it("an abort after the end does nothing, and leaves no listener behind", async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...x: Parameters<typeof add>) => {
      listeners++;
      add(...x);
    };
    signal.removeEventListener = (...x: Parameters<typeof remove>) => {
      listeners--;
      remove(...x);
    };
    for (let k = 0; k < 30; k++) await sample(k, [5]).exp().data({ signal });
    expect(listeners).toBe(0);
    controller.abort();
    expect([...(await ops.ones([2]).mul(3).data())]).toEqual([3, 3]);
  });

  it("one of many runs is aborted, the others end", async () => {
    const controllers = Array.from({ length: 10 }, () => new AbortController());
    const runs = controllers.map(({ signal }, k) => work(2, 60).mul(0).add(k).item({ signal }));
    controllers[3].abort();
    controllers[7].abort();
    const ended = await Promise.allSettled(runs);
    for (const [k, result] of ended.entries()) {
      if (k === 3 || k === 7) expect(result.status).toBe("rejected");
      else expect(result).toEqual({ status: "fulfilled", value: k });
    }
  });
});
