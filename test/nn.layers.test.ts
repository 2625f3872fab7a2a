/** Layers beyond the fixtures: statistics at an offset, effects, dropout's mask, second derivatives, refusals. */
import { beforeAll, describe, expect, test } from "vitest";
import { grad } from "../lib/grad.js";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { normalizeChannels } from "../lib/nn/normalize.js";
import { Generator, ones, seed, tensor, zeros } from "../lib/ops/index.js";
import { normalizeRows } from "../lib/ops/normalize.js";
import { read, useExecutor } from "../lib/run/index.js";
import type { Shape } from "../lib/shape.js";
import type { Constant, Tensor } from "../lib/tensor.js";
import { apart } from "./fixtures/read.js";
import { gradientErrors, secondDerivativeErrors } from "./gradcheck.js";
import { executors, inDouble, sample } from "./helpers.js";

beforeAll(() => useExecutor("reference"));

/** Mean and standard deviation in double precision. */
function moments(values: ArrayLike<number>): { mean: number; std: number } {
  const all = Array.from(values);
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  return { mean, std: Math.sqrt(all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length) };
}

describe("derivatives", () => {
  const x = sample(1, [4, 3]);
  const deep = sample(2, [2, 3, 2]);
  const rows: [string, (...x: Tensor[]) => Tensor, Constant[]][] = [
    ["normalizeChannels", (t) => normalizeChannels(t, 1e-3).y, [x]],
    ["normalizeChannels over two axes", (t) => normalizeChannels(t, 1e-3).y, [deep]],
    [
      "normalizeChannels' moments",
      (t) => normalizeChannels(t, 1e-3).mean.add(normalizeChannels(t, 1e-3).variance),
      [deep],
    ],
    [
      "normalizeChannels with parameters",
      (t, weight, bias) => normalizeChannels(t, 1e-3, { weight, bias }).y,
      [deep, sample(3, [3]), sample(4, [3])],
    ],
    [
      "normalizeRows",
      (t, weight, bias) => normalizeRows(t, 1e-3, { centered: true, weight, bias }),
      [x, sample(3, [3]), sample(4, [3])],
    ],
    ["normalizeRows by root mean square", (t) => normalizeRows(t, 1e-3, { centered: false }), [x]],
    [
      "normalizeRows by root mean square, weighted",
      (t, weight) => normalizeRows(t, 1e-3, { centered: false, weight }),
      [x, sample(3, [3])],
    ],
  ];

  test.each(rows)("of %s, first and second", (_, call, inputs) => {
    expect(gradientErrors(call, inputs)).toEqual([]);
    expect(secondDerivativeErrors(call, inputs)).toEqual([]);
  });

  test.each([
    ["BatchNorm", new nn.BatchNorm(3)],
    ["LayerNorm", new nn.LayerNorm(3)],
    ["Residual", new nn.Residual(new nn.Linear(3, 3), { scale: 0.7, learned: true })],
    ["Bias", new nn.Sequential(new nn.Bias(), new nn.Tanh())],
    ["Sequential", new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm(4), new nn.Tanh(), new nn.Linear(4, 2))],
  ])("through %s, first and second", async (_, module) => {
    await module.state(); // gives the parameters their values
    expect(gradientErrors((t) => module.forward(t), [x])).toEqual([]);
    expect(secondDerivativeErrors((t) => module.forward(t), [x])).toEqual([]);
  });
});

