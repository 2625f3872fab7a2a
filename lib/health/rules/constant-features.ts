/** Inputs that say nothing. */
import { type Draft, percent, type Rule } from "./rule.js";

export const constantFeatures: Rule = {
  name: "constant-features",
  source: "a constant column is a second bias",
  normal: "features that vary over the rows",
  why: "A feature that is the same in all rows cannot tell them apart.",
  repairs: [],
  start({ facts: { input } }): Draft | undefined {
    if (input.constant < 0.9) return undefined;
    return {
      severity: input.constant === 1 ? "fault" : "warning",
      measured: `${percent(input.constant)} of ${input.features} features are the same in all rows`,
      value: input.constant,
      byHand: [
        {
          text: "look which features vary, and whether x is read from the right columns",
          code: "await set.batch(arange(0, 256)).x.std({ axes: 0 }).data()",
        },
      ],
    };
  },
};
