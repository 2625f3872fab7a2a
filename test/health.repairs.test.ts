/** Each repair changes what it says, and is taken back without a trace. */
import { beforeEach, describe, expect, test } from "vitest";
import { examine } from "../lib/health/checkup.js";
import type { Finding } from "../lib/health/finding.js";
import { repairs } from "../lib/health/repairs/index.js";
import type { Patient } from "../lib/health/repairs/repair.js";
import * as nn from "../lib/nn/index.js";
import { randn, seed, tensor } from "../lib/ops/index.js";
import { Adam, cosine, type Optimizer, SGD } from "../lib/optim/index.js";
import type { Tensor } from "../lib/tensor.js";
import type { FitOptions } from "../lib/train/index.js";
import { Loop } from "../lib/train/loop.js";
import { classes, valuesOf } from "./training.js";

const finding = {} as Finding;

interface Made {
  model?: nn.Module;
  optimizer?: (model: nn.Module) => Optimizer;
  loss?: FitOptions["loss"];
  y?: Tensor;
  shuffle?: boolean;
  schedule?: FitOptions["schedule"];
}

const plain = () =>
  new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 8), new nn.ReLU(), new nn.Linear(8, 3));

async function patient({
  model = plain(),
  optimizer,
  loss = nn.crossEntropy,
  y,
  shuffle,
  schedule,
}: Made = {}): Promise<Patient> {
  const set = classes(64);
  const lazy = set.batch(
    tensor(
      Int32Array.from({ length: 64 }, (_, i) => i),
      [64],
      "i32",
    ),
  );
  const sample = { x: lazy.x, y: y ?? lazy.y };
  const made = optimizer?.(model) ?? new SGD(model.parameters(), { lr: 0.1 });
  const loop = new Loop(model, set, { loss, optimizer: made, batchSize: 16, epochs: 4, shuffle, schedule });
  const { facts, structure } = await examine("test", model, sample, { loss, optimizer: made });
  return { loop, sample, facts, structure };
}

/** Everything that a repair may change. */
async function all({ loop: { model, options }, sample: { x } }: Patient) {
  const { optimizer, loss, schedule, clipGradNorm, shuffle, dropLast, batchSize, epochs } = options;
  const output = [...(await model.eval().forward(x).data())];
  const values = await valuesOf(model);
  const types = model.namedModules().map(([path, part]) => `${path}:${part.constructor.name}`);
  const trainable = model.parameters().map((p) => p.trainable);
  const groups = optimizer.groups.map((g) => ({ params: g.params.length, ...g.options }));
  return {
    optimizer,
    loss,
    schedule,
    clipGradNorm,
    shuffle,
    dropLast,
    batchSize,
    epochs,
    output,
    values,
    types,
    trainable,
    groups,
  };
}

const head = (activation: nn.Module, outputs = 3) =>
  new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, outputs), activation);

interface Row {
  readonly made?: () => Made;
  readonly did: RegExp;
  /** What is so afterwards. */
  after(patient: Patient): unknown;
  readonly expected: unknown;
  /** Whether the model answers as before. */
  readonly same?: boolean;
}

const kinds = ({ loop: { model } }: Patient): string[] => model.namedModules().map(([, part]) => part.constructor.name);
const count = (name: string) => (p: Patient) => kinds(p).filter((kind) => kind === name).length;

