/** The doctor's bench: its zoo of runs, their rows, and how they are trained. */
import { describe, expect, it } from "vitest";
import { setsOf } from "../bench/doctor/data.js";
import { faultNamed, faults, pairs, severities } from "../bench/doctor/faults/index.js";
import { networkOf } from "../bench/doctor/model.js";
import { Random } from "../bench/doctor/random.js";
import { repairs } from "../bench/doctor/search.js";
import { change, describe as inALine, type RunSpec, stepsOf } from "../bench/doctor/spec.js";
import { train } from "../bench/doctor/train.js";
import { bothWant, halves, zooOf } from "../bench/doctor/zoo.js";
import { healthyRun } from "./zoo.js";

describe("the zoo", () => {
  const [tuning, test] = halves.map(zooOf);

  it("is the same every time", () => {
    expect(zooOf("tuning")).toEqual(tuning);
  });

  it("has at least 200 faulty runs and 200 healthy ones, no two the same", () => {
    const faulty = [...tuning.faulty, ...test.faulty];
    const healthy = [...tuning.healthy, ...test.healthy];
    expect(faulty.length).toBeGreaterThanOrEqual(200);
    expect(healthy.length).toBeGreaterThanOrEqual(200);
    const all = [...faulty.map((r) => r.spoiled), ...healthy.map((r) => r.run)].map((run) => JSON.stringify(run));
    expect(new Set(all).size).toBe(all.length);
  });

  it("has halves that share no run and no rows", () => {
    const seeds = [tuning, test].map((zoo) => [
      ...zoo.faulty.flatMap((r) => [r.id, r.spoiled.data.seed]),
      ...zoo.healthy.flatMap((r) => [r.id, r.run.data.seed]),
    ]);
    expect(seeds[0].filter((seed) => seeds[1].includes(seed))).toEqual([]);
  });

  it.each(halves)("has every fault, mild and severe, and every pair in the half %s", (half) => {
    const ids = zooOf(half).faulty.map(({ faults, severity }) => `${faults.join("+")} ${severity}`);
    const wanted = [...faults.map(({ name }) => [name]), ...pairs].flatMap((names) =>
      severities.map((severity) => `${names.join("+")} ${severity}`),
    );
    expect(new Set(ids)).toEqual(new Set(wanted));
  });

  it("has runs that differ from their repaired twins, in a few hundred steps", () => {
    for (const { id, spoiled, repaired } of [...tuning.faulty, ...test.faulty]) {
      expect(spoiled, id).not.toEqual(repaired);
      for (const run of [spoiled, repaired]) {
        expect([id, stepsOf(run) >= 30 && stepsOf(run) <= 600]).toEqual([id, true]);
      }
    }
  });

  it("spreads over all depths, activations, norms, optimizers and data", () => {
    const runs = [...tuning.healthy, ...test.healthy].map(({ run }) => run);
    const seen = (of: (run: RunSpec) => unknown): number => new Set(runs.map(of)).size;
    expect(seen(({ net }) => net.activation)).toBe(8);
    expect(seen(({ net }) => net.norm)).toBe(3);
    expect(seen(({ train }) => train.optimizer)).toBe(5);
    expect(seen(({ data }) => data.kind)).toBe(9);
    expect(seen(({ net }) => net.depth)).toBeGreaterThan(8);
  });

  it("puts two faults into one run only where both can be", () => {
    expect(bothWant({ depth: [1, 5], norm: ["none", "batch"] }, { depth: [3, 8], norm: ["batch"] })).toMatchObject({
      depth: [3, 5],
      norm: ["batch"],
    });
    expect(() => bothWant({ norm: ["none"] }, { norm: ["batch"] })).toThrow("internal: two faults agree on no norm");
    expect(() => bothWant({ depth: [1, 2] }, { depth: [3, 4] })).toThrow("internal: two faults agree on no depth");
  });

  it("knows its faults by name", () => {
    expect(() => faultNamed("bad-luck")).toThrow(/there is no fault bad-luck; there are init-small, /);
  });
});

