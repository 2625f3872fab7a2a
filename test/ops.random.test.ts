/** Random tensors: the same from a seed everywhere, and distributed as they say. */
import { describe, expect, it } from "vitest";
import { erf, erfc, erfInverse } from "../lib/ops/erf.js";
import {
  bernoulli,
  defaultGenerator,
  Generator,
  rand,
  randint,
  randn,
  seed,
  truncatedNormal,
} from "../lib/ops/index.js";
import type { Tensor } from "../lib/tensor.js";
import { inDouble, mismatches, run, type Tolerance } from "./helpers.js";

type Draw = (shape: number[], generator: Generator) => Tensor;
/** The draws, and how far native ones, of rounded steps, may be from the reference's. */
const draws: [string, Draw, Tolerance][] = [
  ["rand", (shape, generator) => rand(shape, { generator }), { ulps: 0 }],
  [
    "rand on [-2, 5)",
    (shape, generator) => rand(shape, { generator, low: -2, high: 5 }),
    { ulps: 0, bounds: 8 * 2 ** -24 },
  ],
  ["randn", (shape, generator) => randn(shape, { generator }), { ulps: 5 }],
  ["randn of mean 3", (shape, generator) => randn(shape, { generator, mean: 3, std: 0.1 }), { ulps: 1 }],
  ["truncatedNormal", (shape, generator) => truncatedNormal(shape, { generator }), { ulps: 1 }],
  [
    "truncatedNormal of mean -1",
    (shape, generator) => truncatedNormal(shape, { generator, mean: -1, std: 4 }),
    { ulps: 1, bounds: 1e-8 },
  ],
  ["bernoulli", (shape, generator) => bernoulli(shape, { generator, p: 0.3 }), { ulps: 0 }],
  ["randint", (shape, generator) => randint(0, 10, shape, { generator }), { ulps: 0 }],
  ["randint below 0", (shape, generator) => randint(-7, -2, shape, { generator }), { ulps: 0 }],
  ["randint over all", (shape, generator) => randint(-(2 ** 31), 2 ** 31 - 1, shape, { generator }), { ulps: 0 }],
];

describe.each(draws)("%s", (_name, draw, tolerance) => {
  it("draws the reference's numbers at every size", async () => {
    const generator = new Generator(2 ** 40 + 12345);
    const outputs = [0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 1003, 70_001].map((n) => draw([n], generator));
    const actual = await run("native", { outputs });
    const oracle = inDouble(outputs);
    for (const [i, values] of actual.entries()) expect(mismatches(values, oracle[i], tolerance)).toEqual([]);
  });

  it("repeats from a seed, and differs between streams and seeds", async () => {
    const of = async (s: number): Promise<unknown[]> => {
      const generator = new Generator(s);
      return [...(await run("native", { outputs: [draw([50], generator), draw([50], generator)] }))];
    };
    const [first, again, other] = [await of(1), await of(1), await of(2)];
    expect(again).toEqual(first);
    expect(first[0]).not.toEqual(first[1]);
    expect(first[0]).not.toEqual(other[0]);
  });

  it("draws a part as the beginning of the whole", async () => {
    const [part, whole] = await run("native", {
      outputs: [draw([100], new Generator(9)), draw([500, 7], new Generator(9))],
    });
    expect([...whole.slice(0, 100)]).toEqual([...part]);
  });
});

it("rand of an empty range is its one number", async () => {
  for (const low of [0, 0.1, -7])
    expect([...(await rand([3], { low, high: low }).data())]).toEqual(new Array(3).fill(Math.fround(low)));
});

describe("the default generator", () => {
  it("starts anew with a seed", async () => {
    const two = async (): Promise<unknown[]> => {
      seed(7);
      return [...(await run("native", { outputs: [rand([9]), randn([9])] }))];
    };
    expect(await two()).toEqual(await two());
  });

  it("draws when a tensor is made, so the order of reading does not matter", async () => {
    seed(1);
    const [a, b] = [rand([4]), rand([4])];
    const later = await b.data();
    const first = await a.data();
    seed(1);
    expect(await rand([4]).data()).toEqual(first);
    expect(await rand([4]).data()).toEqual(later);
  });

  it("gives one tensor the same numbers however often it is read", async () => {
    const x = randn([5]);
    expect(await x.data()).toEqual(await x.data());
    expect([...(await x.sub(x).data())]).toEqual([0, 0, 0, 0, 0]);
  });

  it("goes on from a saved state", async () => {
    seed(3);
    await rand([2]).data();
    const state = defaultGenerator.state();
    expect(state).toEqual({ seed: 3, drawn: 1 });
    const next = await rand([5]).data();
    defaultGenerator.restore(state);
    expect(await rand([5]).data()).toEqual(next);
  });
});