const rows: Readonly<Record<keyof typeof repairs, Row>> = {
  adaptiveOptimizer: {
    did: /^SGD at 0\.1 became Adam at 0\.002$/,
    after: ({ loop }) => [loop.options.optimizer.name, loop.options.optimizer.params.length],
    expected: ["Adam", 6],
    same: true,
  },
  classWeights: {
    did: /^classes weighted by [\d.]+, [\d.]+, [\d.]+$/,
    after: ({ loop }) => loop.options.loss === nn.crossEntropy,
    expected: false,
    same: true,
  },
  clip: { did: /norm of 1$/, after: ({ loop }) => loop.options.clipGradNorm, expected: 1, same: true },
  dropActivation: {
    made: () => ({ model: head(new nn.Softmax()) }),
    did: /Softmax at 3/,
    after: count("Softmax"),
    expected: 0,
  },
  dropLast: { did: /left out$/, after: ({ loop }) => loop.options.dropLast, expected: true, same: true },
  dropout: { did: /^dropout of 30 % before 4$/, after: count("Dropout"), expected: 1, same: true },
  giveAll: {
    made: () => ({ optimizer: (m) => new SGD(m.parameters().slice(2), { lr: 0.1, momentum: 0.9 }) }),
    did: /^gave the optimizer 0\.weight and 1 more$/,
    after: ({ loop }) => loop.options.optimizer.groups.map((g) => [g.params.length, g.options]),
    expected: [[6, expect.objectContaining({ lr: 0.1, momentum: 0.9 })]],
    same: true,
  },
  insertActivation: {
    made: () => ({ model: new nn.Sequential(new nn.Linear(4, 8), new nn.Linear(8, 3)) }),
    did: /^a ReLU after each of 0$/,
    after: count("ReLU"),
    expected: 1,
  },
  largerBatch: {
    did: /^32 rows per step instead of 16, in 8 epochs instead of 4: as many steps$/,
    after: ({ loop }) => [loop.options.batchSize, loop.options.epochs, loop.total],
    expected: [32, 8, 16],
    same: true,
  },
  layerNorm: {
    made: () => ({
      model: new nn.Sequential(new nn.Linear(4, 8), new nn.BatchNorm(8), new nn.ReLU(), new nn.Linear(8, 3)),
    }),
    did: /^LayerNorm in place of BatchNorm at 1$/,
    after: (p) => [count("BatchNorm")(p), count("LayerNorm")(p), p.loop.options.optimizer.params.length],
    expected: [0, 1, 8],
  },
  lowerRate: {
    did: /^learning rate 0\.1 to 0\.01$/,
    after: ({ loop }) => loop.options.optimizer.lr,
    expected: 0.01,
    same: true,
  },
  normalize: {
    did: /^a BatchNorm after each of 0, 2$/,
    after: (p) => [count("BatchNorm")(p), p.loop.options.optimizer.params.length],
    expected: [2, 10],
  },
  raiseRate: {
    did: /^learning rate 0\.1 to 1, and from there to a tenth by the end$/,
    after: ({ loop: { options } }) => [options.optimizer.lr, ...[0, 8, 16].map((i) => options.schedule?.(i, 16))],
    expected: [1, 1, 0.55, expect.closeTo(0.1, 12)],
    same: true,
  },
  reinitialize: { did: /^drew all weights anew/, after: () => 0, expected: 0 },
  replaceActivation: {
    made: () => ({
      model: new nn.Sequential(new nn.Linear(4, 8), new nn.Sigmoid(), new nn.Linear(8, 3), new nn.Sigmoid()),
    }),
    did: /^ReLU in place of what stood at 1$/,
    after: (p) => [count("ReLU")(p), count("Sigmoid")(p)],
    expected: [1, 1],
  },
  rescaleInputs: { did: /before 0$/, after: count("Standardize"), expected: 1 },
  rescaleOutputs: {
    made: () => ({ model: head(new nn.Tanh(), 1), loss: nn.mse, y: randn([64, 1], { mean: 50, std: 9 }) }),
    did: /^took Tanh at 3 away.*; outputs scaled and shifted/,
    after: (p) => [count("Standardize")(p), count("Tanh")(p)],
    expected: [1, 0],
  },
  residual: {
    made: () => ({
      model: new nn.Sequential(
        ...[new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 8), new nn.BatchNorm(8), new nn.ReLU()],
        new nn.Linear(8, 3),
      ),
    }),
    did: /^a path beside each of 2 and what follows it, which begin with a factor of 0/,
    after: ({ loop: { model, options } }) => [
      model.namedParameters().map(([path]) => path),
      options.optimizer.params.length,
    ],
    expected: [
      [
        ...["0.weight", "0.bias", "2.scale", "2.f.0.weight", "2.f.0.bias", "2.f.1.weight", "2.f.1.bias"],
        ...["5.weight", "5.bias"],
      ],
      9,
    ],
  },
  shuffle: {
    made: () => ({ shuffle: false }),
    did: /^rows come in a new order each epoch$/,
    after: ({ loop }) => loop.options.shuffle,
    expected: true,
    same: true,
  },
  unfreeze: {
    made: () => {
      const model = plain();
      model[0].freeze();
      return { model, optimizer: () => new SGD(model.parameters().slice(2), { lr: 0.1 }) };
    },
    did: /^let 0\.weight and 1 more learn$/,
    after: ({ loop: { model, options } }) => [
      model.parameters().every((p) => p.trainable),
      options.optimizer.params.length,
    ],
    expected: [true, 6],
    same: true,
  },
  usualMemory: {
    made: () => ({ optimizer: (m) => new Adam(m.parameters(), { lr: 0.1, betas: [0.99, 0.5], eps: 1 }) }),
    did: /^betas \[0\.99, 0\.5\] to \[0\.9, 0\.999\], eps 1 to 1e-8$/,
    after: ({ loop }) => loop.options.optimizer.groups[0].options,
    expected: expect.objectContaining({ betas: [0.9, 0.999], eps: 1e-8, lr: 0.1 }),
    same: true,
  },
  warmUp: {
    did: /^the rate rises over 2 steps$/,
    after: ({ loop }) => [0, 1, 2, 3].map((i) => loop.options.schedule?.(i, 16)),
    expected: [0.5, 1, 1, 1],
    same: true,
  },
  weakerDecay: {
    made: () => ({ optimizer: (m) => new Adam(m.parameters(), { lr: 0.1, weightDecay: 0.5 }) }),
    did: /^weight decay 0\.5 to 0$/,
    after: ({ loop }) => loop.options.optimizer.groups[0].options,
    expected: expect.objectContaining({ weightDecay: 0, lr: 0.1 }),
    same: true,
  },
  weakerDropout: {
    made: () => ({ model: new nn.Sequential(new nn.Linear(4, 8), new nn.Dropout(0.9), new nn.Linear(8, 3)) }),
    did: /^dropout of 10 % at 1$/,
    after: ({ loop: { model } }) => ((model as nn.Sequential)[1] as nn.Dropout).p,
    expected: 0.1,
    same: true,
  },
  weightDecay: {
    did: /^weight decay 0 to 0\.01$/,
    after: ({ loop }) => loop.options.optimizer.groups[0].options,
    expected: expect.objectContaining({ weightDecay: 0.01, lr: 0.1 }),
    same: true,
  },
};

