/** Losses per element: squared, absolute, Huber, and binary cross-entropy of logits. */
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { broadcastShapes, sameShape, showShape } from "../shape.js";
import { Tensor } from "../tensor.js";
import { checkOutput, checkReduction, checkTarget, type LossOptions, reduceLoss } from "./reduction.js";

function difference(
  op: string,
  output: Tensor,
  target: Tensor,
  options: LossOptions,
  known: readonly string[] = [],
): Tensor {
  checkOutput(op, "output", output);
  checkOptions(op, options, ["reduction", ...known]);
  checkReduction(op, options.reduction ?? "mean");
  return output.sub(checkTarget(op, output, target));
}

/**
 * Squared error (output − target)².
 * @param target of the output's shape; broadcasting is refused, as it hides mistakes
 * @example await nn.mse(tensor([1, 2]), tensor([1, 4])).item() // 2
 */
export function mse(output: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  return reduceLoss(difference("mse", output, target, options).square(), options.reduction ?? "mean");
}

/**
 * Absolute error |output − target|.
 * @param target of the output's shape
 * @example await nn.l1(tensor([1, 2]), tensor([1, 4])).item() // 1
 */
export function l1(output: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  return reduceLoss(difference("l1", output, target, options).abs(), options.reduction ?? "mean");
}

/**
 * ½d² for |d| ≤ δ, δ(|d| − ½δ) beyond, where d = output − target (Huber 1964).
 * @param target of the output's shape
 * @param options `delta`: 1
 * @example await nn.huber(tensor([1, 2]), tensor([1, 4])).item() // 0.75
 */
export function huber(output: Tensor, target: Tensor, options: LossOptions & { delta?: number } = {}): Tensor {
  const size = difference("huber", output, target, options, ["delta"]).abs();
  const { delta = 1, reduction = "mean" } = options;
  checkNumber("huber", "delta", delta, { above: 0 });
  // With c = min(|d|, δ), c·(|d| − ½c) is both branches; its derivative by c is |d| − c, 0 where c is not constant.
  const c = size.less(delta).where(size, delta);
  return reduceLoss(c.mul(size.sub(c.mul(0.5))), reduction);
}

/** Options of {@link binaryCrossEntropyWithLogits}. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** How much more a positive counts: a number, or a tensor that broadcasts to the logits. */
  posWeight?: Tensor | number;
  /** Weight of each element: a tensor that broadcasts to the logits. The mean still divides by their number. */
  weight?: Tensor;
}

/** A weight that broadcasts to a shape without enlarging it. */
function checkWeight(op: string, name: string, weight: unknown, output: Tensor): void {
  if (typeof weight === "number") {
    checkNumber(op, name, weight, { min: 0 });
    return;
  }
  if (!(weight instanceof Tensor))
    fail(op, `${name} must be a tensor${name === "posWeight" ? " or a number" : ""}, got ${show(weight)}`);
  if (!sameShape(broadcastShapes(op, [weight.shape, output.shape]), output.shape)) {
    fail(op, `${name} must broadcast to the logits' shape ${showShape(output.shape)}, got ${showShape(weight.shape)}`);
  }
}

/**
 * Cross-entropy of independent yes-or-no answers, −t·ln σ(z) − (1 − t)·ln(1 − σ(z)), as p·t·softplus(−z) +
 * (1 − t)·softplus(z): no term cancels, so the loss keeps its digits on both sides.
 * @param logits any shape, before any sigmoid
 * @param target probabilities, flags or 0-1 labels of that shape
 * @param options `posWeight` (p) multiplies positives, `weight` every element
 * @throws if the shapes differ
 * @example await nn.binaryCrossEntropyWithLogits(tensor([20]), tensor([1])).item() // 2.06e-9
 */
export function binaryCrossEntropyWithLogits(
  logits: Tensor,
  target: Tensor,
  options: BinaryCrossEntropyOptions = {},
): Tensor {
  const op = "binaryCrossEntropyWithLogits";
  checkOutput(op, "logits", logits);
  checkOptions(op, options, ["posWeight", "weight", "reduction"]);
  const { posWeight, weight, reduction = "mean" } = options;
  checkReduction(op, reduction);
  if (posWeight !== undefined) checkWeight(op, "posWeight", posWeight, logits);
  if (weight !== undefined) checkWeight(op, "weight", weight, logits);
  const t = checkTarget(op, logits, target);
  const positive = posWeight === undefined ? t : t.mul(posWeight);
  const loss = positive.mul(logits.neg().softplus()).add(t.neg().add(1).mul(logits.softplus()));
  return reduceLoss(weight ? loss.mul(weight) : loss, reduction);
}
