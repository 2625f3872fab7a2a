/** Labels that have nothing to do with their rows. */
import { sum } from "../numbers.js";
import { type Draft, percent, type Rule, stuck } from "./rule.js";
import type { RunView, View } from "./view.js";

/** As few rows tell nothing. */
const leastRows = 200;

/** Of classes that have rows, the smallest one's share of all. */
const leastShare = (counts: readonly number[]): number => Math.min(...counts.filter((n) => n > 0)) / sum(counts);

/** What neighbours say: nothing, within two standard errors. */
function unrelated({ neighbours, facts: { target } }: View, severity: Draft["severity"]): Draft | undefined {
  if (!neighbours || neighbours.rows < leastRows) return undefined;
  const { agreement, chance, deviation, rows } = neighbours;
  const rare = target.counts && leastShare(target.counts) * rows < 10;
  if (rare || target.variance === 0 || Math.abs(deviation) > 2) return undefined;
  return {
    severity,
    measured: target.counts
      ? `the nearest other row has the same label for ${percent(agreement)} of ${rows} rows, by chance ${percent(chance)}`
      : `the correlation of targets with those of the nearest other rows is ${percent(agreement)}`,
    value: deviation,
    byHand: [
      {
        text: "look whether rows have their labels",
        code: "const { x, y } = set.batch(arange(0, 5)); await y.array()",
      },
      {
        text: "put inputs and labels into one set first, and split and shuffle that",
        code: "const [train, validation] = data.fromArrays({ x, y }).split(0.9, 0.1)",
      },
    ],
  };
}

/** Whether validation is no better than an answer that ignores the input, after some epochs. */
function learnsNothing({ epochs, facts: { chance } }: RunView): boolean {
  const judged = epochs.at(-1)?.validation;
  return chance !== undefined && judged !== undefined && epochs.length >= 3 && judged.loss > 0.97 * chance;
}

/** Whether it matters what neighbours say. */
export const asksNeighbours = (view: RunView): boolean => stuck(view) || learnsNothing(view);

export const shuffledLabels: Rule = {
  name: "shuffled-labels",
  source: "leave-one-out nearest neighbours (Cover & Hart 1967) against chance: two standard errors",
  normal: "neighbours that agree more often than chance, or a validation loss below chance",
  why: "If rows and labels were reordered apart, there is nothing to learn but the rows by heart.",
  repairs: [],
  // In many dimensions neighbours may say nothing where a model finds something: it is to try first.
  start: (view) => unrelated(view, "warning"),
  watch: (view) => (asksNeighbours(view) ? unrelated(view, "fault") : undefined),
};
