/** Dropout that leaves hardly anything. */
import { type Draft, percent, type Rule } from "./rule.js";

export const strongDropout: Rule = {
  name: "strong-dropout",
  source: "Srivastava et al. 2014, § 7.3: best between 0.4 and 0.8 of units kept",
  normal: "at most 80 %",
  why: "What little is left differs from step to step, so a step is mostly the chance of what was dropped.",
  repairs: ["weakerDropout"],
  start({ facts: { dropout } }): Draft | undefined {
    if (!dropout || dropout.p <= 0.8) return undefined;
    return {
      severity: "fault",
      layer: dropout.path,
      measured: `${dropout.path} drops ${percent(dropout.p)}`,
      value: dropout.p,
    };
  },
};
