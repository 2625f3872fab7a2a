/** Up and down. */
import { type Draft, type Rule, short } from "./rule.js";

export const oscillation: Rule = {
  name: "oscillation",
  source: "AUTOTRAINER: peaks and troughs in a fifth of the epochs",
  normal: "a loss whose ups and downs are small beside itself",
  why: "Steps overshoot from one side of the valley to the other.",
  repairs: ["lowerRate", "clip", "adaptiveOptimizer", "normalize"],
  watch({ course }): Draft | undefined {
    if (course.name !== "oscillating") return undefined;
    return {
      severity: "fault",
      measured: `the loss is ${short(course.recent)} ± ${short(course.noise)}`,
      value: course.noise,
    };
  },
};
