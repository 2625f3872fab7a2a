/** Statistics of lists, against their definitions. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ascending, deviation, mean, median, sum } from "../lib/health/numbers.js";

const lists = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 40 });

describe("statistics of a list", () => {
  test("by hand", () => {
    expect(sum([1, 2, 4])).toBe(7);
    expect(mean([1, 2, 6])).toBe(3);
    expect(deviation([1, 3])).toBe(1);
    expect(median([5, 1, 3])).toBe(3);
    expect([sum([]), median([])]).toEqual([0, 0]);
  });

  test("the upper middle of an even number, by size and not by digits", () => {
    expect(median([10, 9, 2, 1])).toBe(9);
    expect(median([-1, -2])).toBe(-1);
  });

  test("a sorted copy leaves the list alone, and NaN comes last", () => {
    const list = [3, Number.NaN, -Infinity, 1];
    expect([...ascending(list)]).toEqual([-Infinity, 1, 3, Number.NaN]);
    expect(list[0]).toBe(3);
  });

  test("mean and deviation follow a shift and a scale", () =>
    fc.assert(
      fc.property(lists, (list) => {
        const other = list.map((x) => 7 - 2 * x);
        expect(mean(other)).toBeCloseTo(7 - 2 * mean(list), 6);
        expect(deviation(other)).toBeCloseTo(2 * deviation(list), 6);
      }),
    ));

  test("no more than half of a list is below its median, and no more than half above", () =>
    fc.assert(
      fc.property(lists, (list) => {
        const middle = median(list);
        expect(list.filter((x) => x < middle).length).toBeLessThanOrEqual(list.length / 2);
        expect(list.filter((x) => x > middle).length).toBeLessThanOrEqual(list.length / 2);
      }),
    ));
});
