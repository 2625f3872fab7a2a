/** What the doctor says before the first step: each fault by its name, nothing of sound models, bad input in words. */
import { describe, expect, test } from "vitest";
import { DataSet } from "../lib/data/index.js";
import { checkup, explain, type Finding } from "../lib/health/index.js";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { concat, randint, randn, seed, stopGradient, tensor, zeros } from "../lib/ops/index.js";
import { Adam, AdamW, type Optimizer, SGD } from "../lib/optim/index.js";
import type { Shape } from "../lib/shape.js";
import type { Tensor } from "../lib/tensor.js";
import { fit } from "../lib/train/index.js";
import { classes, data, rejection, stack, valuesOf } from "./training.js";

interface Case {
  readonly model: nn.Module;
  readonly x?: Tensor;
  readonly y?: Tensor;
  readonly loss?: (output: Tensor, y: Tensor) => Tensor;
  readonly optimizer?: (model: nn.Module) => Optimizer;
  readonly batchSize?: number;
}

const sgd = (lr: number) => (model: nn.Module) => new SGD(model.parameters(), { lr });
const normal =
  (std: number): init.Initializer =>
  (shape: Shape, options) =>
    randn(shape, { std, ...options });

async function findingsOf({
  model,
  x,
  y,
  loss = nn.crossEntropy,
  optimizer,
  batchSize,
}: Case): Promise<readonly Finding[]> {
  const sample = data();
  const [xs, ys] = [x ?? sample.x, y ?? sample.y];
  const values = { x: tensor(await xs.data(), xs.shape), y: tensor(await ys.data(), ys.shape, ys.dtype) };
  return (await checkup(model, values, { loss, optimizer: optimizer?.(model), batchSize })).findings;
}

const faultsIn = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity === "fault").map(({ rule }) => rule);

/** A bias that leaves no unit of the layer awake. */
function asleep(): nn.Sequential {
  const model = stack(2);
  (model[0] as nn.Linear).bias?.initial &&
    Object.assign((model[0] as nn.Linear).bias as object, { initial: zeros([32]).sub(50) });
  return model;
}

class Cut extends nn.Module {
  a = new nn.Linear(6, 16);
  b = new nn.Linear(16, 3);
  forward(x: Tensor): Tensor {
    return this.b.forward(stopGradient(this.a.forward(x).tanh()));
  }
}

const mixed = (model: nn.Module) => new SGD([...model.parameters()].slice(2), { lr: 0.1 });

