/** Runs that are watched: nothing of a sound one is touched, a faulty one is named, and mended where asked for. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DataSet } from "../lib/data/index.js";
import type { Finding, HealthRecord } from "../lib/health/index.js";
import { parseJournal } from "../lib/health/index.js";
import { Monitor } from "../lib/health/monitor.js";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { randn, seed, tensor } from "../lib/ops/index.js";
import { Adam, SGD } from "../lib/optim/index.js";
import type { Shape } from "../lib/shape.js";
import type { Tensor } from "../lib/tensor.js";
import { type EpochRecord, evaluate, type FitOptions, fit } from "../lib/train/index.js";
import { Loop } from "../lib/train/loop.js";
import { Replay } from "../lib/train/replay.js";
import { classes, network, rejection, valuesOf } from "./training.js";

const loss = nn.crossEntropy;

/** 300 rows of 4 numbers in 3 classes. */
const set = (): DataSet => classes(300);

const stack = (weightInit?: init.Initializer, last: nn.Module[] = []): nn.Sequential =>
  new nn.Sequential(
    new nn.Linear(4, 16, { weightInit }),
    new nn.ReLU(),
    new nn.Linear(16, 16, { weightInit }),
    new nn.ReLU(),
    new nn.Linear(16, 3, { weightInit }),
    ...last,
  );

async function watched(
  model: nn.Module,
  options: Partial<FitOptions> & { lr?: number } = {},
): Promise<{ health: HealthRecord; losses: readonly number[]; stopped: string }> {
  const { lr = 0.1, ...rest } = options;
  const optimizer = options.optimizer ?? new SGD(model.parameters(), { lr });
  const history = await fit(model, set(), { loss, optimizer, batchSize: 30, epochs: 8, health: true, ...rest });
  if (!history.health) throw new Error("not watched");
  return { health: history.health, losses: history.losses, stopped: history.stopped };
}

describe("a sound run", () => {
  test.each(["suggest", "auto"] as const)(
    "%s: weights, statistics, moments and history are as without a doctor",
    async (repair) => {
      const run = async (health: FitOptions["health"]) => {
        const model = network(11);
        const optimizer = new Adam(model.parameters(), { lr: 0.01 });
        seed(12);
        const { epochs, losses, gradNorms, stopped } = await fit(model, set(), {
          ...{ loss, optimizer, batchSize: 32, epochs: 6, health, metrics: [nn.accuracy] },
          schedule: (step, total) => 1 - step / (2 * total),
        });
        const records = epochs.map(({ seconds, samplesPerSecond, ...rest }) => rest);
        return {
          records,
          losses,
          gradNorms,
          stopped,
          values: await valuesOf(model),
          moments: await valuesOf(optimizer),
        };
      };
      expect(await run({ repair, every: 7 })).toEqual(await run(false));
    },
  );

  test("is called healthy, with samples of its layers", async () => {
    seed(1);
    const { health } = await watched(stack(), { health: { every: 20, histograms: true } });
    expect(health).toMatchObject({ healthy: true, verdict: "healthy", repairs: [] });
    expect(health.findings.filter(({ severity }) => severity === "fault")).toEqual([]);
    expect(health.layers.map(({ path, layer, activation }) => [path, layer, activation])).toEqual([
      ["0.weight", "Linear", "ReLU"],
      ["2.weight", "Linear", "ReLU"],
      ["4.weight", "Linear", undefined],
    ]);
    expect(health.samples.map(({ step, epoch }) => [step, epoch])).toEqual([
      [0, 1],
      [20, 3],
      [40, 5],
      [60, 7],
    ]);
    const [{ layers, topClass }] = health.samples;
    expect(topClass).toBeGreaterThanOrEqual(1 / 3);
    for (const [i, { signalHistogram, ...numbers }] of layers.entries()) {
      for (const name of ["variance", "gradient", "weight", "weightGradient", "update"] as const)
        expect(numbers[name]).toBeGreaterThan(0);
      expect(signalHistogram?.counts.reduce((a, b) => a + b, 0)).toBe(30 * (i === 2 ? 3 : 16));
    }
  });
});

test("looks alone cut a run into native calls: many short epochs go in one", async () => {
  const calls = vi.spyOn(Replay.prototype, "run");
  vi.spyOn(Replay.prototype, "suggested", "get").mockReturnValue(4096);
  try {
    seed(1);
    await watched(stack(), { epochs: 40, health: { every: 100 } }); // 400 steps, 10 to an epoch
    expect(calls.mock.calls.map(([count]) => count)).toEqual([1, 99, 1, 99, 1, 99, 1, 99]);
  } finally {
    vi.restoreAllMocks();
  }
});

