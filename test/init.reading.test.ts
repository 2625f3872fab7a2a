/** Tensors that are read together, as many or as one, and what the numbers of layers come to through depth. */
import { describe, expect, test } from "vitest";
import { slopesThrough } from "../lib/init/measure.js";
import { joined, known, packed, type Reading, rootMeanSquares } from "../lib/init/reading.js";
import { arange, tensor } from "../lib/ops/index.js";
import { read } from "../lib/run/index.js";
import type { Tensor } from "../lib/tensor.js";

const listOf = (...tensors: Tensor[]): Reading<number[][]> => ({
  tensors,
  decode: (values) => values.map((v) => [...v]),
});

const readingOf = () =>
  joined(
    listOf(
      arange(3),
      tensor([
        [1, 2],
        [3, 4],
      ]).sum(),
    ),
    known("nothing"),
    listOf(),
    listOf(tensor([7, -2], [2], "i32"), tensor([1, 0]).greater(0), tensor([], [0, 2])),
    rootMeanSquares([tensor([3, 4]).mul(1), tensor([[2]]).mul(1)]),
  );

describe("readings", () => {
  const expected = [[[0, 1, 2], [10]], "nothing", [], [[7, -2], [1, 0], []], new Float32Array([Math.sqrt(12.5), 2])];

  test("joined give each one its values", async () => {
    const { tensors, decode } = readingOf();
    expect(tensors).toHaveLength(6);
    expect(decode(await read(tensors))).toEqual(expected);
  });

  test("packed are one tensor with the same values, whatever their types and sizes", async () => {
    const { tensors, decode } = packed(readingOf());
    expect(tensors.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual([{ shape: [10], dtype: "f32" }]);
    expect(decode(await read(tensors))).toEqual(expected);
  });

  test("packed of nothing need no tensor", () => {
    const { tensors, decode } = packed(joined(known(1), listOf()));
    expect(tensors).toEqual([]);
    expect(decode([])).toEqual([1, []]);
  });
});

describe("slopes through depth", () => {
  const layer = (variance: number, gradient: number, head = false) => ({ variance, gradient, head });

  test("forward and on the way back, heads left out", () => {
    const { forwardSlope, backwardSlope } = slopesThrough([
      layer(1, 4),
      layer(2, 2),
      layer(4, 1),
      layer(1e6, 1e6, true),
    ]);
    expect(forwardSlope).toBeCloseTo(Math.log(2), 12);
    expect(backwardSlope).toBeCloseTo(Math.log(2), 12);
  });

  test("what is not positive and finite keeps its place but counts for nothing", () => {
    const { forwardSlope } = slopesThrough([layer(1, 1), layer(0, 1), layer(Number.NaN, 1), layer(8, 1)]);
    expect(forwardSlope).toBeCloseTo(Math.log(2), 12);
    expect(slopesThrough([layer(1, 1)]).forwardSlope).toBe(0);
  });
});
