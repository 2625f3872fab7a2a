/** Runs that the doctor mends: each repair is tried, kept or taken back, and said. */
import { describe, expect, test } from "vitest";
import { DataSet } from "../lib/data/index.js";
import { Monitor } from "../lib/health/monitor.js";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { randn, seed, tensor } from "../lib/ops/index.js";
import { Adam, SGD } from "../lib/optim/index.js";
import type { Shape } from "../lib/shape.js";
import { type EpochRecord, evaluate, fit } from "../lib/train/index.js";
import { Loop } from "../lib/train/loop.js";
import { huge, loss, set, stack, watched } from "./doctored.js";
import { rejection, valuesOf } from "./training.js";

describe("repair", () => {
  test("draws weights anew, and says so; twice alike", async () => {
    const run = async () => {
      seed(5);
      const model = stack(huge);
      const { health, losses } = await watched(model, { health: { repair: "auto" } });
      return { health, losses, values: await valuesOf(model) };
    };
    const { health, losses, values } = await run();
    expect(health.healthy).toBe(true);
    const [first] = health.repairs;
    expect(first).toMatchObject({
      repair: "reinitialize",
      outcome: "kept",
      step: 0,
      backTo: 0,
      code: "init.auto(model, batch.x)",
    });
    expect(first.finding.rule).toBe("exploding-signal");
    expect(first.trial.with).toBeLessThan(first.trial.without);
    expect(health.verdict).toMatch(/^repaired: drew all weights anew/);
    expect(losses).toHaveLength(80);
    expect(losses.at(-1)).toBeLessThan(0.8);
    const again = await run();
    expect(again.losses).toEqual(losses);
    expect(again.values).toEqual(values);
  });

  test("gives the optimizer what it lacks", async () => {
    seed(5);
    const model = stack();
    const optimizer = new SGD(model.parameters().slice(2), { lr: 0.1, momentum: 0.9 });
    const { health } = await watched(model, { optimizer, health: { repair: "auto" } });
    expect(health.repairs.filter(({ outcome }) => outcome === "kept")[0]).toMatchObject({
      repair: "giveAll",
      did: "gave the optimizer 0.weight and 1 more",
      code: "new optim.SGD(model.parameters(), …)",
    });
    expect(health.healthy).toBe(true);
  });

  test("lets layers learn that are frozen at weights of no use, and draws nothing anew that is frozen", async () => {
    seed(5);
    const model = stack();
    for (const layer of [model[0], model[2]] as nn.Linear[]) {
      layer.weight.initial = randn(layer.weight.shape, { std: 1e-4 });
      layer.freeze();
    }
    const { health } = await watched(model, { health: { repair: "auto" } });
    const at = health.repairs.findIndex(({ repair, outcome }) => repair === "unfreeze" && outcome === "kept");
    const drawn = health.repairs.slice(0, at).filter(({ repair }) => repair === "reinitialize");
    expect(drawn.length).toBeGreaterThan(0);
    for (const { did } of drawn) expect(did).toMatch(/^drew the weights that are not frozen anew/);
  });

  test("lowers a rate that is far too high until it helps no more", async () => {
    seed(6);
    const { health } = await watched(stack(), { lr: 200, health: { repair: "auto" } });
    const kept = health.repairs.filter(({ outcome }) => outcome === "kept");
    expect(kept[0]).toMatchObject({ repair: "lowerRate" });
    expect(Number(/to (.*)$/.exec(kept[0].did)?.[1])).toBeLessThan(3);
  });

  test("repairs what was found together where one repair alone does not help", async () => {
    seed(6);
    const x = await randn([300, 4]).data();
    const y = Float32Array.from({ length: 300 }, (_, i) => 400 * (x[4 * i] - x[4 * i + 1]));
    const rows = new DataSet(tensor(x, [300, 4]), tensor(y, [300, 1]));
    const model = new nn.Sequential(new nn.Linear(4, 32), new nn.SiLU(), new nn.Linear(32, 1), new nn.ReLU());
    const optimizer = new SGD(model.parameters(), { lr: 0.05 });
    const { health } = await fit(model, rows, {
      ...{ loss: nn.mse, optimizer, batchSize: 30, epochs: 8, health: { repair: "auto" as const } },
    });
    const kept = health?.repairs.filter(({ outcome }) => outcome === "kept").map(({ repair }) => repair);
    expect(kept?.slice(0, 2)).toEqual(["dropActivation", "rescaleOutputs"]);
    const tried = health?.repairs.filter(({ trial }) => trial.with === health.repairs[1].trial.with) ?? [];
    expect(tried.map(({ outcome }) => outcome)).toContain("kept");
    expect(health?.healthy).toBe(true);
  });

  test("draws weights anew and lowers the rate together where the new ones blow up", async () => {
    seed(6);
    const asleep = { biasInit: init.constant(-10) };
    const model = new nn.Sequential(
      ...[4, 16, 16, 16].flatMap((inputs) => [new nn.Linear(inputs, 16, asleep), new nn.ReLU()]),
      new nn.Linear(16, 3),
    );
    const { health, losses } = await watched(model, { lr: 8, health: { repair: "auto" } });
    expect(health.findings[0].rule).toBe("dead-units");
    const [alone, ...others] = health.repairs;
    expect(alone).toMatchObject({ repair: "reinitialize", outcome: "undone" });
    const kept = others.filter(({ outcome }) => outcome === "kept");
    expect(kept.slice(0, 2).map(({ repair }) => repair)).toEqual(["reinitialize", "lowerRate"]);
    expect(kept[0].trial).toEqual(kept[1].trial);
    expect(losses.at(-1)).toBeLessThan(0.8);
  });

  test("lets the optimizer forget sooner where its memory is as long as the run", async () => {
    seed(6);
    const model = stack();
    const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.999 });
    const { health } = await watched(model, { optimizer, health: { repair: "auto" } });
    expect(health.findings[0]).toMatchObject({
      rule: "long-memory",
      measured: "a momentum of 0.999 remembers 1000 steps, and the run has 80",
    });
    expect(health.repairs[0]).toMatchObject({ repair: "usualMemory", outcome: "kept", did: "momentum 0.999 to 0.9" });
  });

  test("takes larger batches where batch norm gets two rows, in as many steps", async () => {
    seed(6);
    const model = new nn.Sequential(
      ...[new nn.Linear(4, 16), new nn.BatchNorm(16), new nn.ReLU(), new nn.Linear(16, 16)],
      ...[new nn.BatchNorm(16), new nn.ReLU(), new nn.Linear(16, 3)],
    );
    const { health, losses } = await watched(model, { batchSize: 2, epochs: 1, health: { repair: "auto" } });
    expect(health.repairs[0]).toMatchObject({
      repair: "largerBatch",
      outcome: "kept",
      code: "batchSize: 32, epochs: 15",
    });
    expect(losses).toHaveLength(150);
  });

  test("goes on with another rate where the one that is left is far too low", async () => {
    seed(5);
    const model = stack(init.zeros);
    const optimizer = new SGD(model.parameters(), { lr: 0.003 });
    const { health, losses } = await watched(model, { optimizer, health: { repair: "auto" } });
    const kept = health.repairs.filter(({ outcome }) => outcome === "kept").map(({ repair }) => repair);
    expect(kept[0]).toBe("reinitialize");
    expect(kept).toContain("raiseRate");
    expect(losses.at(-1)).toBeLessThan(0.9);
    // Rows that a long trial is judged by are not those that it trains on.
    expect(health.repairs.find(({ repair }) => repair === "raiseRate")?.trial.steps).toBe(80);
  });

  test("goes on with residual paths where a deep stack still learns little", async () => {
    seed(6);
    const tiny: init.Initializer = (shape: Shape, o) => randn(shape, { std: 0.02, ...o });
    const deep = Array.from({ length: 12 }, (_, i) => [
      new nn.Linear(i ? 16 : 4, 16, { weightInit: tiny }),
      new nn.ReLU(),
    ]);
    const model = new nn.Sequential(...deep.flat(), new nn.Linear(16, 3));
    const { health, losses } = await watched(model, { health: { repair: "auto" } });
    const kept = health.repairs.filter(({ outcome }) => outcome === "kept");
    expect(kept.slice(0, 2).map(({ repair }) => repair)).toEqual(["reinitialize", "residual"]);
    expect(kept[1].trial.with).toBeLessThan(0.9 * kept[1].trial.without);
    expect(model.namedModules().filter(([, part]) => part instanceof nn.Residual)).toHaveLength(11);
    expect(losses.at(-1)).toBeLessThan(0.5);
  });

  test("takes a softmax before cross-entropy away and keeps the weights", async () => {
    seed(7);
    const model = stack(undefined, [new nn.Softmax()]);
    const { health } = await watched(model, { health: { repair: "auto" } });
    expect(health.repairs[0]).toMatchObject({ repair: "dropActivation", outcome: "kept" });
    expect(model[5]).toBeInstanceOf(nn.Lambda);
    expect(model.namedParameters().map(([path]) => path)).toContain("4.weight");
  });

  test("goes back to where a run was healthy when it blows up on the way", async () => {
    seed(8);
    const model = stack();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const schedule = (step: number) => (step === 55 ? 1e9 : 1);
    const { health, losses } = await watched(model, { optimizer, schedule, health: { repair: "auto", every: 10 } });
    expect(losses).toHaveLength(80);
    expect(losses.every(Number.isFinite)).toBe(true);
    const kept = health.repairs.find(({ outcome }) => outcome === "kept");
    expect(kept?.backTo).toBeLessThan(kept?.step ?? 0);
    expect(health.findings.map(({ rule }) => rule)).toContain("non-finite");
  });

  test("ends an overfitting run where validation was best", async () => {
    seed(9);
    const x = randn([40, 10]);
    const noise = new DataSet(
      tensor(await x.data(), [40, 10]),
      tensor(
        Int32Array.from({ length: 40 }, (_, i) => i % 2),
        [40],
        "i32",
      ),
    );
    const [train, validation] = [noise.take(20), noise.rows(Array.from({ length: 20 }, (_, i) => 20 + i))];
    const model = new nn.Sequential(new nn.Linear(10, 64), new nn.ReLU(), new nn.Linear(64, 2));
    const optimizer = new Adam(model.parameters(), { lr: 0.02 });
    const history = await fit(model, train, {
      loss,
      optimizer,
      validation,
      batchSize: 10,
      epochs: 40,
      health: { repair: "auto" },
    });
    const repair = history.health?.repairs.at(-1);
    expect(repair).toMatchObject({ repair: "stopEarly", outcome: "kept" });
    expect(history.stopped).toBe("health");
    const judged = history.epochs.map((e) => e.validation?.loss ?? Number.NaN);
    expect(judged.at(-1)).toBe(Math.min(...judged));
  });

  test("goes back to the best answers, also where being too sure of others costs more", async () => {
    const y = Int32Array.from({ length: 300 }, (_, i) => i % 3);
    const x = tensor(
      Float32Array.from({ length: 900 }, (_, i) => Number(y[Math.floor(i / 3)] === i % 3)),
      [300, 3],
    );
    const rows = new DataSet(x, tensor(y, [300], "i32"));
    const model = new nn.Sequential(new nn.Linear(3, 3, { bias: false }));
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const loop = new Loop(model, rows, { loss, optimizer, validation: rows });
    const monitor = new Monitor(loop, { repair: "auto" });
    await monitor.begin();
    /** Ends an epoch with weights of a size that take some classes for the next one. */
    const epoch = async (size: number, taken: readonly number[]) => {
      const weight = [0, 1, 2].map((k) => [0, 1, 2].map((j) => (k === (j + Number(taken.includes(j))) % 3 ? size : 0)));
      model.loadState({ "0.weight": tensor(weight) });
      const { loss: value } = await evaluate(model, rows, { loss });
      await monitor.epochEnded({ ...({} as EpochRecord), validation: { loss: value, metrics: {} } });
      return Reflect.get(monitor, "best").loss - value;
    };
    expect(await epoch(0.01, [0, 1, 2])).toBe(0);
    expect(await epoch(20, [2])).toBe(0);
    expect(await epoch(40, [2])).toBeLessThan(0);
    expect(await epoch(1, [2])).toBe(0);
  });

  test("that helps nothing is taken back and said so", async () => {
    seed(10);
    // The loss ignores the output: nothing can lower it.
    const model = stack();
    const { health } = await watched(model, { loss: (z) => z.mul(0).sum().add(1), health: { repair: "auto" } });
    expect(health.repairs.length).toBeGreaterThan(0);
    expect(health.repairs.every(({ outcome }) => outcome === "undone")).toBe(true);
    expect(health.healthy).toBe(false);
    expect(model.namedParameters()).toHaveLength(6);
  });

  test("is taken back when the run is aborted in the middle of it", async () => {
    seed(11);
    const model = stack(undefined, [new nn.Softmax()]);
    const before = await valuesOf(model);
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const controller = new AbortController();
    // Two hundred steps without a repair, and then as many with it.
    let steps = 0;
    const schedule = (): number => {
      if (++steps === 300) controller.abort();
      return 1;
    };
    const options = { loss, optimizer, batchSize: 1, epochs: 50, schedule, health: { repair: "auto" as const } };
    await rejection(fit(model, set(), { ...options, signal: controller.signal }));
    expect(model[5]).toBeInstanceOf(nn.Softmax);
    expect(await valuesOf(model)).toEqual(before);
    expect(optimizer.steps).toBe(0);
    // And both can be trained on.
    await fit(model, set(), { loss, optimizer, epochs: 1 });
    expect(optimizer.steps).toBe(10);
  });
});
