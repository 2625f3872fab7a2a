/** Rows in the order of their classes or targets, and no shuffle. */
import { type Draft, percent, type Rule } from "./rule.js";

/** Of the targets' variance, what is to be within a batch; where it is less than the other, a batch has one class. */
const [normal, least] = [0.5, 0.1];

export const sortedRows: Rule = {
  name: "sorted-rows",
  source: "Bottou 2012, Stochastic Gradient Descent Tricks, § 3.1: rows in random order; Bengio 2012, § 2.1",
  normal: "targets that vary within a batch as they do over the set",
  why: "Each step unlearns what the ones before it learned: its batch knows of one class, or of one range of targets.",
  repairs: ["shuffle"],
  start({ plan: { within } }): Draft | undefined {
    if (within === undefined || within >= normal) return undefined;
    return {
      severity: within < least ? "fault" : "warning",
      measured: `with shuffle: false, a batch has ${percent(within)} of the targets' variance within it`,
      value: within,
    };
  },
};
