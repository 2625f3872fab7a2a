/** The kernels along lines (softmax, cross-entropy and their gradients) against double precision. */
import { describe, expect, it } from "vitest";
import { grad } from "../lib/grad.js";
import { labelLosses } from "../lib/ops/crossEntropy.js";
import * as ops from "../lib/ops/index.js";
import type { Shape } from "../lib/shape.js";
import type { Constant, Tensor } from "../lib/tensor.js";
import { gradientErrors, secondDerivativeErrors } from "./gradcheck.js";
import { inDouble, mismatches, randomFrom, run, sample, sizes, specials } from "./helpers.js";

const { tensor } = ops;

/** (outer, n, inner) around the vector widths. */
const shapes: Shape[] = [
  ...sizes
    .filter((n) => n > 0)
    .flatMap((n): Shape[] => [
      [3, n, 1],
      [2, n, 5],
      [1, 3, n],
      [n, 10, 1],
    ]),
  [2, 65, 33],
  [70, 1000, 1],
];

type Call = (x: Tensor, shape: Shape, k: number) => Tensor;

const labelsOf = ([outer, n, inner]: Shape, k: number): Constant => sample(k, [outer, inner], [0, n], "i32");
const weightsOf = ([, n]: Shape, k: number): Constant => sample(k, [n], [0.1, 2]);

/** The gradient of a random projection. */
const gradient =
  (call: Call): Call =>
  (x, shape, k) => {
    const y = call(x, shape, k);
    return grad(y, [x], sample(k + 50, y.shape))[0];
  };

const crossEntropy: Call = (x, shape, k) => labelLosses(x, labelsOf(shape, k), { axis: 1 });
const everything: Call = (x, shape, k) =>
  labelLosses(x, labelsOf(shape, k), { axis: 1, ignore: 2, smoothing: 0.2, weights: weightsOf(shape, k) });

/**
 * Floats between result and oracle, and an absolute error in units of the largest value, at least 1. Beside that,
 * e^(x − max) multiplies the rounding of the difference by it: as many floats as the line is wide.
 */
const calls: [name: string, call: Call, ulps: number, absolute: number][] = [
  ["softmax", (x) => x.softmax(1), 3, 0],
  ["logSoftmax", (x) => x.logSoftmax(1), 3, 0],
  ["logSumExp", (x) => x.logSumExp({ axes: 1 }), 1, 1e-7],
  ["softmaxGradient", gradient((x) => x.softmax(1)), 4, 1e-6],
  ["logSoftmaxGradient", gradient((x) => x.logSoftmax(1)), 4, 1e-6],
  ["logSumExpGradient", gradient((x) => x.logSumExp({ axes: 1 })), 3, 0],
  ["crossEntropy", crossEntropy, 1, 0],
  ["crossEntropy, everything on", everything, 1, 0],
  ["crossEntropyGradient", gradient(crossEntropy), 3, 0],
  ["crossEntropyGradient, everything on", gradient(everything), 4, 1e-6],
];

async function compare(
  inputs: readonly Constant[],
  call: Call,
  absolute: number,
  ulps: number,
  width = 0,
): Promise<string[]> {
  const outputs = inputs.map((x, k) => call(x, x.shape, k));
  const [actual, oracle] = [await run("native", { outputs }), inDouble(outputs)];
  return inputs.flatMap((x, i) => {
    const bounds = absolute * oracle[i].reduce((a, b) => Math.max(a, Number.isFinite(b) ? Math.abs(b) : 0), 1);
    return mismatches(actual[i], oracle[i], { ulps: ulps + width, bounds, zeros: true }).map((m) => `[${x.shape}]${m}`);
  });
}