describe("rows", () => {
  const { data } = healthyRun;
  const columnsOf = (x: ArrayLike<number>, width: number, column: number): number[] =>
    Array.from({ length: x.length / width }, (_, i) => x[i * width + column]);
  const moments = (values: readonly number[]): [number, number] => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return [mean, Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length)];
  };
  const shareOf = (values: ArrayLike<number>, holds: (v: number, i: number) => boolean): number =>
    Array.from(values).filter(holds).length / values.length;

  it("are of mean 0 and variance 1, then scaled and moved, for training and test alike", async () => {
    const { train, test } = await setsOf({ ...data, scale: 255, offset: 20 }, "crossEntropy");
    const [mean, std] = moments(columnsOf(train.x.values, 8, 3));
    expect(mean).toBeCloseTo(20, 3);
    expect(std).toBeCloseTo(255, 2);
    expect(Math.abs(moments(columnsOf(test.x.values, 8, 3))[1] - 255)).toBeLessThan(60);
  });

  it("change places or are wrong as often as asked for, and never in the test", async () => {
    const clean = await setsOf(data, "crossEntropy");
    const spoiled = await setsOf({ ...data, classes: data.classes, wrong: 0.3 }, "crossEntropy");
    const other = (part: "train" | "test") => shareOf(spoiled[part].y.values, (y, i) => y !== clean[part].y.values[i]);
    expect(other("train")).toBeCloseTo(0.3, 5);
    expect(other("test")).toBe(0);
    const shuffled = await setsOf({ ...data, shuffled: 1 }, "crossEntropy");
    expect([...shuffled.train.y.values].sort()).toEqual([...clean.train.y.values].sort());
    expect(shareOf(shuffled.train.y.values, (y, i) => y !== clean.train.y.values[i])).toBeGreaterThan(0.4);
  });

  it("are rare in training where asked for, even in the test", async () => {
    const { train, test } = await setsOf({ ...data, classes: 2, rare: 0.04 }, "crossEntropy");
    expect(shareOf(train.y.values, (y) => y === 1)).toBeCloseTo(0.04, 5);
    expect(shareOf(test.y.values, (y) => y === 1)).toBeCloseTo(0.5, 5);
  });

  it("of images are others for training and for validation", async () => {
    const { train, validation } = await setsOf({ ...data, kind: "images", classes: 10, rows: 100 }, "crossEntropy");
    const rows = ({ x }: typeof train) =>
      Array.from({ length: x.shape[0] }, (_, i) => x.values.subarray(784 * i, 784 * (i + 1)).join());
    const trained = new Set(rows(train));
    expect(trained.size).toBe(100);
    expect(rows(validation).filter((row) => trained.has(row))).toEqual([]);
  });

  it("of a regression have targets of the scale asked for", async () => {
    const { train, variance } = await setsOf({ ...data, kind: "waves", classes: 0, targetScale: 100 }, "mse");
    expect(moments([...train.y.values])[1]).toBeCloseTo(100, 2);
    expect(variance).toBeGreaterThan(5000);
    expect(train.y.shape).toEqual([500, 1]);
  });
});

describe("a run", () => {
  it("learns, the same for the same seed, and its spoiled twin does not", async () => {
    const first = await train(healthyRun, 1);
    expect(first.score).toBeGreaterThan(80);
    expect((await train(healthyRun, 1)).score).toBe(first.score);
    const spoiled = faultNamed("rate-low").spoil(healthyRun, "severe", new Random("x"));
    expect((await train(spoiled, 1)).score).toBeLessThan(first.score - 20);
  });

  it("that ends early is scored as it was left", async () => {
    const run = change(healthyRun, { data: { rows: 97 }, net: { norm: "batch" }, train: { batch: 32 } });
    expect(await train(run, 1)).toMatchObject({ steps: 3, error: expect.stringContaining("BatchNorm") });
  });

  it.each(["frozen", "detached", "unlisted"] as const)("trains all but what is %s", (by) => {
    const cut = { layers: 1, by };
    const { model, trained } = networkOf(change(healthyRun, { net: { cut } }));
    const learned = trained.filter((p) => p.trainable).length;
    expect([model.parameters().length, learned]).toEqual([6, by === "detached" ? 6 : 4]);
  });

  it("is described in a line", () => {
    const run = change(healthyRun, {
      data: { seed: "", rows: 500, classes: 3 },
      net: { norm: "batch", dropout: 0.1, init: { draw: "normal", std: 0.03 } },
      train: { lr: 0.00123, batch: 50, epochs: 2 },
    });
    expect(inALine(run)).toBe(
      "blobs 500 rows, 3 classes; 2×32 relu, batch norm, dropout 0.1, normal 0.03; adam 0.00123, crossEntropy, batch 50, 20 steps",
    );
  });

  it("is changed by every repair that chance may choose, in some state", () => {
    const worst = change(healthyRun, {
      data: { scale: 255, targetScale: 100, rows: 97 },
      net: { activation: "none", init: { draw: "pytorch" }, head: "softmax", dropout: 0.15 },
      train: { weightDecay: 1, batch: 2, eps: 1 },
    });
    for (const [name, repair] of Object.entries(repairs))
      expect([name, JSON.stringify(repair(worst, new Random(name)))]).not.toEqual([name, JSON.stringify(worst)]);
  });
});
