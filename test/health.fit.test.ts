/** Runs that are watched: nothing of a sound one is touched, and a faulty one is named. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DataSet } from "../lib/data/index.js";
import type { Finding, HealthRecord } from "../lib/health/index.js";
import { parseJournal } from "../lib/health/index.js";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { randint, randn, seed, tensor } from "../lib/ops/index.js";
import { Adam, SGD } from "../lib/optim/index.js";
import type { Tensor } from "../lib/tensor.js";
import { type FitOptions, fit } from "../lib/train/index.js";
import { Replay } from "../lib/train/replay.js";
import { loss, set, stack, watched } from "./doctored.js";
import { network, rejection, valuesOf } from "./training.js";

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

test("a watched step and those between are one trace per size of batch", async () => {
  seed(1);
  const model = stack();
  const forward = vi.spyOn(model, "forward");
  await watched(model, { batchSize: 200, epochs: 4, health: { every: 3 } }); // 300 rows: batches of two sizes
  const trained = forward.mock.calls.filter(([x]) => x.shape[0] === 200 || x.shape[0] === 100);
  expect(trained).toHaveLength(2);
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

test("the gradient at a sum is seen also where nothing before it is trained", async () => {
  const gradients = async (prepare: (model: nn.Sequential) => unknown) => {
    seed(3);
    const model = stack();
    prepare(model);
    const { health } = await watched(model, { health: { every: 100 } });
    return health.samples[0].layers.map(({ gradient }) => gradient);
  };
  const frozen = await gradients((model) => [model[0], model[2]].map((layer) => layer.freeze()));
  expect(Math.min(...frozen)).toBeGreaterThan(0);
  expect(frozen).toEqual(await gradients(() => {}));
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

  test("that learns nothing is told when rows and labels have nothing to do with each other", async () => {
    seed(4);
    const model = stack();
    const rows = new DataSet(
      tensor(await randn([300, 4]).data(), [300, 4]),
      tensor(await randint(0, 3, [300]).data<Int32Array>(), [300], "i32"),
    );
    const { health } = await fit(model, rows, {
      ...{ loss, optimizer: new SGD(model.parameters(), { lr: 1e-3 }), batchSize: 30, epochs: 20, health: true },
    });
    expect(health?.findings[0]).toMatchObject({ rule: "shuffled-labels", severity: "fault" });
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
