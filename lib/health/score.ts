/** How good a model is at the moment, by a figure that repairs of its loss or head do not change. */
import type { DataSet } from "../data/index.js";
import type { Tensor } from "../tensor.js";
import { evaluate } from "../train/evaluate.js";
import type { FitOptions } from "../train/fit.js";
import type { Loop } from "../train/loop.js";
import type { StartFacts } from "./facts/start.js";
import { evenLoss } from "./repairs/class-weights.js";
import { imbalanceOf, uneven } from "./rules/class-imbalance.js";

export interface Score {
  /** Share of right answers, every class counting alike; NaN where there are no classes. */
  readonly accuracy: number;
  /** Standard error of that, by the rows that there were of each class. */
  readonly error: number;
  /** NaN if it is not finite. */
  readonly loss: number;
}

/** Where classes are far from even, the loss in which they count alike: to answer the largest one is to know nothing. */
const fairLoss = (facts: StartFacts): FitOptions["loss"] | undefined =>
  imbalanceOf(facts.target) < uneven ? undefined : evenLoss(facts)?.loss;

/** What an answer scores that ignores the input, where it is known. */
export function floorOf(facts: StartFacts): Score {
  const { chance, loss } = facts;
  const there = facts.target.counts?.filter((n) => n > 0).length;
  const classes = there ?? (loss.kind === "binary cross-entropy" ? 2 : Number.NaN);
  return { accuracy: 1 / classes, error: 0, loss: fairLoss(facts) ? Math.log(classes) : (chance ?? Number.NaN) };
}

/** The better of two, figure by figure. */
export function better(a: Score, b: Score): Score {
  const { accuracy, error } = a.accuracy >= b.accuracy || !Number.isFinite(b.accuracy) ? a : b;
  return { accuracy, error, loss: a.loss <= b.loss || !Number.isFinite(b.loss) ? a.loss : b.loss };
}

export const worst: Score = { accuracy: Number.NEGATIVE_INFINITY, error: 0, loss: Number.NaN };

type Metric = (output: Tensor, y: Tensor) => Tensor;

/** For each class the share of all rows that are of it, and that are so and are answered rightly. */
const byClass = (classes: readonly number[]): Record<string, Metric> =>
  Object.fromEntries(
    classes.flatMap((k): [string, Metric][] => {
      const of = (y: Tensor): Tensor => y.equal(k);
      const right: Metric = (output, y) => output.argmax({ axes: 1 }).equal(y).logicalAnd(of(y));
      return [
        [`rows ${k}`, (_, y) => of(y).mean()],
        [`right ${k}`, (output, y) => right(output, y).mean()],
      ];
    }),
  );

/** The mean of shares that are right, each of so many rows, and its standard error. */
function meanOf(groups: readonly { readonly right: number; readonly rows: number }[]): Omit<Score, "loss"> {
  const there = groups.filter(({ rows }) => rows > 0.5);
  const accuracy = there.reduce((sum, { right }) => sum + right, 0) / there.length;
  const variance = accuracy * (1 - accuracy) * there.reduce((sum, { rows }) => sum + 1 / rows, 0);
  return { accuracy, error: Math.sqrt(Math.max(0, variance)) / there.length };
}

/** Answers on the right side of the middle. */
const bySide = (op: string) => (output: Tensor, y: Tensor) =>
  output
    .reshape(y.shape)
    .greater(op === "sigmoid" ? 0.5 : 0)
    .equal(y.greater(0.5))
    .mean();

/** Scores a run's model on rows. */
export async function scoreOf(
  { model }: Loop,
  rows: DataSet,
  facts: StartFacts,
  headOp: string,
  own: FitOptions["loss"],
): Promise<Score> {
  const loss = fairLoss(facts) ?? own;
  const { counts } = facts.target;
  const classes = counts?.flatMap((n, k) => (n > 0 ? [k] : [])) ?? [];
  const binary = facts.loss.kind === "binary cross-entropy" && facts.target.whole;
  const metrics = { ...byClass(classes), ...(binary && { right: bySide(headOp) }) };
  const judged = await evaluate(model, rows, { loss, ...(Object.keys(metrics).length && { metrics }) });
  const share = (name: string): number => judged.metrics[name];
  const { accuracy, error } = meanOf(
    binary
      ? [{ right: share("right"), rows: rows.size }]
      : classes.map((k) => ({ right: share(`right ${k}`) / share(`rows ${k}`), rows: share(`rows ${k}`) * rows.size })),
  );
  return { accuracy, error, loss: judged.loss };
}

/**
 * How much better one score is than another, in shares of what is to be had; below 0 where it is worse. The loss tells where
 * answers hardly differ, or no more than by the chance of few rows.
 */
export function gain(before: Score, after: Score): number {
  if (!Number.isFinite(after.loss)) return Number.NEGATIVE_INFINITY;
  if (!Number.isFinite(before.loss)) return 1;
  const fell = (before.loss - after.loss) / Math.max(Math.abs(before.loss), 1e-12);
  if (Number.isNaN(after.accuracy)) return fell;
  const more = after.accuracy - before.accuracy;
  const right = more / Math.max(0.05, 1 - before.accuracy);
  const told = Math.abs(more) > Math.hypot(before.error, after.error);
  return told && Math.abs(right) > 0.03 ? right : 0.5 * fell;
}
