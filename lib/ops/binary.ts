/** Elementwise functions of two or three tensors with broadcasting, comparisons and selection. */
import { checkNumber, checkOptions, fail } from "../error.js";
import type { Tensor } from "../tensor.js";
import { applyMap, binary, mapOp, requireTensor, type TensorLike } from "./map.js";

/** a + b. */
export const add = binary("add", { typing: "number", reference: (a, b) => a + b, vjp: (g) => [g, g] });

/** a − b. */
export const sub = binary("sub", { typing: "number", reference: (a, b) => a - b, vjp: (g) => [g, g.neg()] });

/** a · b, elementwise. */
export const mul = binary("mul", {
  typing: "number",
  reference: (a, b) => a * b,
  integer: Math.imul,
  vjp: (g, [a, b]) => [g.mul(b), g.mul(a)],
});

/** a / b in f32, also of integers. d(a/b) = (da − (a/b)·db)/b */
export const div = binary("div", {
  typing: "float",
  reference: (a, b) => a / b,
  vjp: (g, [, b], y) => [g.div(b), g.mul(y).div(b).neg()],
  domain: [0.3, 3],
});

/** aᵇ. d = b·a^(b−1)·da + aᵇ·ln a·db; where a is 0 the second term is 0. */
export const pow = binary("pow", {
  typing: "float",
  reference: (a, b) => (a === 1 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b)) ? 1 : a ** b), // as C's pow
  vjp: (g, [a, b], y) => [
    // 0·a^−1 would be NaN at a = 0, b = 0.
    g.mul(b.equal(0).where(0, b.mul(a.pow(b.sub(1))))),
    g.mul(a.equal(0).where(0, y.mul(a.log()))),
  ],
  domain: [0.3, 3],
});

// Ties share the gradient equally, as PyTorch has it.
const share = (a: Tensor, b: Tensor, wins: Tensor): Tensor => a.equal(b).where(0.5, wins.cast("f32"));

/** The larger of a and b; NaN wins, and of 0 and −0 it may be either. */
export const maximum = binary("maximum", {
  typing: "number",
  reference: (a, b) => Math.max(a, b),
  vjp: (g, [a, b]) => [g.mul(share(a, b, a.greater(b))), g.mul(share(a, b, a.less(b)))],
});

/** The smaller of a and b; NaN wins, and of 0 and −0 it may be either. */
export const minimum = binary("minimum", {
  typing: "number",
  reference: (a, b) => Math.min(a, b),
  vjp: (g, [a, b]) => [g.mul(share(a, b, a.less(b))), g.mul(share(a, b, a.greater(b)))],
});

/** a = b, as bool. */
export const equal = binary("equal", { typing: "compare", reference: (a, b) => Number(a === b) });
/** a ≠ b, as bool. */
export const notEqual = binary("notEqual", { typing: "compare", reference: (a, b) => Number(a !== b) });
/** a < b, as bool. */
export const less = binary("less", { typing: "compare", reference: (a, b) => Number(a < b) });
/** a ≤ b, as bool. */
export const lessEqual = binary("lessEqual", { typing: "compare", reference: (a, b) => Number(a <= b) });
/** a > b, as bool. */
export const greater = binary("greater", { typing: "compare", reference: (a, b) => Number(a > b) });
/** a ≥ b, as bool. */
export const greaterEqual = binary("greaterEqual", { typing: "compare", reference: (a, b) => Number(a >= b) });
/** Both are non-zero. */
export const logicalAnd = binary("logicalAnd", { typing: "logic", reference: (a, b) => Number(a !== 0 && b !== 0) });
/** Either is non-zero. */
export const logicalOr = binary("logicalOr", { typing: "logic", reference: (a, b) => Number(a !== 0 || b !== 0) });

const whereOp = mapOp("where", 3, {
  typing: "select",
  reference: (c, a, b) => (c !== 0 ? a : b),
  vjp: (g, [c]) => [undefined, c.where(g, 0), c.where(0, g)],
});

/**
 * `a` where the condition is non-zero, `b` elsewhere; the branch not taken gets gradient 0, whatever the cotangent. What
 * computed that branch may still turn the 0 into NaN, as `log` does at 0: choose its input as well.
 */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  return applyMap(whereOp, "select", [condition, a, b]);
}

/** x limited to [min, max]; no gradient outside. Either bound may be left out. */
export function clamp(x: Tensor, options: { min?: number; max?: number }): Tensor {
  requireTensor("clamp", "x", x);
  if (options === undefined) fail("clamp", "options must be { min, max } or one of them, got undefined");
  checkOptions("clamp", options, ["min", "max"]);
  const { min, max } = options;
  if (min !== undefined) checkNumber("clamp", "min", min);
  if (max !== undefined) checkNumber("clamp", "max", max, { min });
  let y = x;
  if (min !== undefined) y = y.less(min).where(min, y);
  if (max !== undefined) y = y.greater(max).where(max, y);
  return y;
}
