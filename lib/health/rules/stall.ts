/** No better than ignoring the input. */
import { type Draft, type Rule, short } from "./rule.js";

export const stall: Rule = {
  name: "stall",
  source: "AUTOTRAINER's slow convergence; the entropy of the labels is the loss of an answer that ignores the input",
  normal: "a loss that falls",
  why: "The steps do not lower the loss: nothing that the input says has reached the output.",
  repairs: [
    "usualMemory",
    "raiseRate",
    "reinitialize",
    "adaptiveOptimizer",
    "lowerRate",
    "normalize",
    "residual",
    "weakerDecay",
    "replaceActivation",
  ],
  watch({ course, losses, facts: { chance } }): Draft | undefined {
    if (course.name !== "stalled" && course.name !== "slow") return undefined;
    const beside = chance === undefined ? "" : `; ignoring the input gives ${short(chance)}`;
    return {
      severity: "fault",
      measured: `${losses.length} steps took the loss from ${short(course.first)} to ${short(course.recent)}${beside}`,
      value: course.recent / course.first,
      ...(course.name === "slow" && {
        why: "The steps lower the loss so slowly that the run ends before it gets anywhere.",
      }),
    };
  },
};