/** The largest distance between an empirical distribution and its function (Kolmogorov–Smirnov). */
function distance(values: ArrayLike<number>, cdf: (x: number) => number): number {
  const sorted = Float64Array.from(values).sort();
  let worst = 0;
  for (const [i, x] of sorted.entries()) {
    worst = Math.max(worst, Math.abs(cdf(x) - i / sorted.length), Math.abs(cdf(x) - (i + 1) / sorted.length));
  }
  return worst;
}

describe("distributions, of 200,000 numbers from a fixed seed", () => {
  const count = 200_000;
  const critical = 1.63 / Math.sqrt(count); // Kolmogorov–Smirnov at 1 %
  const moments = (x: ArrayLike<number>): [mean: number, variance: number] => {
    const values = Float64Array.from(x);
    const mean = values.reduce((sum, v) => sum + v, 0) / count;
    return [mean, values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count];
  };
  const within = (value: number, want: number, sigma: number): void => {
    expect(Math.abs(value - want)).toBeLessThan(4 * sigma);
  };

  it("rand is uniform", async () => {
    const x = await rand([count], { generator: new Generator(11), low: 2, high: 6 }).data();
    const [mean, variance] = moments(x);
    within(mean, 4, Math.sqrt(16 / 12 / count));
    within(variance, 16 / 12, 16 * Math.sqrt(1 / 180 / count));
    expect(distance(x, (v) => (v - 2) / 4)).toBeLessThan(critical);
    expect(x.reduce((a, b) => Math.min(a, b))).toBeGreaterThanOrEqual(2);
    expect(x.reduce((a, b) => Math.max(a, b))).toBeLessThan(6);
  });

  it("randn is normal, and neighbours are independent", async () => {
    const x = await randn([count], { generator: new Generator(12), mean: 1, std: 2 }).data();
    const [mean, variance] = moments(x);
    within(mean, 1, 2 / Math.sqrt(count));
    within(variance, 4, 4 * Math.sqrt(2 / count));
    expect(distance(x, (v) => 0.5 * erfc(-(v - 1) / 2 / Math.SQRT2))).toBeLessThan(critical);
    for (const lag of [1, 2, 3, 4]) {
      let sum = 0;
      for (let i = lag; i < count; i++) sum += ((x[i] - 1) * (x[i - lag] - 1)) / 4;
      within(sum / count, 0, 1 / Math.sqrt(count));
    }
  });

  it("truncatedNormal is normal between two deviations, and never beyond", async () => {
    const x = await truncatedNormal([count], { generator: new Generator(14), mean: 1, std: 2 }).data();
    const std = 2 * 0.8796256610342398;
    const [mean, variance] = moments(x);
    within(mean, 1, std / Math.sqrt(count));
    within(variance, std ** 2, std ** 2 * Math.sqrt(1.366 / count)); // its kurtosis is 2.366
    const inside = erf(Math.SQRT2);
    expect(distance(x, (v) => 0.5 + erf((v - 1) / 2 / Math.SQRT2) / inside / 2)).toBeLessThan(critical);
    expect(x.reduce((a, b) => Math.min(a, b))).toBeGreaterThanOrEqual(-3);
    expect(x.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(5);
  });

  it("randn's tails have the right weight", async () => {
    const n = 1 << 24;
    const x = await randn([n], { generator: new Generator(15) }).data();
    for (const sigma of [3, 4, 4.5, 5]) {
      let beyond = 0;
      for (const v of x) if (Math.abs(v) > sigma) beyond++;
      const want = n * erfc(sigma / Math.SQRT2);
      within(beyond, want, Math.sqrt(want));
    }
    expect(x.reduce((a, b) => Math.max(a, Math.abs(b)))).toBeGreaterThan(5);
  });

  it("bernoulli is true as often as it says, and always or never at the ends", async () => {
    for (const p of [0.5, 0.1, 0.999]) {
      const x = await bernoulli([count], { p, generator: new Generator(16) }).data<Uint8Array>();
      within(x.reduce((a, b) => a + b, 0) / count, p, Math.sqrt((p * (1 - p)) / count));
    }
    expect(await bernoulli([99], { p: 1 }).all().item()).toBe(1);
    expect(await bernoulli([99], { p: 0 }).any().item()).toBe(0);
  });

  it("randint gives every number equally often", async () => {
    const x = await randint(-3, 7, [count], { generator: new Generator(13) }).data<Int32Array>();
    const seen = new Map<number, number>();
    for (const v of x) seen.set(v, (seen.get(v) ?? 0) + 1);
    expect([...seen.keys()].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3, 4, 5, 6]);
    const chi = [...seen.values()].reduce((sum, n) => sum + (n - count / 10) ** 2 / (count / 10), 0);
    expect(chi).toBeLessThan(21.7); // 1 % at 9 degrees of freedom
  });
});

it("erfInverse undoes erf", () => {
  for (const x of [-1.8, -1, -0.3, -1e-8, 0, 1e-12, 0.5, 1.4, 1.8])
    expect(Math.abs(erfInverse(erf(x)) - x)).toBeLessThanOrEqual(1e-14 * Math.abs(x));
});
