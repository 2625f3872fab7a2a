/** What init.analyze measures and predicts, against closed forms and against each other. */
import { describe, expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { defaultGenerator, Generator, randn, tensor } from "../lib/ops/index.js";
import type { Tensor } from "../lib/tensor.js";
import { meanOf, varianceOf } from "./statistics.js";
import { rejection, valuesOf, worked } from "./training.js";

const stack = (activation: () => nn.Module, depth: number, width: number, weightInit?: init.Initializer) => {
  const generator = new Generator(1);
  return new nn.Sequential(
    ...Array.from({ length: depth }, () => [
      new nn.Linear(width, width, { generator, ...(weightInit && { weightInit }) }),
      activation(),
    ]).flat(),
    new nn.Linear(width, 10, { generator }),
  );
};

test("the numbers of a tiny network", async () => {
  const model = worked();
  const x = tensor([
    [1, 1],
    [2, 0],
  ]);
  const { layers, jacobian, loss } = await init.analyze(model, x, { y: tensor([[0], [0]]), loss: (out) => out.sum() });
  // Sums [3, 0], [2, 7]; slopes [1, 0], [1, 1]; out 6, −31; gradients [2, 0], [2, −5].
  expect(layers[0]).toMatchObject({
    path: "0.weight",
    layer: "Linear",
    activation: "ReLU",
    shape: [2, 2],
    mean: 3,
    variance: expect.closeTo(6.5, 5),
    gradient: expect.closeTo((4 + 4 + 25) / 4, 5),
    dead: 0,
    saturated: 0.25,
    correlation: expect.closeTo(2 / Math.hypot(2, 7), 5), // of [3, 0] and [2, 7]
    unitMean: expect.closeTo(Math.sqrt((2.5 ** 2 + 3.5 ** 2) / 2 / ((9 + 4 + 49) / 4)), 5),
  });
  expect(layers[1]).toMatchObject({ path: "2.weight", activation: undefined, mean: -12.5, gradient: 1 });
  expect(loss).toBe(-25);
  // Of the first row: 2·[1, 2].
  expect(jacobian).toEqual({
    largest: expect.closeTo(2 * Math.sqrt(5), 4),
    smallest: expect.closeTo(2 * Math.sqrt(5), 4),
    condition: expect.closeTo(1, 5),
    exact: true,
  });
});

describe("the Jacobian's singular values", () => {
  const diagonal = (values: number[], columns = values.length) => {
    const model = new nn.Linear(columns, values.length, { bias: false });
    const w = values.map((v, i) => Array.from({ length: columns }, (_, j) => (i === j ? v : 0)));
    model.loadState({ weight: tensor(w) });
    return model;
  };

  test.each([
    [[3, 1, 0.5], 3],
    [[1e3, 1, 1e-2], 3],
    [[3, 2, 1, 4], 7],
  ])("of a diagonal %j", async (values, columns) => {
    const { jacobian: j } = await init.analyze(diagonal(values, columns), [4, columns]);
    expect(j.largest / Math.max(...values)).toBeCloseTo(1, 4);
    expect(j.smallest / Math.min(...values)).toBeCloseTo(1, 2);
    expect(j.condition / (Math.max(...values) / Math.min(...values))).toBeCloseTo(1, 2);
    expect(j.exact).toBe(true);
  });

  test("of an orthogonal matrix, with an end after one step, and of a large one from below", async () => {
    const model = new nn.Linear(40, 40, { weightInit: (s, o) => init.orthogonal(s, { ...o, gain: 2 }) });
    const { jacobian: j } = await init.analyze(model, [4, 40]);
    expect([j.largest, j.condition]).toEqual([expect.closeTo(2, 4), expect.closeTo(1, 4)]);
    const wide = new nn.Linear(200, 200, { weightInit: init.lecunNormal, generator: new Generator(3) });
    const { jacobian: big } = await init.analyze(wide, [4, 200]);
    expect(big.exact).toBe(false);
    expect(big.largest).toBeGreaterThan(1.85); // of a square normal matrix: 2
    expect(big.largest).toBeLessThan(2.1);
  });
});

test("the Hessian's largest eigenvalue: of a mean square it is 2·XᵀX/n", async () => {
  const model = new nn.Linear(2, 1, { bias: false });
  const x = tensor([
    [3, 0],
    [0, 1],
    [3, 0],
    [0, 1],
  ]);
  const { hessian } = await init.analyze(model, x, { y: tensor([[1], [2], [3], [4]]) });
  expect(hessian.largest).toBeCloseTo(9, 3);
  expect(hessian.learningRate).toBeCloseTo(2 / 9, 4);
});

test("the Hessian's largest eigenvalue among six", async () => {
  const x = init.eye([6, 6]).mul(tensor([1, 2, 3, 4, 5, 6]));
  const model = new nn.Linear(6, 1, { bias: false });
  const { hessian } = await init.analyze(model, x, { y: tensor([0, 0, 0, 0, 0, 0], [6, 1]) });
  expect(hessian.largest).toBeCloseTo((2 * 36) / 6, 3);
});

test("the Hessian's largest eigenvalue beside a larger negative one, and of a saddle", async () => {
  const x = tensor([
    [3, 0],
    [0, 1],
    [3, 0],
    [0, 1],
  ]);
  const model = new nn.Linear(2, 1, { bias: false });
  const bent = async (...signs: number[]) => {
    const y = tensor(signs, [4, 1]);
    const { hessian } = await init.analyze(model, x, { y, loss: (out, s) => out.square().mul(s).mean() });
    return hessian;
  };
  expect(await bent(-1, 1, -1, 1)).toEqual({ largest: expect.closeTo(1, 4), learningRate: expect.closeTo(2, 3) });
  expect(await bent(-1, -1, -1, -1)).toEqual({ largest: expect.closeTo(-1, 4), learningRate: Infinity });
  // Of w₂·w₁·x: ±x, in equal parts.
  const zeros = { bias: false, weightInit: init.zeros };
  const product = new nn.Sequential(new nn.Linear(1, 1, zeros), new nn.Linear(1, 1, zeros));
  const { hessian } = await init.analyze(product, tensor([[3]]), { y: tensor([[0]]), loss: (out) => out.sum() });
  expect(hessian.largest).toBeCloseTo(3, 4);
});

describe("prediction and measurement agree", () => {
  const x = randn([256, 256], { generator: new Generator(4) });

  test.each<[string, () => nn.Module, init.Initializer | undefined]>([
    ["tanh at PyTorch's gain", () => new nn.Tanh(), (s, o) => init.lecunNormal(s, { ...o, gain: 5 / 3 })],
    ["ReLU with Xavier", () => new nn.ReLU(), init.xavierNormal],
    ["sigmoid as Sequential has it, its mean in the biases", () => new nn.Sigmoid(), undefined],
    ["GELU on the edge of chaos", () => new nn.GELU(), undefined],
  ])("%s", async (_, activation, weightInit) => {
    const { layers, backwardSlope } = await init.analyze(stack(activation, 8, 256, weightInit), x);
    for (const { mean, variance, predicted } of layers)
      expect((variance + mean ** 2) / predicted.q).toBeGreaterThan(0.55);
    for (const { mean, variance, predicted } of layers) expect((variance + mean ** 2) / predicted.q).toBeLessThan(1.6);
    const chi = layers.slice(0, 7).map(({ predicted }) => predicted.chi);
    const mean = chi.reduce((sum, c) => sum + Math.log(c), 0) / chi.length;
    expect(Math.abs(mean - backwardSlope)).toBeLessThan(0.12);
  });

  test("a norm gives 1, a residual sum adds", async () => {
    const block = new nn.Residual(new nn.Linear(256, 256, { weightInit: init.lecunNormal }));
    const model = new nn.Sequential(new nn.Linear(256, 256), new nn.BatchNorm(256), block, new nn.Linear(256, 4));
    const { layers } = await init.analyze(model, x);
    for (const { variance, predicted } of layers.slice(0, 2)) expect(variance / predicted.q).toBeCloseTo(1, 0);
    expect(layers[2].predicted.q).toBeCloseTo(layers[2].variance, 0);
  });
});

describe("predictions, from the weights and biases as they are", () => {
  type Signal = { square: number; mean: number };
  const x = randn([64, 6], { mean: 0.5, generator: new Generator(4) });
  const draws = {
    weightInit: (s, o) => init.uniform(s, { ...o, low: -0.2, high: 0.6 }),
    biasInit: (s, o) => init.normal(s, { ...o, mean: 0.5, std: 1 }),
    generator: new Generator(5),
  } satisfies ConstructorParameters<typeof nn.Linear>[2];
  const squares = (values: ArrayLike<number>): number => varianceOf(values, 0);
  const signalOf = async (t: Tensor): Promise<Signal> => {
    const values = await t.data();
    return { square: squares(values), mean: meanOf(values) };
  };
  /** E over units of Var[x]·Σw² + (b + m·Σw)². */
  const secondAfter = async ({ weight, bias }: nn.Linear, { square, mean: m }: Signal): Promise<number> => {
    const [w, b] = [await weight.data(), await (bias as Tensor).data()];
    const units = Array.from(b, (bi, i) => {
      const row = w.subarray(i * weight.shape[1], (i + 1) * weight.shape[1]);
      return (square - m ** 2) * squares(row) * row.length + (bi + m * meanOf(row) * row.length) ** 2;
    });
    return meanOf(units);
  };
  const relu = (q: number): Signal => ({ square: q / 2, mean: Math.sqrt(q / (2 * Math.PI)) });

  test("of a residual sum after ReLU", async () => {
    const [first, inner, head] = [new nn.Linear(6, 9, draws), new nn.Linear(9, 9, draws), new nn.Linear(9, 4, draws)];
    const block = new nn.Residual(new nn.Sequential(inner, new nn.ReLU()));
    const { layers } = await init.analyze(new nn.Sequential(first, new nn.ReLU(), block, head), x);
    const q = [await secondAfter(first, await signalOf(x))];
    const a = relu(q[0]);
    q.push(await secondAfter(inner, a));
    const b = relu(q[1]);
    q.push(await secondAfter(head, { square: a.square + b.square + 2 * a.mean * b.mean, mean: a.mean + b.mean }));
    for (const [i, { predicted }] of layers.entries()) expect(predicted.q / q[i]).toBeCloseTo(1, 5);
  });

  test("of a norm, and χ by the next weight's fanOut", async () => {
    const [first, next, head] = [new nn.Linear(6, 9, draws), new nn.Linear(9, 7, draws), new nn.Linear(7, 4, draws)];
    const model = new nn.Sequential(first, new nn.BatchNorm(9), next, new nn.ReLU(), head);
    const { layers } = await init.analyze(model, x);
    const q = await secondAfter(next, { square: 1, mean: 0 });
    expect(layers[1].predicted.q / q).toBeCloseTo(1, 5);
    expect(layers[2].predicted.q / (await secondAfter(head, relu(q)))).toBeCloseTo(1, 5);
    const chi = (squares(await head.weight.data()) * 4) / 2;
    expect(layers[1].predicted.chi / chi).toBeCloseTo(1, 5);
    expect(layers[1].predicted.depthScale * Math.abs(Math.log(chi))).toBeCloseTo(1, 5);
  });
});

test("slopes through depth are those of the logarithms", async () => {
  const twice = () => new nn.Linear(1, 1, { bias: false, weightInit: init.constant(2) });
  const { forwardSlope, backwardSlope } = await init.analyze(new nn.Sequential(twice(), twice(), twice(), twice()));
  expect([forwardSlope, backwardSlope]).toEqual([expect.closeTo(Math.log(4), 5), expect.closeTo(Math.log(4), 5)]);
});

test("a slope below 0.05 counts as saturated, one above does not", async () => {
  const share = async (slope: number) => {
    const ones = { bias: false, weightInit: init.ones };
    const model = new nn.Sequential(new nn.Linear(1, 1, ones), new nn.LeakyReLU(slope), new nn.Linear(1, 1, ones));
    return (await init.analyze(model, tensor([[-1], [2], [-3], [4]]))).layers[0].saturated;
  };
  expect([await share(0.049), await share(0.051)]).toEqual([0.5, 0]);
});

describe("verdicts", () => {
  const verdicts = async (model: nn.Module) => (await init.analyze(model)).layers.map(({ verdict }) => verdict);

  test("healthy, by default", async () => {
    for (const activation of [() => new nn.ReLU(), () => new nn.Tanh(), () => new nn.Sigmoid()]) {
      const analysis = await init.analyze(stack(activation, 12, 64));
      expect(analysis.layers.map(({ verdict }) => verdict)).toEqual(new Array(13).fill("healthy"));
      expect(analysis.healthy).toBe(true);
    }
  });

  test("what ratios of weight gradients miss: ReLU whose signal and gradient shrink alike", async () => {
    const analysis = await init.analyze(stack(() => new nn.ReLU(), 30, 64, init.xavierNormal));
    expect(analysis.layers[0].verdict).toMatch(/^gradient dies: × \de-\d+ of the last layer's, squared$/);
    expect(analysis.layers[29].verdict).toMatch(/^signal dies: × \de-\d+ of the first layer's variance$/);
    expect(analysis.forwardSlope).toBeCloseTo(-Math.LN2, 0);
    expect(analysis.backwardSlope).toBeCloseTo(-Math.LN2, 0);
    expect(analysis.healthy).toBe(false);
  });

  test("explosion, not finite, saturation, death, silence, looking alike", async () => {
    const normal: init.Initializer = (s, o) => init.normal(s, { ...o, std: 1 });
    expect((await verdicts(stack(() => new nn.ReLU(), 6, 64, normal)))[4]).toMatch(/^signal explodes: × /);
    expect((await verdicts(stack(() => new nn.ReLU(), 60, 64, normal)))[50]).toBe(
      "not finite: weights are far too large",
    );
    expect((await verdicts(stack(() => new nn.Tanh(), 3, 64, normal)))[1]).toMatch(
      /^saturated: \d\d % of slopes are below 0\.05$/,
    );
    const off = new nn.Sequential(
      new nn.Linear(8, 8, { biasInit: init.constant(-50) }),
      new nn.ReLU(),
      new nn.Linear(8, 2),
    );
    expect((await verdicts(off))[0]).toBe("dead: 100 % of units have no slope for any row");
    expect((await verdicts(stack(() => new nn.Tanh(), 2, 8, init.zeros)))[1]).toMatch(/^silent: /);
    const alike = await verdicts(stack(() => new nn.Sigmoid(), 6, 64, init.xavierNormal));
    expect(alike[5]).toBe("units hardly vary over the rows: their means outweigh all else");
  });

  test("not finite for another reason than large weights", async () => {
    const log = new nn.Lambda((x) => x.log());
    const { layers, hessian, loss } = await init.analyze(
      new nn.Sequential(new nn.Linear(4, 4), log, new nn.Linear(4, 2)),
    );
    expect(layers[1].verdict).toBe(
      "not finite, though nothing is large: is the input, are the weights, is what activations make of them?",
    );
    expect([layers[0].variance > 0, layers[1].predicted.q, hessian.largest, loss]).toEqual([true, NaN, NaN, NaN]);
    const text = `${await init.analyze(new nn.Linear(4, 4), randn([8, 4]).mul(Number.NaN))}`;
    expect(text).toContain("not finite, though nothing is large");
    expect(text).not.toContain("NaN");
  });

  test("a head that begins with 0 is no complaint, and what is 0 is not alike", async () => {
    const block = () => new nn.Residual(new nn.Sequential(new nn.Linear(8, 8), new nn.ReLU(), new nn.Linear(8, 8)));
    const model = new nn.Sequential(block(), block(), new nn.Linear(8, 3));
    init.fixup(model, [64, 8], { seed: 1 });
    const analysis = await init.analyze(model);
    expect(analysis.layers.at(-1)?.verdict).toBe(
      "healthy: begins with 0, what comes before it learns from the second step on",
    );
    expect([analysis.healthy, analysis.layers[1].correlation, analysis.layers[4].correlation]).toEqual([
      true,
      NaN,
      NaN,
    ]);
    expect(`${analysis}`).toContain("\nJacobian: 0, as the output does not depend on the input yet\n");
    expect((await verdicts(new nn.Linear(8, 3, { weightInit: init.zeros })))[0]).toMatch(/^silent: /);
  });

  test("a residual branch that begins with 0 is no complaint", async () => {
    const block = () => new nn.Residual(new nn.Sequential(new nn.Linear(8, 8), new nn.ReLU(), new nn.Linear(8, 8)));
    const analysis = await init.analyze(new nn.Sequential(block(), block(), new nn.Linear(8, 3)));
    expect(analysis.layers[0].verdict).toBe("healthy: waits behind a weight that begins with 0");
    expect(analysis.layers[1].verdict).toBe("healthy: begins with 0, as the last of a residual branch may");
    expect(analysis.healthy).toBe(true);
  });
});

test("looks at branches that a learned 0 shuts (ReZero)", async () => {
  const f = () => new nn.Sequential(new nn.Linear(8, 8), new nn.ReLU(), new nn.Linear(8, 8));
  const blocks = Array.from({ length: 3 }, () => new nn.Residual(f(), { scale: 0, learned: true }));
  const { healthy, jacobian } = await init.analyze(new nn.Sequential(...blocks, new nn.Linear(8, 3)), [16, 8]);
  expect(healthy).toBe(true);
  expect(jacobian.exact).toBe(true);
});

test("reads as a table, and as a picture", async () => {
  const analysis = await init.analyze(stack(() => new nn.Tanh(), 3, 16));
  const text = `${analysis}`.split("\n");
  expect(text[0]).toMatch(/^weight +then +verdict +variance +predicted +gradient +χ +dead +flat +alike +unit mean$/);
  expect(text[2]).toMatch(/^0\.weight +Tanh +healthy +\d/);
  expect(text.slice(-3)).toEqual([
    expect.stringMatching(/^signal variance × \S+ a layer, squared gradient × \S+ a layer on its way back$/),
    expect.stringMatching(/^Jacobian: largest singular value \S+, condition \S+$/),
    expect.stringMatching(/^loss \S+, largest curvature \S+: gradient descent diverges above a rate of \S+$/),
  ]);
  expect(analysis.svg()).toMatch(/^<svg .*Signal and gradient through depth/);
  expect(Object.keys(JSON.parse(JSON.stringify(analysis)))).toContain("jacobian");
});

test("changes nothing, and gives the same again", async () => {
  const model = new nn.Sequential(new nn.Linear(4, 8), new nn.BatchNorm(8), new nn.Dropout(0.5), new nn.Linear(8, 3));
  const before = await valuesOf(model);
  const random = defaultGenerator.state();
  const x = randn([20, 4], { generator: new Generator(2) });
  const first = JSON.stringify(await init.analyze(model, x));
  expect(JSON.stringify(await init.analyze(model, x))).toBe(first);
  expect(await valuesOf(model)).toEqual(before);
  expect(defaultGenerator.state()).toEqual(random);
  expect(model.training).toBe(true);
});

test("refuses what it cannot look at", async () => {
  const model = new nn.Linear(3, 2);
  const call = init.analyze as (...args: unknown[]) => Promise<unknown>;
  const message = async (...args: unknown[]) => (await rejection(call(...args))).message;
  expect(await message({})).toBe("init.analyze: model must be a module, got {  }");
  expect(await message(model, [2, 4])).toContain(
    "init.analyze: the model must accept the sample, got an input of shape [2,4]",
  );
  expect(await message(model, [2, 3], { los: 1 })).toBe('init.analyze: unknown option "los". Did you mean "loss"?');
  expect(await message(model, [2, 3], { loss: 1 })).toBe("init.analyze: loss must be a function of (output, y), got 1");
  expect(await message(model, [2, 3], { loss: (x: Tensor) => x })).toBe(
    "init.analyze: loss must return one number, got [2,2]. Reduce it with mean()",
  );
  expect(await message(model, [2, 3], { seed: -1 })).toContain("init.analyze: seed must be a whole number at least 0");
  expect(await message(model, tensor([1, 2, 3], [1, 3], "i32"))).toContain(
    'init.analyze: sample must be f32, got i32. Give x.cast("f32")',
  );
  expect(await message(new nn.ReLU(), [2, 3])).toBe(
    "init.analyze: the model must have a weight of two axes that meets the input, got none",
  );
});
