/** Steps too small to get anywhere. */
import { type Draft, type Rule, short } from "./rule.js";
import { medianUpdate } from "./updates.js";
import type { RunView, StartView } from "./view.js";

/** Ten thousand updates of this size relative to the weight change little. */
const smallest = 1e-4;

export const learningRateLow: Rule = {
  name: "learning-rate-low",
  source: "updates of 1e-4 to 0.1 of the weights (TheDeepChecker); SageMaker Debugger's update ratio",
  normal: "updates above 0.0001 of the weights, or a loss that falls",
  why: "Steps so small need many times the steps that are planned to get anywhere.",
  repairs: ["usualMemory", "raiseRate", "adaptiveOptimizer"],
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
    const { course, losses, layers, facts } = view;
    const update = medianUpdate(view);
    const limits: Partial<Record<typeof course.name, number>> = {
      slow: 1e-3,
      stalled: smallest,
      oscillating: smallest,
    };
    const limit = unfinished(view) ? (view.repaired ? Infinity : 1e-3) : limits[course.name];
    if (limit === undefined || layers.length === 0 || update >= limit) return undefined;
    if (unfinished(view) && course.recent < 0.4 * (facts.chance ?? course.first)) return undefined;
    return {
      severity: "fault",
      measured: `${losses.length} steps took the loss from ${short(course.first)} to ${short(course.recent)}, with updates of ${short(update)} of the weights`,
      value: update,
      ...(unfinished(view) && { normal: "a loss that has come to rest when the steps end" }),
    };
  },
};

/** At the end of the run the loss still falls: by a tenth from its middle fifth to its last. */
function unfinished({ step, total, losses }: RunView): boolean {
  if (step < total || losses.length < 50) return false;
  const fifth = Math.floor(losses.length / 5);
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  return mean(losses.slice(-fifth)) < 0.9 * mean(losses.slice(2 * fifth, 3 * fifth));
}