describe.each(calls)("%s", (_name, call, ulps, absolute) => {
  it("has the reference's values at every size", async () => {
    const inputs = shapes.map((shape, k) => sample(k, shape, [-6, 6]));
    expect(await compare(inputs, call, absolute, ulps, 12)).toEqual([]);
  });

  it("keeps its digits at a distance", async () => {
    const far = [sample(1, [9, 33, 1], [1e4, 1e4 + 8]), sample(2, [3, 17, 7], [-1e4 - 8, -1e4])];
    expect(await compare(far, call, absolute, ulps, 8)).toEqual([]);
  });

  it("takes special values", async () => {
    const random = randomFrom(5);
    const pick = (): number => (random() < 0.1 ? specials[Math.floor(random() * specials.length)] : random() * 20);
    const mixed = Float32Array.from({ length: 60 * 19 }, pick);
    const infinite = mixed.map((_, i) => [-Infinity, -Infinity, i % 7 === 0 ? Infinity : -Infinity][i % 3]);
    const inputs = [mixed, infinite].flatMap((v) => [
      tensor(v, [60, 19, 1]),
      tensor(v, [3, 19, 20]),
      tensor(v, [380, 3, 1]),
    ]);
    expect(await compare(inputs, call, absolute, ulps, 104)).toEqual([]);
  });

  it("takes nothing", async () => {
    expect(await compare([sample(1, [0, 4, 1]), sample(1, [3, 4, 0])], call, 0, 0)).toEqual([]);
  });
});

describe("derivatives of crossEntropy by axis, label and weight", () => {
  const options = [{}, { ignore: 1 }, { smoothing: 0.3 }, { smoothing: 0.3, ignore: 0 }, { smoothing: 1 }] as const;
  const rows = [[4, 3, 1] as const, [2, 3, 2] as const].flatMap((shape) => options.map((o) => [shape, o] as const));

  it.each(rows)("%j %j", (shape, o) => {
    const [x, labels] = [sample(1, shape), labelsOf(shape, 2)];
    const plain = (z: Tensor): Tensor => labelLosses(z, labels, { axis: 1, ...o });
    const weighted = (z: Tensor, w: Tensor): Tensor => labelLosses(z, labels, { axis: 1, ...o, weights: w });
    expect(gradientErrors(plain, [x])).toEqual([]);
    expect(secondDerivativeErrors(plain, [x])).toEqual([]);
    expect(gradientErrors(weighted, [x, weightsOf(shape, 3)])).toEqual([]);
    expect(secondDerivativeErrors(weighted, [x, weightsOf(shape, 3)])).toEqual([]);
  });

  it("a cotangent that varies, and one that does not", async () => {
    const [x, labels] = [sample(1, [40, 7]), sample(2, [40], [0, 7], "i32")];
    const losses = labelLosses(x, labels, { axis: 1 });
    const [even] = grad(losses.mean(), [x]);
    const [varied] = grad(losses, [x], tensor(new Float32Array(40).fill(1 / 40)));
    const [a, b] = await run("native", { outputs: [even, varied] });
    expect(a).toEqual(b);
    expect(mismatches(a, inDouble([even])[0], { ulps: 9 })).toEqual([]);
  });
});

it("ignored rows may hold anything", async () => {
  const x = tensor([Number.NaN, 1, Infinity, 2, 0, 0], [3, 2]);
  const losses = labelLosses(x, tensor([7, 7, 0], [3], "i32"), { axis: 1, ignore: 7, smoothing: 0.1 });
  const [values, dx] = await run("native", { outputs: [losses, grad(losses.sum(), [x])[0]] });
  expect([...values]).toEqual([0, 0, Math.fround(Math.LN2)]);
  expect([...dx]).toEqual([0, 0, 0, 0, Math.fround(-0.45), Math.fround(0.45)]);
});

it("a label out of range is an error of crossEntropy, also of its gradient alone", async () => {
  const x = sample(1, [3, 4]);
  const losses = labelLosses(x, tensor([1, -1, 0], [3], "i32"), { axis: 1 });
  const message = "crossEntropy: label -1 at position 1 is out of range for 4 classes (0 to 3)";
  for (const name of ["native", "reference"] as const) {
    await expect(run(name, { outputs: [losses] })).rejects.toThrow(message);
    await expect(run(name, { outputs: grad(losses.sum(), [x]) })).rejects.toThrow(message);
  }
});
