/** A loss to look at a model with, also when no data says what it shall learn. */
import { fail } from "../error.js";
import { crossEntropy } from "../nn/labels.js";
import { mse } from "../nn/regression.js";
import { type Generator, randint, randn } from "../ops/index.js";
import { showShape } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** The caller's loss of the caller's y, or cross-entropy of random labels for (N, C), or the square of N(0, 1) targets. */
export function defaultLoss(
  op: string,
  output: Tensor,
  options: { y?: Tensor; loss?: (output: Tensor, y: Tensor) => Tensor },
  generator: Generator,
): Tensor {
  const classes = output.rank === 2 ? output.shape[1] : 1;
  const labels = classes > 1 && options.y?.dtype !== "f32";
  const y =
    options.y ?? (labels ? randint(0, classes, [output.shape[0]], { generator }) : randn(output.shape, { generator }));
  const loss = (options.loss ?? (labels ? crossEntropy : mse))(output, y);
  if (loss.size !== 1) fail(op, `loss must return one number, got ${showShape(loss.shape)}. Reduce it with mean()`);
  return loss.reshape([]);
}
