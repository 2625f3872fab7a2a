/** Steps too small to get anywhere. */
import { type Draft, type Rule, short } from "./rule.js";
import { medianUpdate } from "./updates.js";
import type { StartView } from "./view.js";

/** Ten thousand updates of this size relative to the weight change little. */
const smallest = 1e-4;

export const learningRateLow: Rule = {
  name: "learning-rate-low",
  source: "updates of 1e-4 to 0.1 of the weights (TheDeepChecker); SageMaker Debugger's update ratio",
  normal: "updates above 0.0001 of the weights, or a loss that falls",
  why: "Steps so small need many times the steps that are planned to get anywhere.",
  repairs: ["raiseRate", "adaptiveOptimizer"],
  start({ rehearsal, plan: { optimizer } }: StartView): Draft | undefined {
    if (!rehearsal || rehearsal.length < 10) return undefined;
    const [first, last] = [rehearsal[0], rehearsal[rehearsal.length - 1]];
    const fell = (first - last) / Math.abs(first);
    if (!(fell < 0.002) || !(last <= first)) return undefined;
    return {
      severity: "fault",
      measured: `at a rate of ${short(optimizer?.lr ?? Number.NaN)}, ${rehearsal.length} steps on one batch lower the loss by ${short(100 * fell)} %`,
      value: fell,
      normal: "more than 0.2 %",
    };
  },
  watch(view): Draft | undefined {
    const { course, losses } = view;
    if (course.name !== "slow" && course.name !== "stalled") return undefined;
    const update = medianUpdate(view);
    const small = view.layers.length > 0 && update < (course.name === "slow" ? 10 * smallest : smallest);
    if (!small) return undefined;
    return {
      severity: "fault",
      measured: `${losses.length} steps took the loss from ${short(course.first)} to ${short(course.recent)}, with updates of ${short(update)} of the weights`,
      value: update,
    };
  },
};