describe.each(executors)("on %s", (executor) => {
  beforeAll(() => useExecutor(executor));

  test.each([
    ["BatchNorm", new nn.BatchNorm(4), [64, 4]],
    ["LayerNorm", new nn.LayerNorm(64), [4, 64]],
  ] as const)("%s keeps its digits at an offset of 1e4", async (_, norm, shape) => {
    const x = sample(7, shape).add(1e4);
    const exact = tensor(await x.data(), shape);
    await norm.state(); // gives the parameters their values
    const [oracle] = inDouble([norm.forward(exact)]);
    const y = await norm.forward(exact).data();
    expect(apart(y, oracle, 1e-6)).toEqual([]); // PyTorch's float32 is off by 1e-2 and 1e-3
  });

  test("BatchNorm updates its statistics only in runs that compute its output, and not in evaluation", async () => {
    const norm = new nn.BatchNorm(2);
    const x = tensor([
      [1, 10],
      [3, 30],
    ]);
    const before = await norm.state();
    const graph = norm.forward(x);
    expect((await norm.state()).runningMean.values).toEqual(before.runningMean.values);
    await graph.data();
    const after = await norm.state();
    expect(apart(after.runningMean.values, [0.2, 2], 1e-6)).toEqual([]); // 0.1·mean
    expect(apart(after.runningVar.values, [0.9 + 0.1 * 2, 0.9 + 0.1 * 200], 1e-6)).toEqual([]);
    norm.eval();
    await norm.forward(x).data();
    expect((await norm.state()).runningMean.values).toEqual(after.runningMean.values);
  });

  test("BatchNorm's statistics ride on a loss that is differentiated", async () => {
    const norm = new nn.BatchNorm(3);
    const x = sample(3, [8, 3]);
    const loss = norm.forward(x).square().mean();
    await read([loss, ...grad(loss, norm.parameters())]);
    expect((await norm.state()).runningVar.values).not.toEqual(new Float32Array(3).fill(1));
  });

  test("Dropout drops a share p, keeps the mean, and passes gradient where it kept", async () => {
    const x = ones([20_000]).mul(2);
    for (const p of [0.1, 0.5, 0.9]) {
      const y = new nn.Dropout(p, { generator: new Generator(4) }).forward(x);
      const [values, dx] = await read([y, grad(y.sum(), [x])[0]]);
      const dropped = values.filter((v) => v === 0).length / values.length;
      const kept = Math.fround(1 / (1 - p));
      expect(Math.abs(dropped - p)).toBeLessThan(0.012);
      expect(new Set(values)).toEqual(new Set([0, Math.fround(2 * kept)]));
      expect(values.every((v, i) => (v === 0 ? dx[i] === 0 : dx[i] === kept))).toBe(true);
    }
  });

  test("Dropout draws anew for each graph, equally for equal seeds, and passes evaluation by", async () => {
    const [x, dropout] = [ones([1000]), new nn.Dropout()];
    seed(5);
    const [first, second] = await read([dropout.forward(x), dropout.forward(x)]);
    seed(5);
    expect(await dropout.forward(x).data()).toEqual(first);
    expect(second).not.toEqual(first);
    expect(dropout.eval().forward(x)).toBe(x);
    expect(new nn.Dropout(0).forward(x)).toBe(x);
  });

  test("a Linear begins with He's variance and zeros, or with what it is given", async () => {
    const layer = new nn.Linear(400, 300);
    const { mean, std } = moments(await layer.weight.data());
    expect(Math.abs(mean)).toBeLessThan(1e-3);
    expect(Math.abs(std / Math.sqrt(2 / 400) - 1)).toBeLessThan(0.01);
    expect(await layer.bias?.sum().item()).toBe(0);
    const own = new nn.Linear(2, 3, { weightInit: init.constant(0.5), biasInit: (shape) => ones(shape).mul(7) });
    expect(await own.weight.data()).toEqual(new Float32Array(6).fill(0.5));
    expect(await own.bias?.data()).toEqual(new Float32Array(3).fill(7));
    const make = (): nn.Linear => new nn.Linear(4, 4, { generator: new Generator(9) });
    expect(await make().weight.data()).toEqual(await make().weight.data());
  });

  test("Lambda, Flatten, Bias and Residual compute what they say", async () => {
    const x = sample(1, [2, 3, 4]);
    const bias = new nn.Bias();
    expect(await bias.forward(x).data()).toEqual(x.values);
    bias.loadState({ bias: tensor([2], []) });
    expect(
      apart(
        await bias.forward(x).data(),
        x.values.map((v) => v + 2),
        1e-6,
      ),
    ).toEqual([]);
    expect(new nn.Flatten().forward(x).shape).toEqual([2, 12]);
    expect(new nn.Flatten(0, 1).forward(x).shape).toEqual([6, 4]);
    const twice = new nn.Residual(new nn.Lambda((t) => t.mul(3)), { scale: 0.5 });
    expect(
      apart(
        await twice.forward(x).data(),
        x.values.map((v) => v * 2.5),
        1e-6,
      ),
    ).toEqual([]);
    const rezero = new nn.Residual(new nn.Lambda((t) => t.exp()), { scale: 0, learned: true });
    expect(await rezero.forward(x).data()).toEqual(x.values);
  });
});

