/** How trials are scored: classes alike by the rows that are judged, and differences that chance explains by the loss. */
import { describe, expect, test } from "vitest";
import { DataSet } from "../lib/data/index.js";
import type { StartFacts } from "../lib/health/facts/start.js";
import { better, floorOf, gain, type Score, scoreOf, worst } from "../lib/health/score.js";
import * as nn from "../lib/nn/index.js";
import { tensor } from "../lib/ops/index.js";
import type { Loop } from "../lib/train/loop.js";

const score = (accuracy: number, loss: number, error = 0.01): Score => ({ accuracy, error, loss });

describe("scores", () => {
  /** A model that answers as its inputs, one per class, and rows of y whose answer is given. */
  const judged = async (rows: readonly [y: number, answer: number][], counts: number[]) => {
    const x = tensor(
      rows.map(([, answer]) => [0, 1, 2].map((k) => (k === answer ? 5 : 0))),
      [rows.length, 3],
    );
    const set = new DataSet(
      x,
      tensor(
        rows.map(([y]) => y),
        [rows.length],
        "i32",
      ),
    );
    const model = new nn.Sequential(new nn.Lambda((t) => t));
    const facts = { target: { counts }, loss: { kind: "cross-entropy" } } as unknown as StartFacts;
    return scoreOf({ model } as unknown as Loop, set, facts, "matmul", nn.crossEntropy);
  };
  const times = <T>(n: number, value: T): T[] => Array.from({ length: n }, () => value);

  test("count classes alike, by the rows that are judged and not by those of the sample", async () => {
    const rows: [number, number][] = [...times<[number, number]>(300, [0, 0]), [1, 1], [1, 0], [2, 2], [2, 0]];
    const { accuracy, error } = await judged(rows, [90, 5, 5]);
    expect(accuracy).toBeCloseTo(2 / 3, 6);
    expect(error).toBeCloseTo(Math.sqrt(((2 / 3) * (1 / 3) * (1 / 300 + 1 / 2 + 1 / 2)) / 9), 6);
  });

  test("leave out classes that are not judged", async () => {
    const { accuracy } = await judged([...times<[number, number]>(9, [0, 0]), [1, 0]], [90, 5, 5]);
    expect(accuracy).toBeCloseTo(0.5, 6);
  });

  test("weigh classes alike in the loss, too, where they are far from even", async () => {
    const rows: [number, number][] = [...times<[number, number]>(30, [0, 0]), [1, 0], [2, 0]];
    const right = Math.log(1 + 2 * Math.exp(-5));
    const wrong = right + 5;
    expect((await judged(rows, [50, 10, 10])).loss).toBeCloseTo((30 * right + 2 * wrong) / 32, 5);
    const weight = 300 / 10; // of a rare class for one of the frequent
    const even = (30 * right + 2 * weight * wrong) / (30 + 2 * weight);
    expect((await judged(rows, [300, 10, 10])).loss).toBeCloseTo(even, 3);
    const facts = { target: { counts: [300, 10, 10] }, chance: 0.3, loss: { kind: "cross-entropy" } } as never;
    expect(floorOf(facts).loss).toBeCloseTo(Math.log(3), 9);
  });

  test("gain by answers, in shares of what is to be had", () => {
    expect(gain(score(0.5, 1), score(0.75, 2))).toBeCloseTo(0.5);
    expect(gain(score(0.5, 1), score(0.25, 0.1))).toBeCloseTo(-0.5);
  });

  test("by the loss where answers hardly differ, or no more than by chance", () => {
    expect(gain(score(0.5, 1, 0), score(0.51, 0.5, 0))).toBeCloseTo(0.25);
    expect(gain(score(0.7, 1, 0.08), score(0.61, 0.2, 0.08))).toBeCloseTo(0.4);
    expect(gain(score(Number.NaN, 1), score(Number.NaN, 0.4))).toBeCloseTo(0.6);
  });

  test("of what is not finite are the worst", () => {
    expect(gain(score(0.5, 1), worst)).toBe(-Infinity);
    expect(gain(worst, score(0.1, 9))).toBe(1);
  });

  test("are held against an answer that ignores the input, figure by figure", () => {
    const facts = { target: { counts: [5, 5, 0, 2] }, chance: 1.1, loss: { kind: "cross-entropy" } } as never;
    expect(floorOf(facts)).toEqual({ accuracy: 1 / 3, error: 0, loss: 1.1 });
    expect(better(score(0.2, 0.5, 0.3), floorOf(facts))).toEqual({ accuracy: 1 / 3, error: 0, loss: 0.5 });
    expect(better(score(0.9, Number.NaN, 0.3), floorOf(facts))).toEqual({ accuracy: 0.9, error: 0.3, loss: 1.1 });
  });
});
