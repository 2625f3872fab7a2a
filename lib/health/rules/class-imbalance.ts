/** Classes with far fewer rows than others. */
import type { TargetFacts } from "../facts/data.js";
import { sum } from "../numbers.js";
import { type Draft, type Rule, short } from "./rule.js";

/** Rows of the largest class for one of the smallest that has any; 1 where there are no classes. */
export function imbalanceOf({ counts }: TargetFacts): number {
  const there = counts?.filter((n) => n > 0) ?? [];
  return there.length < 2 ? 1 : Math.max(...there) / Math.min(...there);
}

/** From so many on, classes are far from even. */
export const uneven = 10;

export const classImbalance: Rule = {
  name: "class-imbalance",
  source: "Buda et al. 2018: accuracy suffers from ratios of 10 to 100 on",
  normal: "below 10 rows of the largest class for one of the smallest",
  why: "Answering the frequent class is nearly right, so the rare ones are learned last or never.",
  repairs: ["classWeights"],
  start({ facts: { target, loss } }): Draft | undefined {
    if (loss.kind === "other") return undefined; // it may weigh classes itself
    const counts = target.counts?.filter((n) => n > 0) ?? [];
    const ratio = imbalanceOf(target);
    const rows = sum(counts);
    // Small samples of many classes are uneven by chance.
    if (ratio < uneven || rows < 10 * counts.length) return undefined;
    return {
      severity: ratio >= 15 ? "fault" : "warning",
      measured: `the largest class has ${short(ratio)} rows for one of the smallest`,
      value: ratio,
    };
  },
};