beforeEach(() => seed(21));

describe.each(Object.entries(rows))("%s", (name, { made, did, after, expected, same }) => {
  test("changes what it says, and is taken back without a trace", async () => {
    const one = await patient(made?.());
    const before = await all(one);
    const applied = repairs[name as keyof typeof repairs].apply(one, finding);
    if (!applied) throw new Error("does not apply");
    expect(applied.did).toMatch(did);
    expect(after(one)).toEqual(expected);
    const changed = await all(one);
    if (same) expect(changed.output).toEqual(before.output);
    else expect(changed.output).not.toEqual(before.output);
    applied.undo();
    expect(await all(one)).toEqual(before);
  });
});

describe("does not apply", () => {
  const nowhere: Partial<Record<keyof typeof repairs, () => Made>> = {
    adaptiveOptimizer: () => ({ optimizer: (m) => new Adam(m.parameters(), { lr: 0.002 }) }),
    classWeights: () => ({ loss: (z, y) => nn.crossEntropy(z, y).mul(2) }),
    dropActivation: () => ({}),
    giveAll: () => ({}),
    unfreeze: () => ({}),
    reinitialize: () => ({ model: plain().freeze() }),
    insertActivation: () => ({}),
    layerNorm: () => ({}),
    rescaleOutputs: () => ({}),
    shuffle: () => ({}),
    weakerDecay: () => ({}),
    weakerDropout: () => ({}),
    usualMemory: () => ({ optimizer: (m) => new SGD(m.parameters(), { lr: 0.1, momentum: 0.9 }) }),
    residual: () => ({ model: new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 3)) }),
    lowerRate: () => ({ optimizer: (m) => new SGD(m.parameters(), { lr: 0 }) }),
  };
  test.each(Object.entries(nowhere))("%s where there is nothing for it", async (name, made) => {
    const one = await patient(made());
    const before = await all(one);
    expect(repairs[name as keyof typeof repairs].apply(one, finding)).toBeUndefined();
    expect(await all(one)).toEqual(before);
  });
});

