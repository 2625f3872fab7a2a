/** Labels that have nothing to do with their rows. */
import { type Draft, percent, type Rule } from "./rule.js";

export const shuffledLabels: Rule = {
  name: "shuffled-labels",
  source: "leave-one-out nearest neighbours (Cover & Hart 1967) against chance: two standard errors",
  normal: "neighbours that agree more often than chance, or a loss below chance",
  why: "If rows and labels were reordered apart, there is nothing to learn but the rows by heart.",
  repairs: [],
  start({ facts: { neighbours } }): Draft | undefined {
    if (!neighbours || neighbours.rows < 128) return undefined;
    const { agreement, chance, deviation, rows } = neighbours;
    if (Math.abs(deviation) > 2) return undefined;
    return {
      severity: "fault",
      measured: `the nearest other row has the same target for ${percent(agreement)} of ${rows} rows, by chance ${percent(chance)}`,
      value: deviation,
    };
  },
};
