/** The share of right answers. */
import { fail, show } from "../error.js";
import { sameShape, showShape } from "../shape.js";
import { Tensor } from "../tensor.js";
import { checkOutput } from "./reduction.js";

/**
 * Share of rows whose largest logit is at the label, as a scalar from 0 to 1. With one output per row, (N, 1) or (N),
 * the answer is yes where the logit is positive, and labels are 0 or 1.
 * @param logits (N, C), (N, C, …), (N, 1) or (N)
 * @param labels of the shape without C, or, for probabilities (f32) and single outputs, of the logits' shape
 * @throws if the shapes do not fit
 * @example await nn.accuracy(tensor([[0, 2], [3, 1]]), tensor([1, 1], [2], "i32")).item() // 0.5
 */
export function accuracy(logits: Tensor, labels: Tensor): Tensor {
  const op = "accuracy";
  checkOutput(op, "logits", logits);
  if (!(labels instanceof Tensor)) fail(op, `labels must be a tensor, got ${show(labels)}. Make one with tensor(…)`);
  if (logits.rank === 0) fail(op, "logits must be (N, C, …) or (N), got a scalar");
  const whole = sameShape(labels.shape, logits.shape);
  const rest = logits.shape.filter((_, axis) => axis !== 1);
  const single = logits.rank === 1 || logits.shape[1] === 1;
  if (!whole && !(logits.rank > 1 && sameShape(labels.shape, rest))) {
    const want = logits.rank === 1 ? showShape(logits.shape) : `${showShape(rest)} or ${showShape(logits.shape)}`;
    fail(op, `labels must have shape ${want} for logits ${showShape(logits.shape)}, got ${showShape(labels.shape)}`);
  }
  if (single) return logits.reshape(labels.shape).greater(0).equal(labels.cast("f32").greater(0.5)).mean();
  const answers = logits.argmax({ axes: 1 });
  return answers.equal(whole ? labels.argmax({ axes: 1 }) : labels).mean();
}