test.each([
  ["lowerRate", [0.01, 0.001, 0.0001]],
  ["raiseRate", [1, 10, 100]],
] as const)("%s is by a power of ten for each degree", async (name, rates) => {
  const one = await patient();
  for (const [i, rate] of rates.entries()) {
    const applied = repairs[name].apply(one, finding, i + 1);
    expect(one.loop.options.optimizer.lr).toBeCloseTo(rate, 6);
    applied?.undo();
  }
  expect(one.loop.options.optimizer.lr).toBe(0.1);
});

test("a raised rate keeps the schedule that it has", async () => {
  const schedule = cosine();
  const one = await patient({ schedule });
  expect(repairs.raiseRate.apply(one, finding)?.did).toBe("learning rate 0.1 to 1");
  expect(one.loop.options.schedule).toBe(schedule);
});

test.each(["warmUp", "raiseRate"] as const)("the schedule of %s that was tried leaves no trace", async (name) => {
  seed(4);
  const { loop, ...rest } = await patient();
  const before = await loop.save();
  await loop.advanceTo(3);
  const losses = loop.losses.slice();
  loop.restore(before);
  const applied = repairs[name].apply({ loop, ...rest }, finding);
  await loop.advanceTo(name === "warmUp" ? 1 : 3);
  expect(loop.options.optimizer.lrFactor).not.toBe(1);
  applied?.undo();
  loop.restore(before);
  await loop.advanceTo(3);
  expect(loop.losses).toEqual(losses);
});

test("a schedule that comes on the way begins there", async () => {
  const { loop, ...rest } = await patient();
  await loop.advanceTo(8);
  repairs.raiseRate.apply({ loop, ...rest }, finding);
  const factors: number[] = [];
  for (const at of [9, 12, 16]) {
    await loop.advanceTo(at);
    factors.push(loop.options.optimizer.lrFactor);
  }
  expect(factors).toEqual([1, 0.6625, 0.2125].map((factor) => expect.closeTo(factor, 12)));
});

test("dropout is weaker, and then none", async () => {
  const model = new nn.Sequential(new nn.Linear(4, 8), new nn.Dropout(0.9), new nn.Linear(8, 3));
  const one = await patient({ model });
  const made = [1, 2].map((degree) => {
    const applied = repairs.weakerDropout.apply(one, finding, degree);
    const { p } = model[1] as nn.Dropout;
    applied?.undo();
    return [p, applied?.did, applied?.code];
  });
  expect(made).toEqual([
    [0.1, "dropout of 10 % at 1", "new nn.Dropout(0.1)"],
    [0, "dropout of 0 % at 1", "new nn.Dropout(0)"],
  ]);
});

test("clip limits all, then layers, then units", async () => {
  const one = await patient();
  const limits = [1, 2, 3, 4].map((degree) => {
    const applied = repairs.clip.apply(one, finding, degree);
    const { clipGradNorm, clipLayerNorm, clipUnitRatio } = one.loop.options;
    applied?.undo();
    return [clipGradNorm, clipLayerNorm, clipUnitRatio];
  });
  expect(limits).toEqual([
    [1, undefined, undefined],
    [undefined, 0.25, undefined],
    [undefined, undefined, 0.01],
    [undefined, undefined, undefined],
  ]);
});

test("clip may limit what stands out of the norms so far", async () => {
  const one = await patient();
  one.loop.gradNorms = Array.from({ length: 40 }, (_, i) => 1 + (i % 2)); // mean 1.5, standard deviation 0.5
  expect(repairs.clip.apply(one, finding, 4)).toMatchObject({
    did: "gradients limited to a norm of 2.75, 2.5 standard deviations above their mean",
    code: "clipGradNorm: 2.75",
  });
  expect(one.loop.options.clipGradNorm).toBe(2.75);
});

test("a module of one's own is repaired where it has its layers", async () => {
  class Net extends nn.Module {
    blocks = [new nn.Linear(4, 8), new nn.Linear(8, 8)];
    head = new nn.Linear(8, 3);
    forward(x: Tensor): Tensor {
      return this.head.forward(this.blocks.reduce((y, block) => block.forward(y).relu(), x));
    }
  }
  const model = new Net();
  const one = await patient({ model });
  expect(repairs.normalize.apply(one, finding)?.did).toBe("a BatchNorm after each of blocks.0, blocks.1");
  expect(model.namedParameters().map(([path]) => path)).toContain("blocks.1.1.weight");
});
