/** Statistics of every initializer on every kind of shape: moments, distribution, orthogonality, independence, seeds. */
import { describe, expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import { Generator } from "../lib/ops/index.js";
import { read, threads } from "../lib/run/index.js";
import type { Shape } from "../lib/shape.js";
import type { Tensor } from "../lib/tensor.js";
import { mismatches, run } from "./helpers.js";
import { correlation, departures, type Law, meanOf, normalLaw, truncatedLaw, uniformLaw } from "./statistics.js";

/** Shapes with a quarter of a million weights, and the fans of each. */
const shapes: Record<string, { shape: Shape; fans: init.Fans; gates?: number }> = {
  dense: { shape: [400, 640], fans: { fanIn: 640, fanOut: 400 } },
  convolution: { shape: [128, 224, 3, 3], fans: { fanIn: 2016, fanOut: 1152 } },
  recurrent: { shape: [1024, 250], fans: { fanIn: 250, fanOut: 256 }, gates: 4 },
};

const laws: Record<init.Distribution, (std: number) => Law> = {
  uniform: uniformLaw,
  normal: normalLaw,
  truncatedNormal: truncatedLaw,
};

type Std = (fans: init.Fans) => number;
const xavier: Std = ({ fanIn, fanOut }) => Math.sqrt(2 / (fanIn + fanOut));
const he: Std = ({ fanIn }) => Math.sqrt(2 / fanIn);
const lecun: Std = ({ fanIn }) => Math.sqrt(1 / fanIn);
const varied =
  (options: init.ScalingOptions): init.Initializer =>
  (shape, o) =>
    init.varianceScaling(shape, { ...options, ...o });

const scaled: [string, init.Initializer, init.Distribution, Std][] = [
  ["xavierNormal", init.xavierNormal, "normal", xavier],
  ["xavierUniform", init.xavierUniform, "uniform", xavier],
  ["heNormal", init.heNormal, "normal", he],
  ["heUniform", init.heUniform, "uniform", he],
  ["lecunNormal", init.lecunNormal, "normal", lecun],
  ["lecunUniform", init.lecunUniform, "uniform", lecun],
  ["varianceScaling", init.varianceScaling, "normal", lecun],
  [
    "varianceScaling, all options",
    varied({ gain: 3, mode: "fanOut", distribution: "truncatedNormal" }),
    "truncatedNormal",
    ({ fanOut }) => 3 / Math.sqrt(fanOut),
  ],
];

describe.each(Object.entries(shapes))("%s", (_, { shape, fans, gates }) => {
  test.each(scaled)(
    "%s has its mean, variance and distribution, which others of 5 percent more or less do not have",
    async (_, make, kind, std) => {
      const initializer = gates ? init.gates(make, gates) : make;
      const values = await initializer(shape, { seed: 20 }).data();
      const sigma = std(fans);
      expect(departures(values, laws[kind](sigma))).toEqual([]);
      for (const factor of [0.95, 1.05]) {
        expect(departures(values, laws[kind](sigma * Math.sqrt(factor)))).toContainEqual(
          expect.stringContaining("variance"),
        );
        expect(departures(values, laws[kind](sigma * factor))).toContainEqual(expect.stringContaining("Kolmogorov"));
      }
    },
  );
});

const plain: [string, Tensor, Law][] = [
  ["uniform", init.uniform([500, 500], { low: -1, high: 3, seed: 1 }), uniformLaw(4 / Math.sqrt(12), 1)],
  ["normal", init.normal([500, 500], { mean: 2, std: 0.5, seed: 2 }), normalLaw(0.5, 2)],
  ["truncatedNormal", init.truncatedNormal([500, 500], { mean: 2, std: 0.5, seed: 3 }), truncatedLaw(0.5, 2)],
];

test.each(plain)("%s", async (_, tensor, law) => {
  const values = await tensor.data();
  expect(departures(values, law)).toEqual([]);
  expect(
    departures(
      values.map((x) => law.mean + (x - law.mean) * 1.05),
      law,
    ),
  ).not.toEqual([]);
  expect(
    departures(
      values.map((x) => x + 0.05 * Math.sqrt(law.variance)),
      law,
    ),
  ).not.toEqual([]);
});

/** Largest |WᵀW − gain²·I| over the shorter side. */
async function orthogonalError(w: Tensor, gain: number): Promise<number> {
  const [m, n] = [w.shape[0], w.size / w.shape[0]];
  const flat = w.reshape([m, n]);
  const gram = m <= n ? flat.matmul(flat.transpose()) : flat.transpose().matmul(flat);
  const identity = init.eye(gram.shape, { gain: gain ** 2 });
  return (await gram.sub(identity).abs().max().item()) / gain ** 2;
}

describe("orthogonal", () => {
  test.each<[Shape, number]>([
    [[256, 256], 1],
    [[400, 640], Math.SQRT2],
    [[640, 400], 1],
    [[64, 32, 3, 3], 5 / 3],
    [[1, 7], 1],
  ])("%j with gain %d to 1e-5, and no other gain", async (shape, gain) => {
    const w = init.orthogonal(shape, { gain, seed: 4 });
    expect(await orthogonalError(w, gain)).toBeLessThan(1e-5);
    expect(await orthogonalError(w, gain * 1.05)).toBeGreaterThan(1e-5);
    expect(await orthogonalError(w.add(init.normal(shape, { std: 1e-3, seed: 1 })), gain)).toBeGreaterThan(1e-5);
  });

  test("of each gate", async () => {
    const w = init.gates(init.orthogonal, 4)([256, 64], { seed: 5 });
    const blocks = w.split(4);
    for (const block of blocks) expect(await orthogonalError(block, 1)).toBeLessThan(1e-5);
    const [first, second] = await read(blocks);
    expect(Math.abs(correlation(first, second))).toBeLessThan(4);
  });

  test("is uniform: an element of a rotation in space is uniform on [−1, 1]", async () => {
    const generator = new Generator(6);
    const values = await read(Array.from({ length: 3000 }, () => init.orthogonal([3, 3], { generator })));
    for (const at of [0, 5, 8])
      expect(
        departures(
          values.map((w) => w[at]),
          uniformLaw(1 / Math.sqrt(3)),
        ),
      ).toEqual([]);
    expect(
      departures(
        values.map((w) => 1.05 * w[0]),
        uniformLaw(1 / Math.sqrt(3)),
      ),
    ).not.toEqual([]);
  });

  test("delta-orthogonal is orthogonal at the centre and 0 elsewhere", async () => {
    const w = init.deltaOrthogonal([48, 32, 3, 4], { gain: 2, seed: 7 });
    const centre = w.slice([], [], [1, 2], [2, 3]).reshape([48, 32]);
    expect(await orthogonalError(centre, 2)).toBeLessThan(1e-5);
    expect(await w.square().sum().item()).toBeCloseTo(4 * 32, 3);
  });
});

describe("without chance", () => {
  const list = async (w: Tensor) => [...(await w.data())];
  test("eye, dirac, lstmBias", async () => {
    expect(await list(init.eye([3, 2], { gain: 2 }))).toEqual([2, 0, 0, 2, 0, 0]);
    expect(init.identity).toBe(init.eye);
    expect(await list(init.dirac([3, 2, 3]))).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect(await list(init.dirac([4, 1, 2], { groups: 4 }))).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    expect(await list(init.lstmBias([8], { forget: 2 }))).toEqual([0, 0, 2, 2, 0, 0, 0, 0]);
  });

  test("by default", async () => {
    expect(await list(init.eye([2, 2]))).toEqual([1, 0, 0, 1]);
    expect(await list(init.dirac([2, 1, 1]))).toEqual([1, 0]);
    expect(await list(init.lstmBias([4]))).toEqual([0, 1, 0, 0]);
  });

  test("zerO keeps lengths and repeats no row", async () => {
    expect(await list(init.zerO([2, 2]))).toEqual([1, 0, 0, 1]);
    expect(await list(init.zerO([2, 3]))).toEqual([1, 0, 0, 0, 1, 0]);
    for (const shape of [
      [8, 4],
      [4, 4],
    ])
      expect(await orthogonalError(init.zerO(shape), 1)).toBeLessThan(1e-6);
    const rows = (await init.zerO([6, 4]).array()) as number[][];
    expect(new Set(rows.map(String)).size).toBe(4); // rows 4 and 5 repeat 0 and 1 in the first four columns
    expect((await init.zerO([2, 1, 3]).array()) as number[][]).toEqual([
      [[0, Math.fround(Math.SQRT1_2), 0]],
      [[0, Math.fround(Math.SQRT1_2), 0]],
    ]);
  });
});

test("sparse and truncated normal by default", async () => {
  const w = await init.sparse([21, 5000], { seed: 8 }).data();
  const others = w.filter((x) => x !== 0);
  expect(others).toHaveLength(2 * 5000); // ⌈0.9 · 21⌉ = 19 of 21 are 0
  expect(departures(others, normalLaw(0.01))).toEqual([]);
  expect(departures(others, normalLaw(0.0105))).not.toEqual([]);
  const cut = await init.truncatedNormal([200, 200], { seed: 8 }).data();
  expect(departures(cut, truncatedLaw(0.01))).toEqual([]);
  expect(departures(cut, truncatedLaw(0.0105))).not.toEqual([]);
});

test.each([
  [0.9, 90],
  [0.35, 35],
  [0, 0],
  [1, 100],
])("sparse %d leaves %d of 100 rows 0 in each column, all equally likely", async (sparsity, zeros) => {
  const [rows, columns] = [100, 2000];
  const w = (await init.sparse([rows, columns], { sparsity, std: 0.5, seed: 8 }).array()) as number[][];
  const empty = w[0].map((_, j) => w.reduce((count, row) => count + Number(row[j] === 0), 0));
  expect(new Set(empty)).toEqual(new Set([zeros]));
  if (zeros === 0 || zeros === 100) return;
  const p = zeros / 100;
  for (const row of w) {
    const share = meanOf(row.map((x) => Number(x === 0)));
    expect(Math.abs(share - p) / Math.sqrt((p * (1 - p)) / columns)).toBeLessThan(4);
  }
  const others = w.flat().filter((x) => x !== 0);
  expect(departures(others, normalLaw(0.5))).toEqual([]);
  expect(departures(others, normalLaw(0.525))).not.toEqual([]);
});

const random: [string, init.Initializer][] = [
  ...scaled.map(([name, make]): [string, init.Initializer] => [name, make]),
  ["uniform", init.uniform],
  ["normal", init.normal],
  ["truncatedNormal", init.truncatedNormal],
  ["orthogonal", init.orthogonal],
  ["sparse", init.sparse],
];

describe.each(random)("%s", (name, make) => {
  const shape = [90, 110];

  test("draws of layers and of seeds are independent, of one seed equal", async () => {
    const generator = new Generator(9);
    const draws = await read([
      make(shape, { generator }),
      make(shape, { generator }),
      make(shape, { seed: 10 }),
      make(shape, { seed: 11 }),
      make(shape, { seed: 10 }),
      make(shape, { generator: new Generator(10) }),
    ]);
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < i; j++) expect(Math.abs(correlation(draws[i], draws[j]))).toBeLessThan(4);
    expect(Math.abs(correlation(draws[0], draws[0].subarray(1)))).toBeLessThan(4);
    expect(draws[4]).toEqual(draws[2]);
    expect(draws[5]).toEqual(draws[2]);
    expect(correlation(draws[2], draws[4])).toBeGreaterThan(4);
  });

  test("equal whatever the number of threads, and within 2 ULPs or 1e-7 (orthogonal 2e-6) of the oracle under this instruction set", async () => {
    const before = threads();
    const values: Float32Array[] = [];
    for (const count of [1, 2, 3]) {
      threads(count);
      values.push(await make(shape, { seed: 12 }).data());
    }
    threads(before);
    expect(values[1]).toEqual(values[0]);
    expect(values[2]).toEqual(values[0]);
    const w = make(shape, { seed: 12 });
    const [[native], [oracle]] = [await run("native", { outputs: [w] }), await run("reference", { outputs: [w] })];
    // Single precision leaves errors that grow with the condition of the matrix that is factorized.
    const bounds = name === "orthogonal" ? 2e-6 : 1e-7;
    expect(mismatches(native, oracle, { ulps: 2, bounds })).toEqual([]);
  });
});
