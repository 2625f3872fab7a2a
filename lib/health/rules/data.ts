import { type Draft, percent, type Rule, short } from "./rule.js";

/** Classes with far fewer rows than others. */
export const classImbalance: Rule = {
  name: "class-imbalance",
  source: "Buda et al. 2018: accuracy suffers from ratios of 10 to 100 on",
  normal: "below 20 rows of the largest class for one of the smallest",
  why: "Answering the frequent class is nearly right, so the rare ones are learned last or never.",
  repairs: ["classWeights"],
  start({ facts: { target } }): Draft | undefined {
    const counts = target.counts?.filter((n) => n > 0);
    if (!counts || counts.length < 2) return undefined;
    const ratio = Math.max(...counts) / Math.min(...counts);
    const rows = counts.reduce((a, b) => a + b, 0);
    // Small samples of many classes are uneven by chance.
    if (ratio < 10 || rows < 10 * counts.length) return undefined;
    return {
      severity: ratio >= 15 ? "fault" : "warning",
      measured: `the largest class has ${short(ratio)} rows for one of the smallest`,
      value: ratio,
    };
  },
};

/** Labels that have nothing to do with their rows. */
export const shuffledLabels: Rule = {
  name: "shuffled-labels",
  source: "leave-one-out nearest neighbours (Cover & Hart 1967) against chance: two standard errors",
  normal: "neighbours that agree more often than chance, or a loss below chance",
  why: "If rows and labels were reordered apart, there is nothing to learn but the rows by heart.",
  repairs: [],
  start({ facts: { neighbours } }): Draft | undefined {
    if (!neighbours || neighbours.rows < 128) return undefined;
    const { agreement, chance, rows } = neighbours;
    const z = (agreement - chance) / Math.sqrt((chance * (1 - chance)) / rows);
    if (Math.abs(z) > 2) return undefined;
    return {
      severity: "fault",
      measured: `the nearest other row has the same label for ${percent(agreement)} of ${rows} rows, by chance ${percent(chance)}`,
      value: z,
    };
  },
};

/** Validation rows that the model is trained on. */
export const leak: Rule = {
  name: "leak",
  source: "Kaufman et al. 2012, Leakage in data mining",
  normal: "no row of validation in the training set",
  why: "What was trained on is known by heart, so its validation loss says nothing of new rows.",
  repairs: [],
  start({ plan: { leaked } }): Draft | undefined {
    if (leaked === undefined || leaked < 0.02) return undefined;
    return {
      severity: leaked > 0.5 ? "fault" : "warning",
      measured: `${percent(leaked)} of the validation rows that were looked at are also in the training set`,
      value: leaked,
    };
  },
};