const cases: Record<string, () => [first: string, Case]> = {
  "weights too small": () => ["vanishing-signal", { model: stack(8, { weightInit: normal(0.02) }) }],
  "weights too large": () => ["exploding-signal", { model: stack(8, { weightInit: normal(1) }) }],
  "weights of 0": () => ["symmetric-units", { model: stack(2, { weightInit: init.zeros }) }],
  "weights of one value": () => ["symmetric-units", { model: stack(2, { weightInit: (s) => zeros(s).add(0.1) }) }],
  "sigmoid by Xavier": () => [
    "vanishing-gradient",
    { model: stack(10, { weightInit: init.xavierNormal, act: () => new nn.Sigmoid() }) },
  ],
  "tanh far out": () => ["saturated-units", { model: stack(2, { weightInit: normal(5), act: () => new nn.Tanh() }) }],
  "units that hardly ever answer": () => [
    "dead-units",
    {
      model: new nn.Sequential(
        new nn.Linear(6, 64, { weightInit: normal(0.6), biasInit: init.constant(-3) }),
        new nn.ReLU(),
        new nn.Linear(64, 3),
      ),
    },
  ],
  "units asleep": () => ["dead-units", { model: asleep() }],
  "inputs of thousands": () => ["input-scale", { model: stack(2), x: data().x.mul(1000) }],
  "inputs far from 0": () => ["input-scale", { model: stack(2), x: data().x.mul(0.1).add(5) }],
  "one feature above all": () => [
    "input-scale",
    {
      model: stack(2),
      x: data()
        .x.mul(0.01)
        .mul(tensor([500, 1, 1, 1, 1, 1])),
    },
  ],
  "constant inputs": () => ["constant-features", { model: stack(2), x: zeros([256, 6]).add(1) }],
  "one label for all": () => [
    "constant-targets",
    { model: stack(2), y: zeros([256]).cast("i32"), optimizer: sgd(0.1) },
  ],
  "softmax twice": () => [
    "activation-before-loss",
    { model: new nn.Sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 3), new nn.Softmax()) },
  ],
  "sigmoid twice": () => [
    "activation-before-loss",
    {
      model: new nn.Sequential(new nn.Linear(6, 8), new nn.Tanh(), new nn.Linear(8, 1), new nn.Sigmoid()),
      y: randint(0, 2, [256, 1]).cast("f32"),
      loss: nn.binaryCrossEntropyWithLogits,
    },
  ],
  "targets beyond a tanh": () => [
    "activation-before-loss",
    {
      model: new nn.Sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 1), new nn.Tanh()),
      y: data().x.sum({ axes: 1, keepDims: true }),
      loss: nn.mse,
    },
  ],
  "labels as one number": () => [
    "head-mismatch",
    {
      model: new nn.Sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 1)),
      loss: (z, t) => nn.mse(z, t.reshape([-1, 1])),
      y: data().y.reshape([256, 1]),
    },
  ],
  "labels as one number, brought to the output's shape by the loss": () => [
    "head-mismatch",
    {
      model: new nn.Sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 1)),
      loss: (z, t) => nn.mse(z, t.cast("f32").reshape([-1, 1])),
    },
  ],
  "sigmoid twice, of targets (N)": () => [
    "activation-before-loss",
    {
      model: new nn.Sequential(new nn.Linear(6, 8), new nn.Tanh(), new nn.Linear(8, 1), new nn.Sigmoid()),
      y: randint(0, 2, [256]).cast("f32"),
      loss: (z, t) => nn.binaryCrossEntropyWithLogits(z.reshape([256]), t),
    },
  ],
  "likelihood of raw scores": () => ["head-mismatch", { model: stack(2), loss: nn.nll }],
  "large targets": () => [
    "target-scale",
    {
      model: new nn.Sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 1)),
      y: data().x.sum({ axes: 1, keepDims: true }).mul(300),
      loss: nn.mse,
    },
  ],
  "no activation": () => [
    "missing-nonlinearity",
    { model: new nn.Sequential(new nn.Linear(6, 16), new nn.Linear(16, 16), new nn.Linear(16, 3)) },
  ],
  "a cut": () => ["no-gradient", { model: new Cut() }],
  "an optimizer of half the model": () => ["no-gradient", { model: stack(2), optimizer: mixed }],
  "batch norm of two rows": () => [
    "batch-of-one",
    {
      model: new nn.Sequential(new nn.Linear(6, 8), new nn.BatchNorm(8), new nn.ReLU(), new nn.Linear(8, 3)),
      batchSize: 2,
    },
  ],
  "a last batch of one row": () => [
    "batch-of-one",
    {
      model: new nn.Sequential(new nn.Linear(6, 8), new nn.BatchNorm(8), new nn.ReLU(), new nn.Linear(8, 3)),
      batchSize: 255,
    },
  ],
  "hardly anything kept": () => [
    "strong-dropout",
    { model: new nn.Sequential(new nn.Linear(6, 32), new nn.ReLU(), new nn.Dropout(0.95), new nn.Linear(32, 3)) },
  ],
  "strong decay": () => [
    "weight-decay",
    { model: stack(2), optimizer: (m) => new SGD(m.parameters(), { lr: 0.1, weightDecay: 0.5 }) },
  ],
  "decay in the gradient that outweighs the loss's": () => [
    "weight-decay",
    { model: stack(2), optimizer: (m) => new Adam(m.parameters(), { lr: 0.003, weightDecay: 0.1 }) },
  ],
  "an epsilon that holds Adam back": () => [
    "learning-rate-low",
    { model: stack(2), optimizer: (m) => new Adam(m.parameters(), { lr: 0.003, eps: 1 }) },
  ],
  "betas turned round": () => [
    "long-memory",
    { model: stack(2), optimizer: (m) => new Adam(m.parameters(), { lr: 0.003, betas: [0.99, 0.5] }) },
  ],
  "a signal so large that the second step is not finite": () => [
    "exploding-signal",
    { model: stack(6, { weightInit: normal(3) }), optimizer: sgd(0.1) },
  ],
  "a rate too high": () => ["learning-rate-high", { model: stack(2), optimizer: sgd(100) }],
  "a rate too low": () => ["learning-rate-low", { model: stack(2), optimizer: sgd(1e-6) }],
  "one row of a class in fifty": () => [
    "class-imbalance",
    { model: stack(2), y: data().x.slice([0, 256], [0, 1]).reshape([256]).greater(2).cast("i32") },
  ],
  "NaN in the data": () => ["non-finite", { model: stack(2), x: data().x.add(tensor([Number.NaN, 0, 0, 0, 0, 0])) }],
};

