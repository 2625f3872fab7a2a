/** Classes with far fewer rows than others. */
import { type Draft, type Rule, short } from "./rule.js";

export const classImbalance: Rule = {
  name: "class-imbalance",
  source: "Buda et al. 2018: accuracy suffers from ratios of 10 to 100 on",
  normal: "below 10 rows of the largest class for one of the smallest",
  why: "Answering the frequent class is nearly right, so the rare ones are learned last or never.",
  repairs: ["classWeights"],
  start({ facts: { target, loss } }): Draft | undefined {
    if (loss.kind === "other") return undefined; // it may weigh classes itself
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