test("an update is measured as it is made", async () => {
  seed(2);
  const model = new nn.Sequential(new nn.Linear(4, 3));
  const before = await (model[0] as nn.Linear).weight.data();
  const optimizer = new SGD(model.parameters(), { lr: 0.5 });
  const { health } = await fit(model, set(), { loss, optimizer, batchSize: 300, epochs: 1, health: { every: 1 } });
  const after = await (model[0] as nn.Linear).weight.data();
  const size = (list: ArrayLike<number>) => Math.hypot(...Array.from(list));
  const moved = size(after.map((x, i) => x - before[i])) / size(before);
  const layer = health?.samples[0].layers[0];
  expect(layer?.update).toBeCloseTo(moved, 5);
  expect(layer?.weight).toBeCloseTo(size(before) / Math.sqrt(12), 5);
  expect(layer?.weightGradient).toBeCloseTo((moved * size(before)) / 0.5 / Math.sqrt(12), 5);
});

test("a look sees the same at a batch of another size between", async () => {
  seed(2);
  const model = stack();
  const { health } = await watched(model, {
    ...{ optimizer: new SGD(model.parameters(), { lr: 0 }), batchSize: 200, shuffle: false, epochs: 2 },
    health: { every: 1 },
  });
  const [first, rest, again] = health.samples.map(({ layers }) => layers);
  expect(again).toEqual(first);
  expect(rest).not.toEqual(first);
});

const huge: init.Initializer = (shape: Shape, o) => randn(shape, { std: 30, ...o });

describe("a faulty run", () => {
  test("is named before its first step, and where it stalls", async () => {
    seed(3);
    const found: Finding[] = [];
    const { health } = await watched(stack(init.zeros), { health: { onFinding: (f) => found.push(f) } });
    expect(health.healthy).toBe(false);
    expect(health.findings[0]).toMatchObject({ rule: "symmetric-units", step: 0, layer: "0.weight" });
    expect(health.findings.map(({ rule }) => rule)).toContain("stall");
    expect(found.map(({ rule }) => rule).sort()).toEqual(health.findings.map(({ rule }) => rule).sort());
    expect(health.verdict).toBe("symmetric-units: all weights of 0.weight are 0");
  });

  test("is traced for the lines of what is found, not again at each look that finds the same", async () => {
    const model = new (class extends nn.Module {
      readonly parts = [4, 16, 16, 16, 16, 16, 16].map((n, i) => new nn.Linear(n, i < 6 ? 16 : 3));
      readonly forward = vi.fn((x: Tensor) => this.parts.reduce((h, part) => part.forward(h).sigmoid(), x));
    })();
    const { health } = await watched(model, { lr: 1e-4, epochs: 30, health: { every: 3 } });
    const stall = health.findings.find(({ rule }) => rule === "stall");
    expect(stall?.step).toBeLessThan(250); // and so it is found again fifteen times
    expect(stall?.advice.map(({ text }) => text).join()).toMatch(/in place of sigmoid at health\.fit\.test\.ts:\d+/);
    expect(model.forward.mock.calls.length).toBeLessThan(10);
  });

  test("that is not finite names op, layer and step, and gives what was seen with the error", async () => {
    class Log extends nn.Module {
      fc = new nn.Linear(4, 3);
      forward(x: Tensor): Tensor {
        return this.fc.forward(x).log();
      }
    }
    seed(4);
    const model = new Log();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const error = (await rejection(fit(model, set(), { loss, optimizer, health: true }))) as Error & {
      health: HealthRecord;
    };
    expect(error.message).toMatch(/^optimizer\.step: loss and gradients must be finite, got step 1/);
    const finding = error.health.findings.find(({ rule, step }) => rule === "non-finite" && step === 0);
    expect(finding?.measured).toMatch(/the first loss is|the op log in/);
    expect(error.health.healthy).toBe(false);
  });

  test("later on: the op in its layer", async () => {
    seed(4);
    const model = stack();
    const optimizer = new SGD(model.parameters(), { lr: 1e12 });
    const error = (await rejection(fit(model, set(), { loss, optimizer, health: true, epochs: 5 }))) as Error & {
      health: HealthRecord;
    };
    const finding = error.health.findings.find(({ rule }) => rule === "non-finite");
    expect(finding).toMatchObject({ severity: "fault" });
    expect(finding?.measured).toMatch(/^the op \w+( in [\w.]+| in the loss| on the way back) makes the first value/);
    expect(finding?.step).toBeGreaterThan(0);
  });
});

