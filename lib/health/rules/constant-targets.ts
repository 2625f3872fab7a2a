/** Targets that ask for one answer whatever the input. */
import { type Draft, type Rule, short } from "./rule.js";

/** As few rows may have one target by chance. */
const leastRows = 32;

export const constantTargets: Rule = {
  name: "constant-targets",
  source: "the best answer that ignores the input is right for every row",
  normal: "targets that vary over the rows",
  why: "If all rows want one answer, there is nothing that the input could tell.",
  repairs: [],
  start({ facts: { target, loss, rows } }): Draft | undefined {
    if (loss.kind === "other" || rows < leastRows || target.variance > 0 || !target.finite) return undefined;
    return {
      severity: loss.kind === "square" ? "warning" : "fault", // a residual may well be wanted to be 0 everywhere
      measured: `the target of all ${rows} rows that were looked at is ${short(target.least)}`,
      value: target.least,
      byHand: [{ text: "look which targets there are: is y read from the right column?", code: "new Set(y)" }],
    };
  },
};
