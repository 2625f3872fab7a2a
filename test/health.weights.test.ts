/** What the doctor reads of weights in JavaScript: units that are alike, and how far a step moves them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shareOfTwins } from "../lib/health/facts/twins.js";
import { Movement } from "../lib/health/movement.js";
import { randn, tensor } from "../lib/ops/index.js";
import { initialize } from "../lib/run/index.js";
import { Variable } from "../lib/tensor.js";

describe("units that are as another one", () => {
  test.each<[string, number[][], number]>([
    ["none", [[1, 2], [2, 1], [-1, 2], [1, -2]], 0], // biome-ignore format: rows
    ["two of four", [[1, 2], [3, 1], [1, 2], [1, -2]], 0.5], // biome-ignore format: rows
    ["two pairs whose first numbers are the same", [[1, 2], [1, 5], [1, 2], [1, 5]], 1], // biome-ignore format: rows
    ["all are 0", [[0, 0], [0, 0], [0, 0]], 1], // biome-ignore format: rows
    ["small ones", [[1e-30, 2e-30], [2e-30, 1e-30], [1e-30, 2e-30]], 2 / 3], // biome-ignore format: rows
    ["to 0.1 % of their length", [[1, 2], [1.001, 2], [2, -1]], 2 / 3], // biome-ignore format: rows
    ["not to 1 %", [[1, 2], [1.02, 2.02], [2, -1]], 0], // biome-ignore format: rows
    ["what is no number is like nothing", [[Number.NaN, 1], [Number.NaN, 1]], 0], // biome-ignore format: rows
    ["one", [[1, 2]], 0],
  ])("%s", (_, rows, share) => {
    expect(shareOfTwins(Float32Array.from(rows.flat()), rows.length)).toBeCloseTo(share, 12);
  });

  test("are those that a comparison of all with all finds", () => {
    const rows = fc.array(fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 2, maxLength: 2 }), { minLength: 1 });
    fc.assert(
      fc.property(rows, (list) => {
        const alike = list.filter((a, i) => list.some((b, j) => j !== i && a[0] === b[0] && a[1] === b[1]));
        expect(shareOfTwins(list.flat(), list.length)).toBeCloseTo(alike.length / list.length, 12);
      }),
    );
  });
});

describe("how far a step moves a weight", () => {
  test.each([
    [3, 4],
    [64, 784],
  ])("of %d × %d", async (...shape) => {
    const weight = new Variable(randn(shape));
    const unknown = new Variable(tensor([1]));
    const movement = new Movement();
    movement.begin([unknown]); // it has no values yet
    await initialize([weight, unknown]);
    const { storage } = weight;
    if (!storage) throw new Error("not initialized");
    const rms = (list: Iterable<number>): number => Math.sqrt([...list].reduce((a, x) => a + x * x, 0) / weight.size);
    for (const size of [0, 0.01, 3]) {
      movement.begin([weight]);
      const changes = await randn(shape, { std: size }).data();
      for (const [i, change] of changes.entries()) storage[i] += change;
      expect(Math.abs(movement.of(weight) - rms(changes))).toBeLessThanOrEqual(0.1 * rms(changes) + 1e-9);
    }
    expect(movement.of(unknown)).toBe(0);
  });
});
