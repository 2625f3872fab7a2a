/** The kernels of normalization layers (channel statistics, rows and their gradients) against double precision. */
import { describe, expect, it } from "vitest";
import { grad } from "../lib/grad.js";
import { tensor } from "../lib/ops/index.js";
import { channelMoments, channelSums, normalizeRows } from "../lib/ops/normalize.js";
import type { Shape } from "../lib/shape.js";
import type { Constant, Tensor } from "../lib/tensor.js";
import { inDouble, mismatches, run, sample, sizes } from "./helpers.js";

/** (outer, n, inner) around the vector widths and the blocks of channels. */
const channels: Shape[] = [
  ...sizes
    .filter((n) => n > 0)
    .flatMap((n): Shape[] => [
      [n, 3, 1],
      [5, n, 1],
      [2, 3, n],
    ]),
  [300, 130, 1],
  [40, 5, 77],
];

const rows: Shape[] = [
  ...sizes
    .filter((n) => n > 0)
    .flatMap((n): Shape[] => [
      [3, n],
      [n, 5],
    ]),
  [300, 768],
  [0, 4],
];

/** Results against their oracles, with an error of so many millionths of the largest value beside some ULPs. */
async function compare(outputs: readonly Tensor[], millionths = 1, ulps = 4): Promise<string[]> {
  const [actual, oracle] = [await run("native", { outputs }), inDouble(outputs)];
  return outputs.flatMap((t, i) => {
    const bounds = 1e-6 * millionths * oracle[i].reduce((a, b) => Math.max(a, Math.abs(b)), 1);
    return mismatches(actual[i], oracle[i], { ulps, bounds, zeros: true }).map(
      (m) => `${t.op.name}[${t.inputs[0]?.shape}]${m}`,
    );
  });
}

describe("statistics of channels", () => {
  it("have the reference's values at every size", async () => {
    const outputs = channels.flatMap((shape, k) => {
      const { mean, variance } = channelMoments(sample(k, shape));
      const { sum, product } = channelSums(sample(k, shape), sample(k + 99, shape));
      const n = shape[0] * shape[2];
      return [mean, variance, sum.div(n), product.div(n)];
    });
    expect(await compare(outputs)).toEqual([]);
  });

  it("keep their digits at an offset of 1e4", async () => {
    for (const shape of [
      [64, 70, 1],
      [9, 3, 50],
      [3, 4, 1],
    ]) {
      const { mean, rest, variance } = channelMoments(sample(1, shape, [1e4, 1e4 + 2]));
      const [m, r, v] = await run("native", { outputs: [mean, rest, variance] });
      const [exact, spread] = inDouble([mean, variance]);
      for (const [i, want] of exact.entries()) {
        expect(Math.abs(m[i] + r[i] - want)).toBeLessThan(1e-6);
        expect(Math.abs(v[i] / spread[i] - 1)).toBeLessThan(2e-6);
      }
    }
  });

  it("keep their digits where the first elements are far from the others", async () => {
    const values = Float32Array.from({ length: 100 * 6 }, (_, i) => (i < 24 ? 1e3 + i : 1e-2 * (i % 17)));
    const along = channelMoments(tensor(values, [100, 6, 1]));
    const together = channelMoments(tensor(values, [2, 3, 100]));
    const outputs = [along.mean, along.variance, together.mean, together.variance];
    const [actual, oracle] = [await run("native", { outputs }), inDouble(outputs)];
    for (const [k, values] of actual.entries()) expect(mismatches(values, oracle[k], { ulps: 16 })).toEqual([]);
  });

  it("of equal elements are exact", async () => {
    const row = sample(1, [1, 5, 1], [1e3, 1e4]);
    for (const shape of [
      [37, 5, 1],
      [2, 5, 37],
    ]) {
      const { mean, rest, variance } = channelMoments(row.expand(shape).mul(1));
      const [m, r, v] = await run("native", { outputs: [mean, rest, variance] });
      expect([...m]).toEqual([...row.values]);
      expect([...r, ...v].every((e) => e === 0)).toBe(true);
    }
  });

  it("are not numbers where an element is not", async () => {
    const x = tensor([Number.NaN, 1, Infinity, 2, 3, 4, 5, 6, 7], [3, 3, 1]);
    const { mean, variance } = channelMoments(x);
    const [m, v] = await run("native", { outputs: [mean, variance] });
    expect([Number.isNaN(m[0]), m[1], Number.isFinite(m[2])]).toEqual(
      [true, 10 / 3, false].map((e) => (typeof e === "number" ? Math.fround(e) : e)),
    );
    expect([Number.isNaN(v[0]), Number.isFinite(v[1]), Number.isNaN(v[2])]).toEqual([true, true, true]);
  });
});

describe.each([true, false])("rows, centered: %s", (centered) => {
  const calls = (x: Constant, k: number): Tensor[] => {
    const [weight, bias] = [sample(k + 1, [x.shape[1]]), sample(k + 2, [x.shape[1]])];
    const y = normalizeRows(x, 1e-5, { centered, weight, bias: centered ? bias : undefined });
    const plain = normalizeRows(x, 1e-5, { centered });
    const g = sample(k + 3, x.shape);
    const parameters = centered ? [x, weight, bias] : [x, weight];
    return [y, plain, ...grad(y, parameters, g), ...grad(plain, [x], g), ...grad(y, [weight], g)];
  };

  it("and their gradients have the reference's values at every size", async () => {
    expect(
      await compare(
        rows.flatMap((shape, k) => calls(sample(k, shape), k)),
        4,
      ),
    ).toEqual([]);
  });

  it("keep their digits at an offset of 1e4", async () => {
    const x = sample(1, [9, 300], [1e4, 1e4 + 2]);
    expect(await compare(calls(x, 1).slice(0, 2), 4)).toEqual([]);
  });

  it("of equal elements are 0, or 1, before the weights", async () => {
    const x = sample(1, [7, 1], [10, 20]).expand([7, 45]).mul(1);
    const [y] = await run("native", { outputs: [normalizeRows(x, 0.001, { centered })] });
    expect(y.every((e) => (centered ? e === 0 : Math.abs(e - 1) < 1e-4))).toBe(true);
  });
});
