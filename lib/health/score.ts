/** How good a model is at the moment, by a figure that repairs of its loss or head do not change. */
import type { DataSet } from "../data/index.js";
import type { Tensor } from "../tensor.js";
import { evaluate } from "../train/evaluate.js";
import type { FitOptions } from "../train/fit.js";
import type { Loop } from "../train/loop.js";
import type { StartFacts } from "./facts/start.js";

export interface Score {
  /** Share of right answers, every class counting alike; NaN where there are no classes. */
  readonly accuracy: number;
  /** NaN if it is not finite. */
  readonly loss: number;
}

/** What an answer scores that ignores the input, where it is known. */
export function floorOf({ target: { counts }, chance, loss }: StartFacts): Score {
  const classes = counts?.filter((n) => n > 0).length ?? (loss.kind === "binary cross-entropy" ? 2 : Number.NaN);
  return { accuracy: 1 / classes, loss: chance ?? Number.NaN };
}

/** The better of two, figure by figure. */
export const better = (a: Score, b: Score): Score => ({
  accuracy: a.accuracy >= b.accuracy || !Number.isFinite(b.accuracy) ? a.accuracy : b.accuracy,
  loss: a.loss <= b.loss || !Number.isFinite(b.loss) ? a.loss : b.loss,
});

export const worst: Score = { accuracy: Number.NEGATIVE_INFINITY, loss: Number.NaN };

/** Share of right answers per class, averaged over the classes of a set. */
function byArgmax(counts: readonly number[]) {
  const all = counts.reduce((a, b) => a + b, 0);
  const present = counts.filter((n) => n > 0).length;
  return (output: Tensor, y: Tensor): Tensor => {
    const right = output.argmax({ axes: 1 }).equal(y).cast("f32");
    let sum = right.mul(0);
    for (const [k, n] of counts.entries())
      if (n > 0)
        sum = sum.add(
          y
            .equal(k)
            .cast("f32")
            .mul(right)
            .mul(all / (n * present)),
        );
    return sum.mean();
  };
}

/** Answers on the right side of the middle. */
const bySide = (op: string) => (output: Tensor, y: Tensor) =>
  output
    .greater(op === "sigmoid" ? 0.5 : 0)
    .equal(y.greater(0.5))
    .mean();

/** Scores a run's model on rows. */
export async function scoreOf(
  { model }: Loop,
  rows: DataSet,
  facts: StartFacts,
  headOp: string,
  loss: FitOptions["loss"],
): Promise<Score> {
  const { counts } = facts.target;
  const binary = facts.loss.kind === "binary cross-entropy" && facts.target.whole;
  const accuracy = counts ? byArgmax(counts) : binary ? bySide(headOp) : undefined;
  const { loss: mean, metrics } = await evaluate(model, rows, {
    loss,
    ...(accuracy && { metrics: { accuracy } }),
  });
  return { accuracy: metrics.accuracy ?? Number.NaN, loss: mean };
}

/** How much better one score is than another, in shares of what is to be had; below 0 where it is worse. */
export function gain(before: Score, after: Score): number {
  if (!Number.isFinite(after.loss)) return Number.NEGATIVE_INFINITY;
  if (!Number.isFinite(before.loss)) return 1;
  const fell = (before.loss - after.loss) / Math.max(Math.abs(before.loss), 1e-12);
  if (Number.isNaN(after.accuracy)) return fell;
  const right = (after.accuracy - before.accuracy) / Math.max(0.05, 1 - before.accuracy);
  return Math.abs(right) > 0.03 ? right : 0.5 * fell;
}
