/** One answer for every row. */
import { sum } from "../numbers.js";
import { type Draft, percent, type Rule } from "./rule.js";

export const collapse: Rule = {
  name: "collapse",
  source: "the most frequent answer against the most frequent label",
  normal: "answers as varied as the labels",
  why: "The model gives one answer whatever the input: the output ignores what comes before it.",
  repairs: ["reinitialize", "lowerRate", "normalize", "classWeights", "adaptiveOptimizer"],
  watch({ topClass, course, facts: { target } }): Draft | undefined {
    const counts = target.counts;
    if (topClass === undefined || !counts || course.name !== "stalled") return undefined;
    const frequent = Math.max(...counts) / sum(counts);
    if (topClass < 0.98 || frequent > 0.9) return undefined;
    return { severity: "fault", measured: `${percent(topClass)} of the rows get the same answer`, value: topClass };
  },
};
