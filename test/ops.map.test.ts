/** Every elementwise op on the native executor against its double-precision reference. */
import { describe, expect, it } from "vitest";
import type { DType } from "../lib/dtype.js";
import * as ops from "../lib/ops/index.js";
import { mapOps } from "../lib/ops/map.js";
import type { MapOp } from "../lib/ops/op.js";
import type { Shape } from "../lib/shape.js";
import type { Tensor } from "../lib/tensor.js";
import { inDouble, inSingle, mismatches, randomBits, run, sample, sizes, specials, type Tolerance } from "./helpers.js";

type Call = (...x: Tensor[]) => Tensor;

/** The exported function of an op's name. */
const functionOf = (op: MapOp): Call => (ops as unknown as Record<string, Call>)[op.name];

/** IEEE arithmetic and everything that only chooses or compares is exact; the rest is within one ULP, mish at these points two. */
const inexact = new Set(
  "exp expm1 log log1p rsqrt sin cos tanh erf erfc sigmoid softplus logSigmoid gelu geluTanh silu mish pow".split(" "),
);
const extremes = new Set(["maximum", "minimum"]);
const tolerance = (op: MapOp): Tolerance => ({
  ulps: op.name === "mish" ? 2 : inexact.has(op.name) ? 1 : 0,
  zeros: extremes.has(op.name),
});

/** Shapes that meet by broadcasting, one list per number of operands. */
const pairs: [Shape, Shape][] = [
  [[33], []],
  [[17, 33], [33]],
  [
    [17, 33],
    [17, 1],
  ],
  [
    [5, 7, 9],
    [5, 1, 9],
  ],
  [
    [5, 7, 9],
    [7, 1],
  ],
  [
    [37, 10],
    [37, 1],
  ],
  [[37, 10], [10]],
  [
    [1, 7, 1, 3],
    [4, 1, 5, 1],
  ],
  [
    [7, 1],
    [1, 33],
  ],
  [
    [0, 3],
    [1, 3],
  ],
  [
    [3, 0],
    [3, 1],
  ],
  [
    [2, 3, 4, 5],
    [3, 1, 5],
  ],
];
const shapesFor: Record<number, Shape[][]> = {
  1: [[[]], [[0, 3]], [[3, 0]], [[7, 10]], [[2, 3, 5]]],
  2: [...pairs, ...pairs.map(([a, b]) => [b, a]), [[], []]],
  3: [
    ...pairs.flatMap(([a, b]) => [
      [a, b, b],
      [b, a, b],
      [b, b, a],
    ]),
    [
      [5, 1, 1],
      [1, 7, 1],
      [1, 1, 9],
    ],
  ],
};

/** What the op does with its operands on the native executor, where that leaves the reference. */
async function compare(op: MapOp, calls: readonly (readonly Tensor[])[]): Promise<string[]> {
  const outputs = calls.map((x) => functionOf(op)(...x));
  const [actual, oracle] = [await run("native", { outputs }), inDouble(outputs)];
  return outputs.flatMap((y, i) =>
    mismatches(actual[i], oracle[i], tolerance(op)).map((m) => {
      const at = Number(m.slice(1, m.indexOf("]")));
      const given = calls[i].map((x) => (x.size === y.size ? inDouble([x])[0][at] : `[${x.shape}]`));
      return `${op.name}(${given.join(", ")}) ${y.dtype}[${y.shape}]${m}`;
    }),
  );
}

describe.each(mapOps.map((op) => [op.name, op] as const))("%s", (_name, op) => {
  const domain = (shape: Shape, k: number): Tensor => sample(7 + k, shape, op.domain);

  it("has the reference's values at every size", async () => {
    const calls = sizes.map((n) => Array.from({ length: op.arity }, (_, k) => domain([n], k)));
    expect(await compare(op, calls)).toEqual([]);
  });

  it("broadcasts", async () => {
    expect(
      await compare(
        op,
        shapesFor[op.arity].map((shapes) => shapes.map(domain)),
      ),
    ).toEqual([]);
  });

  it("takes special values", async () => {
    const x = ops.tensor(specials);
    const wide = Array.from({ length: op.arity }, (_, k) => ops.tensor(randomBits(11 + k, 2048)));
    const n = specials.length;
    const spread = (["[n]", "[n,1]", "[n,1,1]"] as const).map((_, k) => x.reshape([n, ...new Array(k).fill(1)]));
    const grid = spread.slice(0, op.arity).map((t) => t.expand(new Array(op.arity).fill(n)).reshape([n ** op.arity]));
    expect(
      await compare(op, [
        wide,
        ...(op.arity < 3 ? [grid] : [[x.greater(0), ...grid.slice(0, 2).map((t) => t.slice([0, n]))]]),
      ]),
    ).toEqual([]);
  });

  it("takes integers, bytes and flags", async () => {
    const types: DType[] = ["f32", "i32", "u8", "bool"];
    const of = (dtype: DType, k: number): Tensor => sample(31 + k, [67], [-9, 10], dtype);
    const mixes = types.flatMap((a, i) =>
      op.arity === 1
        ? [[of(a, 0)]]
        : types.map((b) => (op.arity === 2 ? [of(a, 0), of(b, 1)] : [of(types[3 - i], 2), of(a, 0), of(b, 1)])),
    );
    expect(await compare(op, mixes)).toEqual([]);
  });

  it("wraps i32 as two's complement", async () => {
    const edge = Int32Array.of(
      0,
      1,
      -1,
      2,
      -2,
      46341,
      -46341,
      65536,
      2 ** 30,
      2147483647,
      -2147483648,
      123456789,
      -987654321,
    );
    const n = edge.length;
    const a = ops.tensor(Int32Array.from({ length: n * n }, (_, i) => edge[i % n]));
    const b = ops.tensor(Int32Array.from({ length: n * n }, (_, i) => edge[Math.floor(i / n)]));
    const operands = op.arity === 3 ? [a.greater(0), a, b] : [a, b].slice(0, op.arity);
    // As f32 the double-precision reference keeps digits that the cast rounds away.
    const y = functionOf(op)(...operands);
    const [actual] = await run("native", { outputs: [y] });
    expect(mismatches(actual, inSingle([y])[0], tolerance(op))).toEqual([]);
  });
});

it("covers every op that has no exported function of its name", async () => {
  expect(mapOps.filter((op) => functionOf(op) === undefined).map((op) => op.name)).toEqual([]);
});

describe("cast", () => {
  const types: DType[] = ["f32", "i32", "u8", "bool"];
  it.each(types.flatMap((from) => types.map((to) => [from, to] as const)))("%s to %s", async (from, to) => {
    const edge =
      from === "i32" ? [2147483647, -2147483648, 16777217, -16777219, 255, 256, -1, 0] : Array.from(specials);
    const x = from === "f32" || from === "i32" ? ops.tensor(edge, undefined, from) : sample(3, [67], undefined, from);
    const y = x.cast(to);
    const [actual] = await run("native", { outputs: [y] });
    expect(mismatches(actual, inDouble([y])[0])).toEqual([]);
  });

  it.each(["f32", "i32", "u8", "bool"] as const)("%s repeats under expand and as a literal", async (dtype) => {
    const x = sample(5, [7, 1], [-9, 10], dtype);
    const outputs = [
      x.expand([3, 7, 33]),
      x.expand([7, 0]),
      ops.full([2, 33], 1, dtype),
      ops.ones([], dtype),
      ops.zeros([0], dtype),
    ];
    const actual = await run("native", { outputs });
    const oracle = inDouble(outputs);
    for (const [i, values] of actual.entries()) expect(mismatches(values, oracle[i])).toEqual([]);
  });
});
