/** Every op's derivative, and the derivative of that, against finite differences in double precision. */
import { describe, expect, it } from "vitest";
import * as ops from "../lib/ops/index.js";
import { mapOps } from "../lib/ops/map.js";
import type { Shape } from "../lib/shape.js";
import type { Tensor } from "../lib/tensor.js";
import { gradientErrors, secondDerivativeErrors } from "./gradcheck.js";
import { sample } from "./helpers.js";
import { samples } from "./samples.js";

type Call = (...x: Tensor[]) => Tensor;

/** Operands of one elementwise call: alike, and broadcast against each other. */
const operands: Record<number, Shape[][]> = {
  1: [[[9]], [[]]],
  2: [
    [[7], [7]],
    [[3, 4], [4]],
    [
      [3, 1],
      [2, 1, 4],
    ],
    [[], [5]],
  ],
  3: [
    [[7], [7], [7]],
    [[3, 1], [4], [2, 1, 1]],
  ],
};

describe.each(mapOps.map((op) => [op.name, op] as const))("%s", (name, op) => {
  const call = (ops as unknown as Record<string, Call>)[name];
  it.each(operands[op.arity].map((shapes) => [shapes.map((s) => `[${s}]`).join(" "), shapes] as const))(
    "%s",
    (_title, shapes) => {
      const inputs = shapes.map((shape, k) =>
        sample(3 + k, shape, op.domain, op.arity === 3 && k === 0 ? "bool" : "f32"),
      );
      expect(gradientErrors(call, inputs)).toEqual([]);
      expect(secondDerivativeErrors(call, inputs)).toEqual([]);
    },
  );
});

describe("structured ops", () => {
  const small = samples.filter(
    ({ inputs }) => inputs.some((x) => x.dtype === "f32") && inputs.every((x) => x.size <= 64),
  );
  const named = small.map((s, k) => [`${s.name} ${s.inputs.map((x) => `[${x.shape}]`).join(" ")} #${k}`, s] as const);
  it.each(named)("%s", (_name, { call, inputs }) => {
    expect(gradientErrors(call, inputs)).toEqual([]);
    expect(secondDerivativeErrors(call, inputs)).toEqual([]);
  });
});

describe("the check", () => {
  const x = [sample(1, [5])];
  const y = (t: Tensor): Tensor => t.exp();

  it("catches a wrong derivative", () => {
    const wrong = (t: Tensor): Tensor => ops.customGradient(y(t), [t], (g) => [g.mul(y(t)).mul(1.0001)]);
    expect(gradientErrors(y, x)).toEqual([]);
    expect(gradientErrors(wrong, x)).toHaveLength(5);
  });

  it("catches a wrong second derivative behind a right first one", () => {
    const wrong = (t: Tensor): Tensor => ops.customGradient(y(t), [t], (g) => [g.mul(ops.stopGradient(y(t)))]);
    expect(gradientErrors(wrong, x)).toEqual([]);
    expect(secondDerivativeErrors(wrong, x).length).toBeGreaterThan(0);
  });

  it("catches a gradient that is missing", () => {
    expect(gradientErrors((t) => ops.stopGradient(t.square()), x)).toHaveLength(5);
  });
});
