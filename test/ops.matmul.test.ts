/** The matrix product on the native executor, for every way its operands are stored, against double precision. */
import { describe, expect, it } from "vitest";
import { tensor } from "../lib/ops/index.js";
import { matmulOp } from "../lib/ops/matmul.js";
import { apply, type Op } from "../lib/ops/op.js";
import type { Tensor } from "../lib/tensor.js";
import { inDouble, mismatches, run, sample } from "./helpers.js";

interface Product {
  readonly batch: readonly [number, number];
  readonly M: number;
  readonly K: number;
  readonly N: number;
}

/** Sizes of one side against sizes around registers, blocks and vectors of the others. */
const around = [0, 1, 2, 5, 7, 8, 15, 16, 17, 31, 33, 65];
const products: Product[] = [
  ...around.flatMap((n): Product[] => [
    { batch: [1, 1], M: n, K: 7, N: 33 },
    { batch: [1, 1], M: 17, K: n, N: 5 },
    { batch: [1, 1], M: 9, K: 31, N: n },
    { batch: [1, 1], M: n, K: n, N: n },
  ]),
  ...(
    [
      [3, 3],
      [3, 1],
      [1, 3],
      [0, 1],
      [1, 0],
    ] as const
  ).map((batch) => ({ batch, M: 6, K: 17, N: 19 })),
  { batch: [1, 1], M: 1, K: 1003, N: 1 },
  { batch: [1, 1], M: 1, K: 129, N: 1003 },
  { batch: [1, 1], M: 1003, K: 10, N: 1 },
  { batch: [1, 1], M: 64, K: 784, N: 48 },
  { batch: [1, 1], M: 511, K: 33, N: 10 },
  { batch: [1, 1], M: 130, K: 513, N: 131 },
  { batch: [2, 2], M: 70, K: 300, N: 40 },
];

const turns = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

const product = (a: Tensor, b: Tensor, transA: boolean, transB: boolean): Tensor =>
  apply(matmulOp as Op, [a, b], { transA, transB });

describe.each(turns)("transA %s, transB %s", (transA, transB) => {
  const operands = ({ batch: [za, zb], M, K, N }: Product, range?: [number, number]) =>
    [sample(1, transA ? [za, K, M] : [za, M, K], range), sample(2, transB ? [zb, N, K] : [zb, K, N], range)] as const;

  it("is within the rounding of K additions at every size", async () => {
    const inputs = products.map((p) => operands(p));
    const outputs = inputs.map(([a, b]) => product(a, b, transA, transB));
    const magnitudes = inDouble(inputs.map(([a, b]) => product(a.abs(), b.abs(), transA, transB)));
    const [actual, oracle] = [await run("native", { outputs }), inDouble(outputs)];
    for (const [i, p] of products.entries()) {
      // One rounding for each of K steps, each of half an ULP of a partial sum: 2⁻²⁴·Σ|ab|.
      const bounds = magnitudes[i].map((m) => m * (p.K + 1) * 2 ** -24);
      expect(mismatches(actual[i], oracle[i], { ulps: 0, bounds }), `${p.batch} M ${p.M} K ${p.K} N ${p.N}`).toEqual(
        [],
      );
    }
  });

  it("is exact on small whole numbers", async () => {
    const whole = products.map((p) => operands(p, [-4, 5]).map((x) => x.floor()));
    const outputs = whole.map(([a, b]) => product(a, b, transA, transB));
    const [actual, oracle] = [await run("native", { outputs }), inDouble(outputs)];
    for (const [i, p] of products.entries()) {
      const values = actual[i].map((x) => x + 0); // a sum of −0 alone may begin from +0
      expect(
        mismatches(
          values,
          oracle[i].map((x) => x + 0),
        ),
        `${p.batch} M ${p.M} K ${p.K} N ${p.N}`,
      ).toEqual([]);
    }
  });

  it("spreads infinities and NaN to their rows and columns alone", async () => {
    const [M, K, N] = [19, 35, 21];
    const a = Float32Array.from({ length: M * K }, () => 1);
    a[transA ? 4 * M + 3 : 3 * K + 4] = Infinity;
    const b = Float32Array.from({ length: K * N }, () => 1);
    b[transB ? 7 * K + 5 : 5 * N + 7] = Number.NaN;
    const y = product(
      tensor(a, transA ? [1, K, M] : [1, M, K]),
      tensor(b, transB ? [1, N, K] : [1, K, N]),
      transA,
      transB,
    );
    const [actual] = await run("native", { outputs: [y] });
    expect(mismatches(actual, inDouble([y])[0])).toEqual([]);
  });
});

it("multiplies integers, bytes and flags as f32", async () => {
  const a = sample(1, [5, 7], [-9, 10], "i32");
  const outputs = (["i32", "u8", "bool"] as const).map((dtype) => a.matmul(sample(2, [7, 3], [-9, 10], dtype)));
  const actual = await run("native", { outputs });
  for (const [i, y] of outputs.entries()) expect(mismatches(actual[i], inDouble([y])[0])).toEqual([]);
});
