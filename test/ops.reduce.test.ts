/** Every reduction on the native executor against its double-precision reference. */
import { describe, expect, it } from "vitest";
import { norms, tensor } from "../lib/ops/index.js";
import { apply, type KernelOp, type Op } from "../lib/ops/op.js";
import { reduceOps } from "../lib/ops/reduce.js";
import type { Shape } from "../lib/shape.js";
import type { Constant, Tensor } from "../lib/tensor.js";
import { inDouble, mismatches, randomFrom, run, sample, sizes, specials } from "./helpers.js";

const exact = new Set(["max", "min", "argmax", "argmin"]);
const onIntegers = new Set(["sum", "max", "min", "argmax", "argmin"]);

/** (outer, n, inner): rows, columns, and middle axes around the vector widths and blocks. */
const lines: Shape[] = [
  ...sizes
    .filter((n) => n > 0)
    .flatMap((n): Shape[] => [
      [1, n, 1],
      [3, n, 1],
      [1, n, 5],
      [2, 3, n],
      [n, 10, 1],
    ]),
  [4, 7, 33],
  [33, 16, 17],
  [2, 1003, 15],
  [0, 5, 3],
  [3, 5, 0],
  [1, 70_001, 1],
  [1, 9_001, 3],
];

const reduced = (op: KernelOp, x: Tensor): Tensor => apply(op as Op, [x]);

/** A double-precision sum of n terms may lose n ulps of Σ|x|, which matters where they cancel. */
function bounds(op: KernelOp, x: Constant): Float64Array | number {
  if (op.name !== "sum" || x.dtype !== "f32") return 0;
  return inDouble([reduced(op, x.abs())])[0].map((total) => total * x.shape[1] * 2 ** -53);
}

async function compare(op: KernelOp, operands: readonly Constant[]): Promise<string[]> {
  const outputs = operands.map((x) => reduced(op, x));
  const [actual, oracle] = [await run("native", { outputs }), inDouble(outputs)];
  const ulps = exact.has(op.name) || operands[0].dtype === "i32" ? 0 : 1;
  const zeros = exact.has(op.name);
  return operands.flatMap((x, i) =>
    mismatches(actual[i], oracle[i], { ulps, zeros, bounds: bounds(op, x) }).map((m) => `${op.name}[${x.shape}]${m}`),
  );
}

describe.each(reduceOps.map((op) => [op.name, op] as const))("%s", (name, op) => {
  it("has the reference's values at every size", async () => {
    expect(
      await compare(
        op,
        lines.map((shape, k) => sample(k, shape)),
      ),
    ).toEqual([]);
  });

  it("keeps its digits over large offsets and scales", async () => {
    const shape = [3, 1003, 1];
    expect(
      await compare(op, [
        sample(1, shape, [1000, 1001]),
        sample(2, shape, [-1e30, 1e30]),
        sample(3, shape, [1e-44, 1e-42]),
      ]),
    ).toEqual([]);
  });

  it("takes special values, alone and among others", async () => {
    const random = randomFrom(5);
    const pick = (): number => (random() < 0.3 ? specials[Math.floor(random() * specials.length)] : random());
    const mixed = Float32Array.from({ length: 400 * 19 }, pick);
    const quiet = mixed.map((x) => (Number.isFinite(x) && Math.abs(x) < 1e30 ? x : Math.sign(x)));
    const each = tensor(specials, [specials.length, 1, 1]);
    const several = [mixed, quiet].flatMap((v) => [
      tensor(v, [400, 19, 1]),
      tensor(v, [1, 400, 19]),
      tensor(v, [20, 19, 20]),
    ]);
    expect(await compare(op, [each, ...several])).toEqual([]);
  });

  it("takes equal values, zeros of both signs and infinities", async () => {
    const rows = [
      [0, -0],
      [-0, 0],
      [-0, -0],
      [1, 1],
      [Infinity, Infinity],
      [-Infinity, -Infinity],
      [Infinity, -Infinity],
      [-Infinity, 1],
    ];
    const wide = rows.flatMap(([a, b]) => Array.from({ length: 37 }, (_, i) => (i % 3 === 1 ? b : a)));
    expect(await compare(op, [tensor(rows.flat(), [rows.length, 2, 1]), tensor(wide, [rows.length, 37, 1])])).toEqual(
      [],
    );
    expect(await compare(op, [tensor(wide, [1, rows.length, 37])])).toEqual([]);
  });

  if (!onIntegers.has(name)) return;
  it("reduces i32 in i32, with wrapping sums", async () => {
    const shapes: Shape[] = [
      [1, 1, 1],
      [1, 33, 1],
      [3, 513, 1],
      [2, 7, 33],
      [1, 5, 1003],
    ];
    const small = shapes.map((shape, k) => sample(k, shape, [-9, 10], "i32"));
    const large = shapes.map((shape, k) => sample(k, shape, [-(2 ** 31), 2 ** 31], "i32"));
    expect(await compare(op, [...small, ...large])).toEqual([]);
  });
});

describe("of nothing", () => {
  const empty = sample(1, [2, 0, 3]);
  const want: Record<string, number> = {
    sum: 0,
    max: -Infinity,
    min: Infinity,
    variance: Number.NaN,
    norm: 0,
  };
  it.each(reduceOps.map((op) => [op.name, op] as const))("%s", async (name, op) => {
    if (op.name.startsWith("arg")) {
      expect(() => reduced(op, empty)).toThrow(`${name}: the reduced axes must not be empty`);
      return;
    }
    const [actual] = await run("native", { outputs: [reduced(op, empty)] });
    expect([...actual]).toEqual(new Array(6).fill(want[name]));
    expect(mismatches(actual, inDouble([reduced(op, empty)])[0])).toEqual([]);
  });
});

it("norms measures tensors of any shapes, also tiny, huge and not finite ones", async () => {
  const scales = [1, 1e25, 1e-30];
  const inputs = [
    ...sizes.flatMap((n) => scales.map((scale, i) => sample(20 + i, [n]).mul(scale))),
    sample(3, [9, 11, 5]),
    sample(4, [70_001]),
    tensor([1, Number.NaN]),
    tensor([-Infinity, 1]),
    tensor(-3),
  ];
  const outputs = [norms(inputs)];
  const [actual] = await run("native", { outputs });
  expect(mismatches(actual, inDouble(outputs)[0], { ulps: 1 })).toEqual([]);
});