describe("layers refuse", () => {
  const at = (shape: Shape): Tensor => zeros(shape);
  const loosely = nn as unknown as Record<string, new (...args: unknown[]) => nn.Module>;
  const construct =
    (name: string, ...args: unknown[]) =>
    () =>
      new loosely[name](...args);

  const refusals: [() => unknown, string][] = [
    [construct("Linear", 0, 3), "Linear: inFeatures must be a whole number at least 1, got 0"],
    [construct("Linear", 3, 2.5), "Linear: outFeatures must be a whole number at least 1, got 2.5"],
    [construct("Linear", 3, 2, { bais: true }), 'Linear: unknown option "bais". Did you mean "bias"?'],
    [
      construct("Linear", 3, 2, { weightInit: () => zeros([3, 2]) }),
      "Linear: weightInit must give f32[2,3], got f32[3,2]",
    ],
    [
      construct("Linear", 3, 2, { weightInit: "he" }),
      'Linear: weightInit must be a function of a shape, got "he". Use one of init',
    ],
    [() => new nn.Linear(3, 2).forward(at([])), "Linear: the input's last axis must be 3, got []"],
    [construct("BatchNorm", -1), "BatchNorm: features must be a whole number at least 1, got -1"],
    [
      construct("BatchNorm", 3, { momentum: 2 }),
      "BatchNorm: momentum must be a number at least 0 and at most 1, got 2",
    ],
    [construct("BatchNorm", 3, { eps: -1 }), "BatchNorm: eps must be a number at least 0, got -1"],
    [() => new nn.BatchNorm(3).forward(at([3])), "BatchNorm: the input must be (N, 3, …), got [3]"],
    [() => new nn.BatchNorm(3).forward(at([2, 4])), "BatchNorm: the input must be (N, 3, …), got [2,4]"],
    [
      () => new nn.BatchNorm(3).forward(at([1, 3])),
      "BatchNorm: training needs more than 1 value per channel, got [1,3]. Use a larger batch, dropLast or eval()",
    ],
    [construct("LayerNorm", []), "LayerNorm: shape must have axes that are not empty, got []"],
    [construct("LayerNorm", 4, { epsilon: 1 }), 'LayerNorm: unknown option "epsilon". Known: eps, affine'],
    [() => new nn.LayerNorm([2, 3]).forward(at([3])), "LayerNorm: the input's last axes must be [2,3], got [3]"],
    [() => new nn.RMSNorm(4).forward(at([2, 3])), "RMSNorm: the input's last axes must be [4], got [2,3]"],
    [construct("Dropout", 1), "Dropout: p must be a number at least 0 and below 1, got 1"],
    [construct("Dropout", 0.5, { seed: 1 }), 'Dropout: unknown option "seed". Known: generator'],
    [
      () => new nn.Residual(new nn.Linear(3, 4)).forward(at([2, 3])),
      "Residual: f must keep the shape of its input, got [2,3] to [2,4]",
    ],
    [construct("Residual", new nn.ReLU(), { scale: "learned" }), 'Residual: scale must be a number, got "learned"'],
    [() => new nn.Bias().forward(3 as unknown as Tensor), "Bias: the input must be a tensor, got 3"],
    [construct("Lambda", 3), "Lambda: wants a function of a tensor, got 3"],
    [
      () => new nn.Lambda(() => 3 as unknown as Tensor).forward(at([1])),
      "Lambda: the function must return a tensor, got 3",
    ],
    [construct("LeakyReLU", { slope: 1 }), "leakyRelu: slope must be a number, got { slope }"],
    [construct("CELU", 0), "celu: alpha must be a number above 0, got 0"],
    [construct("GELU", { approximate: "tan" }), 'GELU: approximate must be "none" or "tanh", got "tan"'],
    [construct("Hardtanh", 1, -1), "hardtanh: max must be a number at least 1, got -1"],
    [construct("Softmax", 1.5), "softmax: axis must be a whole number"],
    [construct("PReLU", 0), "PReLU: channels must be a whole number at least 1, got 0"],
    [() => new nn.PReLU(3).forward(at([2, 4])), "PReLU: the input must have 3 channels on axis 1, got [2,4]"],
    [() => new nn.ReLU().forward(3 as unknown as Tensor), "relu: x must be a tensor, got 3. Make one with tensor(…)"],
    [
      () => new nn.Linear(3, 2).forward([1, 2, 3] as unknown as Tensor),
      "Linear: the input must be a tensor, got [1,2,3]. Make one with tensor(…)",
    ],
  ];

  test.each(refusals.map(([call, message]) => [message, call] as const))("%s", (message, call) => {
    expect(call).toThrow(message);
  });
});
