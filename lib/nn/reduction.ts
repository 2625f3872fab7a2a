/** What losses share: their reduction and the checks of their arguments. */
import { fail, show } from "../error.js";
import { sameShape, showShape } from "../shape.js";
import { Tensor } from "../tensor.js";

/** How a loss becomes one number: the mean over its elements, their sum, or not at all. */
export type Reduction = "mean" | "sum" | "none";

/** Options of every loss. */
export interface LossOptions {
  /** `"mean"` unless told. */
  reduction?: Reduction;
}

export function checkReduction(
  op: string,
  reduction: string,
  known: readonly string[] = ["mean", "sum", "none"],
): void {
  if (!known.includes(reduction)) {
    fail(
      op,
      `reduction must be ${known.slice(0, -1).map(show).join(", ")} or ${show(known.at(-1))}, got ${show(reduction)}`,
    );
  }
}

/** Reduces a loss per element; a weighted mean divides by the sum of the weights, 0 if nothing counts. */
export function reduceLoss(loss: Tensor, reduction: Reduction, weights?: Tensor): Tensor {
  if (reduction === "none") return loss;
  if (reduction === "sum") return loss.sum();
  if (!weights) return loss.mean();
  const total = weights.sum();
  return loss.sum().div(total.equal(0).where(1, total));
}

/** Refuses what is not a floating-point tensor as the model's side of a loss. */
export function checkOutput(op: string, name: string, x: unknown): asserts x is Tensor {
  if (!(x instanceof Tensor)) fail(op, `${name} must be a tensor, got ${show(x)}. Make one with tensor(…)`);
  if (x.dtype !== "f32") fail(op, `${name} must be f32, got ${x.dtype}${showShape(x.shape)}. Use ${name}.cast("f32")`);
}

/** The target as f32 of the output's shape; broadcasting would hide a mistake, so it is refused. */
export function checkTarget(op: string, output: Tensor, target: unknown): Tensor {
  if (!(target instanceof Tensor)) fail(op, `target must be a tensor, got ${show(target)}. Make one with tensor(…)`);
  if (!sameShape(output.shape, target.shape)) {
    const hint =
      output.size === target.size ? `target.reshape(${showShape(output.shape)})` : "outputs and targets of equal shape";
    fail(
      op,
      `target must have the output's shape ${showShape(output.shape)}, got ${showShape(target.shape)}. Use ${hint}`,
    );
  }
  return target.cast("f32");
}