describe("names first what is wrong, and says what to write:", () => {
  test.each(Object.entries(cases))("%s", async (_, make) => {
    seed(5);
    const [first, one] = make();
    const findings = await findingsOf(one);
    expect(faultsIn(findings)[0]).toBe(first);
    expect(findings.filter(({ advice }) => advice.length === 0)).toEqual([]);
  });
});

describe("finds no fault in", () => {
  const sound: Record<string, () => Case> = {
    "a plain network": () => ({ model: stack(2), optimizer: sgd(0.1) }),
    "a deep one": () => ({ model: stack(20), optimizer: sgd(0.01) }),
    tanh: () => ({ model: stack(6, { act: () => new nn.Tanh() }), optimizer: sgd(0.05) }),
    sigmoid: () => ({ model: stack(4, { act: () => new nn.Sigmoid() }), optimizer: sgd(0.1) }),
    GELU: () => ({
      model: stack(4, { act: () => new nn.GELU() }),
      optimizer: (m) => new Adam(m.parameters(), { lr: 0.002 }),
    }),
    "decay beside the gradient": () => ({
      model: stack(2),
      optimizer: (m) => new AdamW(m.parameters(), { lr: 0.003, weightDecay: 0.1 }),
    }),
    "a usual decay in it": () => ({
      model: stack(2),
      optimizer: (m) => new Adam(m.parameters(), { lr: 0.003, weightDecay: 1e-3 }),
    }),
    "an epsilon that leaves steps of a good size": () => ({
      model: stack(2),
      optimizer: (m) => new Adam(m.parameters(), { lr: 0.1, eps: 1 }),
    }),
    "batch norm": () => ({
      model: new nn.Sequential(
        ...Array.from({ length: 4 }, (_, i) => [
          new nn.Linear(i ? 32 : 6, 32),
          new nn.BatchNorm(32),
          new nn.ReLU(),
        ]).flat(),
        new nn.Linear(32, 3),
      ),
      optimizer: sgd(0.05),
      batchSize: 32,
    }),
    "large inputs that the model brings to scale": () => ({
      model: new nn.Sequential(new nn.Lambda((x) => x.div(1000)), ...[0, 1, 2, 3, 4].map((i) => stack(2)[i])),
      x: data().x.mul(1000),
      optimizer: sgd(0.1),
    }),
    "residual branches that begin with 0": () => ({
      model: new nn.Sequential(
        new nn.Linear(6, 16),
        ...Array.from(
          { length: 6 },
          () => new nn.Residual(new nn.Sequential(new nn.Linear(16, 16), new nn.ReLU()), { scale: 0, learned: true }),
        ),
        new nn.Linear(16, 3),
      ),
      optimizer: sgd(0.1),
    }),
  };
  test.each(Object.entries(sound))("%s", async (_, make) => {
    seed(6);
    expect(faultsIn(await findingsOf(make()))).toEqual([]);
  });
});

