/** Gradients of random expressions: shared values, broadcasts and moves together, against finite differences. */
import fc from "fast-check";
import { expect, it } from "vitest";
import * as ops from "../lib/ops/index.js";
import type { Tensor } from "../lib/tensor.js";
import { gradientErrors, secondDerivativeErrors } from "./gradcheck.js";
import { sample } from "./helpers.js";

/** Values stay near 1, where differences are exact to many digits. */
const tame = (x: Tensor): Tensor => x.tanh();

const two: ((a: Tensor, b: Tensor) => Tensor)[] = [
  (a, b) => a.add(b),
  (a, b) => a.sub(b),
  (a, b) => a.mul(b),
  (a, b) => a.div(b.square().add(1)),
  (a, b) => a.greater(0.05).where(a, b),
  (a, b) => a.matmul(b.transpose()),
];

const one: ((x: Tensor) => Tensor)[] = [
  (x) => x.sin(),
  (x) => x.exp(),
  (x) => x.square(),
  (x) => x.sigmoid().mul(x),
  (x) => x.transpose(),
  (x) => x.flip(0),
  (x) =>
    x.slice(null, [0, 2]).pad([
      [0, 0],
      [0, 1],
    ]),
  (x) => x.sum({ axes: 0, keepDims: true }),
  (x) => x.mean({ axes: 1, keepDims: true }),
  (x) => x.variance({ axes: 1, keepDims: true }),
  (x) => x.softmax(),
  (x) => x.logSumExp({ axes: 0, keepDims: true }),
  (x) => x.reshape([1, 9]).reshape([9, 1]).reshape([3, 3]),
  (x) => ops.concat([x, x.neg()], 1).slice(null, [0, 6, 2]),
  (x) => x.gather(ops.tensor([2, 0, 0], [3], "i32")),
  (x) => x.norm({ axes: 1, keepDims: true }),
  (x) => ops.stopGradient(x.greater(0).cast("f32")).mul(x),
];

const step = fc.record({ what: fc.nat(999), a: fc.nat(4), b: fc.nat(9) });

/** An expression over (3, 3), (1, 3) and (3, 1) that uses earlier values again and again. */
const expression =
  (steps: readonly { what: number; a: number; b: number }[]) =>
  (...leaves: Tensor[]): Tensor => {
    const values = [...leaves];
    for (const { what, a, b } of steps) {
      const [x, y] = [a, b].map((at) => values[Math.max(0, values.length - 1 - at)].expand([3, 3]));
      const next = what % 5 < 3 ? two[what % two.length](x, y) : one[what % one.length](x);
      values.push(tame(next));
    }
    return values.slice(-3).reduce((sum, x) => sum.add(x));
  };

const leaves = (seed: number) =>
  [
    [3, 3],
    [1, 3],
    [3, 1],
  ].map((shape, k) => sample(seed + k, shape, [-1, 1]));

it("of first order", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 15 }), fc.nat(999), (steps, seed) => {
      expect(gradientErrors(expression(steps), leaves(seed))).toEqual([]);
    }),
    { numRuns: 150, seed: 5 },
  );
});

it("of second order", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 6 }), fc.nat(999), (steps, seed) => {
      expect(secondDerivativeErrors(expression(steps), leaves(seed), 1e-5)).toEqual([]);
    }),
    { numRuns: 60, seed: 6 },
  );
});
