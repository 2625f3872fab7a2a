/** Validation rows that the model is trained on. */
import { type Draft, percent, type Rule } from "./rule.js";

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
      byHand: [
        {
          text: "cut the set into two with no row in both, once rows that are there twice are taken out",
          code: "const [train, validation] = set.split(0.9, 0.1)",
        },
      ],
    };
  },
};