test("changes nothing: weights, moments, statistics, modes and the random stream", async () => {
  seed(7);
  const model = new nn.Sequential(new nn.Linear(6, 8), new nn.BatchNorm(8), new nn.Dropout(0.3), new nn.Linear(8, 3));
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const sample = data();
  const before = [await valuesOf(model), await valuesOf(optimizer), await randn([3]).data()];
  seed(8);
  await checkup(model, sample, { loss: nn.crossEntropy, optimizer, batchSize: 32 });
  const drawn = await randn([3]).data();
  seed(8);
  expect(drawn).toEqual(await randn([3]).data());
  expect([await valuesOf(model), await valuesOf(optimizer)]).toEqual(before.slice(0, 2));
});

test("an activation that is called in a forward is named with its line, for no repair can replace it", async () => {
  class Called extends nn.Module {
    a = new nn.Linear(6, 32, { weightInit: normal(8) });
    b = new nn.Linear(32, 3);
    forward(x: Tensor): Tensor {
      return this.b.forward(this.a.forward(x).tanh()).softmax(1);
    }
  }
  seed(7);
  const { findings } = await checkup(new Called(), data(), { loss: nn.crossEntropy });
  const textOf = (rule: string, repair: string) =>
    findings.find((f) => f.rule === rule)?.advice.find((one) => one.repair === repair)?.text;
  expect(textOf("saturated-units", "replaceActivation")).toMatch(
    /^use an activation that .*, in place of tanh at health\.checkup\.test\.ts:\d+$/,
  );
  expect(textOf("activation-before-loss", "dropActivation")).toMatch(
    /, in place of softmax at health\.checkup\.test\.ts:\d+$/,
  );
  const layers = new nn.Sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 3), new nn.Softmax());
  const plain = await checkup(layers, data(), { loss: nn.crossEntropy });
  expect(plain.findings[0].advice[0].text).not.toContain("in place of");
});

test("whole numbers as floats are a warning beside a square: they may be a count", async () => {
  seed(7);
  const model = new nn.Sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 1));
  const { x, y } = data();
  const of = async (labels: Tensor) => {
    const { findings } = await checkup(model, { x, y: labels }, { loss: nn.mse });
    return findings.filter(({ rule }) => rule === "head-mismatch").map(({ severity }) => severity);
  };
  const labels = y.cast("f32").reshape([256, 1]);
  expect(await of(labels)).toEqual(["warning"]);
  expect(await of(labels.mul(0.5))).toEqual([]);
});

test("an abort ends it, and nothing is changed", async () => {
  seed(7);
  const model = stack(2);
  const optimizer = sgd(0.1)(model);
  const before = await valuesOf(model);
  const controller = new AbortController();
  // Loss of the rehearsal, the last of all: by then nothing but its steps is left to stop.
  let asked = 0;
  const loss = (z: Tensor, y: Tensor): Tensor => {
    if (++asked === 4) controller.abort(new Error("enough"));
    return nn.crossEntropy(z, y);
  };
  const error = await rejection(checkup(model, data(), { loss, optimizer, signal: controller.signal }));
  expect(error.message).toBe("enough");
  expect(asked).toBe(4);
  expect(await valuesOf(model)).toEqual(before);
  expect(optimizer.steps).toBe(0);
});

test("labels of other rows are a warning: a model may find what neighbours do not tell", async () => {
  seed(5);
  const { x } = data();
  const of = async (y: Tensor) => {
    const sample = { x: tensor(await x.data(), x.shape), y: tensor(await y.data(), [256], "i32") };
    const { findings } = await checkup(stack(2), sample, { loss: nn.crossEntropy });
    return findings.map(({ rule, severity }) => [rule, severity]);
  };
  expect(await of(randint(0, 3, [256]))).toEqual([["shuffled-labels", "warning"]]);
  expect(await of(data().y)).toEqual([["shuffled-labels", "warning"]]);
});

