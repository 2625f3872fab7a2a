/** Initializers: distributions, fans, orthogonality, seeds, refusals. */
import { beforeAll, describe, expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import { Generator, seed } from "../lib/ops/index.js";
import { useExecutor } from "../lib/run/index.js";
import type { Shape } from "../lib/shape.js";
import type { Tensor } from "../lib/tensor.js";
import { executors } from "./helpers.js";

beforeAll(() => useExecutor("reference"));

/** Mean, standard deviation and largest size in double precision. */
async function describeValues(x: Tensor): Promise<{ mean: number; std: number; most: number }> {
  const all = Array.from(await x.data());
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  const std = Math.sqrt(all.reduce((sum, v) => sum + (v - mean) ** 2, 0) / all.length);
  return { mean, std, most: all.reduce((m, v) => Math.max(m, Math.abs(v)), 0) };
}

/** How far the rows (or columns, if fewer) of a matrix are from orthogonal with squared length gain². */
async function orthogonalError(w: Tensor, gain: number): Promise<number> {
  const [m, n] = w.shape;
  const a = (await w.data()) as Float32Array;
  const at = (i: number, k: number): number => (m <= n ? a[i * n + k] : a[k * n + i]);
  const [few, many] = m <= n ? [m, n] : [n, m];
  let worst = 0;
  for (let i = 0; i < few; i++) {
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let k = 0; k < many; k++) dot += at(i, k) * at(j, k);
      worst = Math.max(worst, Math.abs(dot / gain ** 2 - Number(i === j)));
    }
  }
  return worst;
}

test("fans are of (out, in, …kernel)", () => {
  expect(init.fans([512, 784])).toEqual({ fanIn: 784, fanOut: 512 });
  expect(init.fans([16, 3, 5, 5])).toEqual({ fanIn: 75, fanOut: 400 });
});

