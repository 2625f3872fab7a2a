/** Up and down. */
import { type Draft, type Rule, short } from "./rule.js";
import { medianUpdate } from "./updates.js";

export const oscillation: Rule = {
  name: "oscillation",
  source: "AUTOTRAINER: peaks and troughs in a fifth of the epochs",
  normal: "a loss whose ups and downs are small beside itself",
  why: "Steps overshoot from one side of the valley to the other.",
  repairs: ["usualMemory", "lowerRate", "clip", "adaptiveOptimizer", "normalize"],
  watch(view): Draft | undefined {
    const { course } = view;
    if (course.name !== "oscillating" || medianUpdate(view) < 1e-3) return undefined;
    return {
      severity: "fault",
      measured: `the loss is ${short(course.recent)} ± ${short(course.noise)}`,
      value: course.noise,
    };
  },
};