describe("units are alike", () => {
  /** What 6 features of ±1 and a weight of so many units, made from one of half of them, are said to have. */
  const of = async (half: Tensor, twice: boolean) => {
    const { x, y } = data();
    const first = twice ? concat([half, half]) : half;
    const fanIn = first.shape[1];
    const model = new nn.Sequential(
      new nn.Linear(6, fanIn),
      new nn.Tanh(),
      new nn.Linear(fanIn, first.shape[0], { weightInit: () => first }),
      new nn.Tanh(),
      new nn.Linear(first.shape[0], 3),
    );
    const { findings } = await checkup(model, { x, y }, { loss: nn.crossEntropy });
    return findings.find(({ rule }) => rule === "symmetric-units");
  };

  test.each([
    [8, 300],
    [64, 300],
    [64, 512],
  ])("of %i weights, wherever their twin is among %i more", async (fanIn, half) => {
    seed(3);
    const found = await of(randn([half, fanIn], { std: 0.1 }), true);
    expect(found).toMatchObject({
      layer: "2.weight",
      measured: "100 % of the units of 2.weight are as another one is",
    });
  });

  test("whatever the size of their weights", async () => {
    seed(3);
    expect((await of(randn([40, 20], { std: 1e-20 }), true))?.value).toBe(1);
    expect((await of(randn([40, 20], { std: 1e10 }), true))?.value).toBe(1);
  });

  test.each([2, 3, 64])("but not by chance, of %i weights in 1024 units", async (fanIn) => {
    seed(3);
    expect(await of(randn([1024, fanIn], { std: 1 / Math.sqrt(fanIn) }), false)).toBeUndefined();
  });
});

test("targets that are one number are a warning: a residual may be wanted to be 0", async () => {
  seed(5);
  const { x } = data();
  const sample = { x: tensor(await x.data(), x.shape), y: zeros([256, 3]) };
  const { findings } = await checkup(stack(2), sample, { loss: nn.mse });
  expect(findings).toMatchObject([
    { rule: "constant-targets", severity: "warning", measured: "the target of all 256 rows that were looked at is 0" },
  ]);
});

test("decay that outweighs the gradient of a trained model is no fault", async () => {
  const drawn = data();
  const x = tensor(await drawn.x.data(), drawn.x.shape);
  const y = tensor(await drawn.y.data(), drawn.y.shape, "i32");
  const set = new DataSet(x, y);
  const model = stack(2);
  const optimizer = new SGD(model.parameters(), { lr: 0.3, weightDecay: 0.02 });
  const decaying = async () => (await checkup(model, { x, y }, { loss: nn.crossEntropy, optimizer })).findings;
  await fit(model, set, { loss: nn.crossEntropy, optimizer, epochs: 40 });
  expect((await decaying()).map(({ rule }) => rule)).not.toContain("weight-decay");
});

test("advice is of the optimizer at hand", async () => {
  seed(5);
  const linesOf = async (optimizer: (model: nn.Module) => Optimizer): Promise<string[]> => {
    const model = stack(2);
    const { findings } = await checkup(model, data(), { loss: nn.crossEntropy, optimizer: optimizer(model) });
    return findings[0].advice.map(({ code }) => code);
  };
  expect((await linesOf(sgd(1e4)))[0]).toBe("optimizer.lr /= 10");
  expect((await linesOf((m) => new SGD(m.parameters(), { lr: 100, momentum: 0.99 })))[0]).toBe(
    "new optim.SGD(model.parameters(), { lr: 100, momentum: 0.9 })",
  );
  expect(await linesOf((m) => new Adam(m.parameters(), { lr: 0.01, betas: [0.99, 0.5], eps: 1 }))).toContain(
    "new optim.Adam(model.parameters(), { lr: 0.01, betas: [0.9, 0.999], eps: 1e-8 })",
  );
  expect((await linesOf((m) => new SGD(m.parameters(), { lr: 0.1, weightDecay: 0.5 })))[0]).toBe(
    "new optim.SGD(model.parameters(), { lr: 0.1, weightDecay: 0 })",
  );
});