describe("noise of the gradient, where the run gets no further", () => {
  const noisy = async (model: nn.Module, options: Partial<FitOptions> = {}) => {
    const x = await randn([600, 4]).data();
    const y = await randn([600, 1], { std: 3 }).data();
    const rows = new DataSet(tensor(x, [600, 4]), tensor(y, [600, 1]));
    const optimizer = new SGD(model.parameters(), { lr: 0.002 });
    const { health, losses } = await fit(model, rows, {
      ...{ loss: nn.mse, optimizer, batchSize: 2, epochs: 2, health: true, ...options },
    });
    return { losses, noise: health?.findings.filter(({ rule, step }) => rule === "gradient-noise" && step > 0) };
  };
  const small = () => new nn.Sequential(new nn.Linear(4, 16), new nn.Tanh(), new nn.Linear(16, 1));

  test("is a warning, and does not touch the run", async () => {
    seed(3);
    const { losses, noise } = await noisy(small());
    expect(noise).toMatchObject([
      { severity: "warning", measured: expect.stringMatching(/^the gradient's noise scale is .*, a batch has 2$/) },
    ]);
    seed(3);
    expect((await noisy(small(), { health: false })).losses).toEqual(losses);
  });

  test("is left out of a model that takes no other batches than the run's", async () => {
    class Pair extends nn.Module {
      body = small();
      forward(x: Tensor): Tensor {
        return this.body.forward(x.reshape([2, 4]));
      }
    }
    seed(3);
    expect((await noisy(new Pair())).noise).toEqual([]);
  });
});

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
    const kept = health.repairs.filter(({ outcome }) => outcome === "kept");
    expect(kept.map(({ repair }) => repair)).toContain("unfreeze");
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

describe("beside the history", () => {
  let folder = "";
  afterEach(async () => {
    vi.unstubAllEnvs();
    if (folder) await rm(folder, { recursive: true, force: true });
    folder = "";
  });

  test("the same figures go to TensorBoard's event files as the run goes", async () => {
    folder = await mkdtemp(join(tmpdir(), "evengrad-"));
    seed(12);
    await watched(stack(), { health: { tensorboard: folder } });
    const files = await readdir(folder);
    expect(files).toHaveLength(1);
    const bytes = await readFile(join(folder, files[0]), "latin1");
    for (const tag of ["train/loss", "gradient/0", "signal histogram/4"]) expect(bytes).toContain(tag);
  });

  test("a script that says nothing of health is watched if the environment says so", async () => {
    folder = await mkdtemp(join(tmpdir(), "evengrad-"));
    const journal = join(folder, "journal");
    vi.stubEnv("EVENGRAD_HEALTH", "suggest");
    vi.stubEnv("EVENGRAD_JOURNAL", journal);
    for (const weightInit of [undefined, init.zeros]) {
      seed(13);
      const model = stack(weightInit);
      const history = await fit(model, set(), { loss, optimizer: new SGD(model.parameters(), { lr: 0.1 }), epochs: 2 });
      expect(history.health).toBeDefined();
    }
    const runs = parseJournal(await readFile(journal, "utf8"));
    expect(runs.map(({ health }) => health?.healthy)).toEqual([true, false]);
    expect(runs[0].losses).toHaveLength(20);
    const model = stack();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    expect((await fit(model, set(), { loss, optimizer, health: false })).health).toBeUndefined();
  });

  test("what was not finite is NaN again in a journal", () => {
    const [run] = parseJournal(
      `${JSON.stringify({ losses: [1, Number.NaN], gradNorms: [], health: { repairs: [{ trial: { with: Number.NaN } }] } })}\n`,
    );
    expect(run.losses).toEqual([1, Number.NaN]);
    expect(run.health?.repairs[0].trial.with).toBeNaN();
  });
});

describe("refuses", () => {
  const bad: Record<string, [unknown, string]> = {
    "a word": ["on", 'fit: health must be true, false or options, got "on"'],
    "an unknown option": [{ evry: 3 }, 'fit: unknown option "evry". Did you mean "every"?'],
    "no steps between looks": [{ every: 0 }, "fit: health.every must be a whole number at least 1, got 0"],
    "an unknown repair": [{ repair: "yes" }, 'fit: health.repair must be "suggest" or "auto", got "yes"'],
    "a callback that is none": [{ onFinding: 1 }, "fit: health.onFinding must be a function, got 1"],
    "a folder that is none": [{ tensorboard: 1 }, "fit: health.tensorboard must be the path of a folder, got 1"],
    "histograms of a number": [{ histograms: 1 }, "fit: health.histograms must be true or false, got 1"],
  };
  test.each(Object.entries(bad))("%s", async (_, [health, message]) => {
    const model = stack();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const options = { loss, optimizer, health } as unknown as FitOptions;
    expect((await rejection(fit(model, set(), options))).message).toContain(message);
  });
});