describe.each(executors)("on %s", (executor) => {
  beforeAll(() => useExecutor(executor));

  const shape: Shape = [200, 300]; // fanIn 300, fanOut 200
  const normal: [string, () => Tensor, number][] = [
    ["heNormal", () => init.heNormal(shape), Math.sqrt(2 / 300)],
    ["heNormal by fanOut", () => init.heNormal(shape, { mode: "fanOut" }), Math.sqrt(2 / 200)],
    ["heNormal with a gain", () => init.heNormal(shape, { gain: 3 }), 3 / Math.sqrt(300)],
    ["heNormal of a kernel", () => init.heNormal([200, 30, 5, 2]), Math.sqrt(2 / 300)],
    ["heNormal with fans", () => init.heNormal(shape, { fans: { fanIn: 50, fanOut: 1 } }), Math.sqrt(2 / 50)],
    ["xavierNormal", () => init.xavierNormal(shape), Math.sqrt(2 / 500)],
    ["lecunNormal", () => init.lecunNormal(shape), Math.sqrt(1 / 300)],
    ["normal", () => init.normal(shape, { std: 0.3 }), 0.3],
    ["normal by default", () => init.normal(shape), 0.01],
  ];

  test.each(normal)("%s has its standard deviation and a normal's tails", async (_, make, std) => {
    seed(11);
    const got = await describeValues(make());
    expect(Math.abs(got.mean)).toBeLessThan((4 * std) / Math.sqrt(60_000));
    expect(Math.abs(got.std / std - 1)).toBeLessThan(0.012);
    expect(got.most).toBeGreaterThan(3.5 * std);
  });

  const even: [string, () => Tensor, number][] = [
    ["heUniform", () => init.heUniform(shape), Math.sqrt(6 / 300)],
    ["xavierUniform", () => init.xavierUniform(shape), Math.sqrt(6 / 500)],
    ["xavierUniform with a gain", () => init.xavierUniform(shape, { gain: 0.5 }), 0.5 * Math.sqrt(6 / 500)],
    ["uniform", () => init.uniform(shape, { low: -2, high: 2 }), 2],
    ["uniform by default", () => init.uniform(shape), 0.05],
  ];

  test.each(even)("%s fills its bounds and no more", async (_, make, bound) => {
    seed(12);
    const got = await describeValues(make());
    expect(got.most).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(got.most).toBeGreaterThan(bound * 0.999);
    expect(Math.abs(got.std / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.012);
  });

  test("constants are constant", async () => {
    expect(await init.zeros([2]).data()).toEqual(Float32Array.of(0, 0));
    expect(await init.ones([2], { generator: new Generator(1) }).data()).toEqual(Float32Array.of(1, 1));
    expect(await init.constant(0.5)([2]).data()).toEqual(Float32Array.of(0.5, 0.5));
  });

  test.each([
    [[8, 8], 1],
    [[5, 17], 1],
    [[17, 5], 2],
    [[1, 4], 1],
    [[33, 64], Math.SQRT2],
  ] as const)("orthogonal %j with gain %d is", async (size, gain) => {
    expect(await orthogonalError(init.orthogonal(size, { gain }), gain)).toBeLessThan(1e-6);
  });

  test("orthogonal joins the axes after the first, and favours no sign", async () => {
    expect(await orthogonalError(init.orthogonal([6, 2, 3, 2]).reshape([6, 12]), 1)).toBeLessThan(1e-6);
    const generator = new Generator(3);
    let traces = 0;
    for (let i = 0; i < 200; i++) traces += (await init.orthogonal([1, 1], { generator }).item()) > 0 ? 1 : 0;
    expect(traces).toBeGreaterThan(60);
    expect(traces).toBeLessThan(140);
  });

  test("equal seeds give equal weights, and a generator leaves the default one alone", async () => {
    const draw = [init.heNormal, init.xavierUniform, init.orthogonal, init.uniform, init.normal];
    for (const make of draw) {
      seed(7);
      const first = await make([4, 6]).data();
      expect(await make([4, 6]).data()).not.toEqual(first);
      seed(7);
      expect(await make([4, 6], { generator: new Generator(7) }).data()).toEqual(first);
      expect(await make([4, 6]).data()).toEqual(first);
    }
  });
});

describe("initializers refuse", () => {
  const loosely = init as unknown as Record<string, (...args: unknown[]) => unknown>;
  test.each<[string, unknown[], string]>([
    ["fans", [[5]], "init.fans: shape must be (out, in, …kernel), got [5]. For biases use init.zeros"],
    ["fans", [[5, 0]], "init.fans: fanIn must be above 0, got 0 of shape [5,0]. Is a size of the layer 0?"],
    ["heNormal", [[0, 5]], "init.heNormal: fanOut must be above 0, got 0 of shape [0,5]. Is a size of the layer 0?"],
    ["heNormal", [[5]], "init.heNormal: shape must be (out, in, …kernel), got [5]. For biases use init.zeros"],
    [
      "heNormal",
      [[5, 5], { gain: -1 }],
      "init.heNormal: gain must be a finite number at least 0, got -1. Use init.gain of the activation, or 1",
    ],
    ["heNormal", [[5, 5], { gain: Number.NaN }], "init.heNormal: gain must be a finite number at least 0, got NaN"],
    ["eye", [[5, 5], { gain: -1 }], "init.eye: gain must be a finite number at least 0, got -1"],
    ["zerO", [[5, 5], { gain: "1" }], 'init.zerO: gain must be a finite number at least 0, got "1"'],
    ["deltaOrthogonal", [[5, 5, 3], { gain: -1 }], "init.orthogonal: gain must be a finite number at least 0, got -1"],
    ["heNormal", [[5, 5], { mode: "in" }], 'init.heNormal: mode must be "fanIn", "fanOut" or "fanAvg", got "in"'],
    ["heNormal", [[5, 5], { gian: 1 }], 'init.heNormal: unknown option "gian". Did you mean "gain"?'],
    [
      "heNormal",
      [[5, 5], { fans: 3 }],
      "init.heNormal: fans must be { fanIn, fanOut }, got 3. Leave them out for those of the shape",
    ],
    [
      "heNormal",
      [[5, 5], { fans: { fanIn: 3 } }],
      "init.heNormal: fanOut must be a finite number above 0, got undefined",
    ],
    ["heNormal", [[5, 5], { generator: 3 }], "randn: generator must be a Generator, got 3"],
    ["orthogonal", [[5]], "init.orthogonal: shape must be (out, in, …) without sizes of 0, got [5]"],
    ["orthogonal", [[5, 0]], "init.orthogonal: shape must be (out, in, …) without sizes of 0, got [5,0]"],
    ["orthogonal", [[5, 5], { gain: -2 }], "init.orthogonal: gain must be a finite number at least 0"],
    ["uniform", [[5], { low: 1, high: 0 }], "init.uniform: high must be a number at least 1, got 0"],
    ["normal", [[5], { std: -1 }], "init.normal: std must be a number at least 0, got -1"],
    ["constant", ["a"], 'init.constant: value must be a number, got "a"'],
    ["zeros", [[2], { gain: 1 }], 'init.zeros: unknown option "gain". Known: generator, seed'],
    ["zeros", ["a"], 'zeros: shape must be a list of whole numbers, got "a"'],
  ])("%s%j", (name, args, message) => {
    expect(() => loosely[name](...args)).toThrow(message);
  });
});