test("a finding explains itself", async () => {
  seed(5);
  const { x, y } = data();
  const result = await checkup(stack(8, { weightInit: normal(1) }), { x, y }, { loss: nn.crossEntropy });
  expect(result.healthy).toBe(false);
  const [finding] = result.findings;
  expect(finding).toMatchObject({ rule: "exploding-signal", severity: "fault", step: 0, layer: "14.weight" });
  expect(explain(finding)).toMatch(
    /^fault: exploding-signal \(14\.weight, before the first step\)\n {2}from layer to layer .*; normal is .*\.\n {2}Each layer .*\n {2}1\. draw weights/,
  );
  expect(`${result}`).toMatch(/exploding-signal +14\.weight +start +from layer/);
});

describe("refuses", () => {
  const sample = data();
  class Broken extends nn.Module {
    fc = new nn.Linear(6, 3);
    forward(): Tensor {
      throw new Error("out of order");
    }
  }
  const bad: Record<string, [() => unknown, string]> = {
    "no module": [
      () => checkup({} as nn.Module, sample, { loss: nn.mse }),
      "health.checkup: model must be a module, got {",
    ],
    "a model without parameters": [
      () => checkup(new nn.ReLU(), sample, { loss: nn.mse }),
      "health.checkup: the model must have parameters, got none. Is it built?",
    ],
    "a model without parameters, with a data set": [
      () => checkup(new nn.ReLU(), classes(20), { loss: nn.crossEntropy }),
      "health.checkup: the model must have parameters, got none. Is it built?",
    ],
    "no loss": [
      () => checkup(stack(1), sample, {} as never),
      "loss must be a function of (output, y), got undefined. Use e.g. nn.crossEntropy",
    ],
    "a loss that is a vector": [
      () => checkup(stack(1), sample, { loss: (z) => z.sum({ axes: 1 }) }),
      "health.checkup: loss must return one number, got [256]. Reduce it with mean()",
    ],
    "a sample of the wrong shape": [
      () => checkup(stack(1), { x: randn([4, 5]), y: sample.y.slice([0, 4]) }, { loss: nn.crossEntropy }),
      "health.checkup: the model must accept the sample, got an input of shape [4,5]",
    ],
    "no sample": [
      () => checkup(stack(1), 3 as never, { loss: nn.mse }),
      "sample must be a data set or { x, y }, got 3",
    ],
    "rows that do not pair": [
      () => checkup(stack(1), { x: sample.x, y: tensor([1, 2]) }, { loss: nn.mse }),
      "x and y must have equally many rows, got [256,6] and [2]",
    ],
    "no rows": [
      () => checkup(stack(1), { x: zeros([0, 6]), y: zeros([0]) }, { loss: nn.mse }),
      "sample must have at least one row, got [0,6]",
    ],
    "an optimizer that is none": [
      () => checkup(stack(1), sample, { loss: nn.mse, optimizer: 1 as never }),
      "optimizer must be an optimizer, got 1. Use e.g. new optim.SGD(…)",
    ],
    "a batch size of half a row": [
      () => checkup(stack(1), sample, { loss: nn.mse, batchSize: 0.5 }),
      "batchSize must be a whole number",
    ],
    "a shuffle that is none": [
      () => checkup(stack(1), sample, { loss: nn.mse, shuffle: 1 as never }),
      "health.checkup: shuffle must be true or false, got 1",
    ],
    "validation that is none": [
      () => checkup(stack(1), sample, { loss: nn.mse, validation: [] as never }),
      "validation must be a data set, got []",
    ],
    "an unknown option": [
      () => checkup(stack(1), sample, { loss: nn.mse, optimiser: 1 } as never),
      'Did you mean "optimizer"?',
    ],
    "a signal that is none": [
      () => checkup(stack(1), sample, { loss: nn.mse, signal: 1 as never }),
      "health.checkup: signal must be an AbortSignal, got 1",
    ],
    "a model that throws": [() => checkup(new Broken(), sample, { loss: nn.mse }), "out of order"],
  };
  test.each(Object.entries(bad))("%s", async (_, [act, message]) => {
    expect((await rejection(Promise.resolve().then(act) as Promise<unknown>)).message).toContain(message);
  });
});
