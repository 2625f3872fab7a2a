import { type Draft, hidden, type Rule, short } from "./rule.js";
import type { LayerView, RunView, StartView } from "./view.js";

/** Updates of this size relative to the weight rewrite it in ten steps; below the other, ten thousand steps change little. */
const [largest, smallest] = [0.1, 1e-4];

const updates = (view: RunView): number[] =>
  [...hidden(view), ...view.layers.filter(({ head }) => head)]
    .map((l: LayerView) => l.update)
    .filter((u): u is number => u !== undefined && Number.isFinite(u))
    .sort((a, b) => a - b);

const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1];

/** Steps that overshoot. */
export const learningRateHigh: Rule = {
  name: "learning-rate-high",
  source:
    "gradient descent needs lr < 2/λmax (Nesterov 2004, § 1.2); 12/λmax for ReLU (Lewkowycz et al. 2020); updates below 0.1 of the weight (TheDeepChecker)",
  normal: "a loss that falls, and updates below 0.1 of the weights",
  why: "Each step goes past the bottom of the valley, so the loss climbs or jumps instead of falling.",
  repairs: ["lowerRate", "warmUp", "clip", "adaptiveOptimizer"],
  start({ rehearsal, curvature, plan: { optimizer } }: StartView): Draft | undefined {
    const rate = optimizer?.lr;
    if (rehearsal && rehearsal.length > 1) {
      const first = rehearsal[0];
      const last = rehearsal[rehearsal.length - 1];
      const late = Math.min(...rehearsal.slice(rehearsal.length >> 1));
      if (!(late < 1.5 * first + 0.1))
        return {
          severity: "fault",
          measured: `at a rate of ${short(rate ?? Number.NaN)}, ${rehearsal.length} steps on one batch take the loss from ${short(first)} to ${short(last)}`,
          value: last / first,
        };
    }
    if (!curvature || !rate || optimizer?.name !== "SGD") return undefined;
    const momentum = Number((optimizer.groups[0].options as { momentum?: number }).momentum ?? 0);
    const limit = (2 * (1 + momentum)) / curvature;
    if (!(curvature > 0) || rate <= limit) return undefined;
    return {
      severity: rate > 6 * limit ? "fault" : "warning",
      measured: `the rate is ${short(rate)}, curvature ${short(curvature)} allows ${short(limit)}`,
      value: rate / limit,
      normal: "below 2(1 + momentum)/curvature",
    };
  },
  watch(view): Draft | undefined {
    const { course, losses } = view;
    const update = median(updates(view)) ?? 0;
    const begin = Math.max(losses[0] ?? 0, view.facts.chance ?? 0);
    const peak = losses.reduce((a, b) => Math.max(a, b), 0);
    if (peak > 3 * begin && course.name !== "learning" && course.name !== "early")
      return {
        severity: "fault",
        measured: `the loss rose from ${short(begin)} to ${short(peak)} and is ${short(course.recent)}, with updates of ${short(update)} of the weights`,
        value: peak / begin,
      };
    if (course.name === "diverging" || course.name === "oscillating")
      return {
        severity: "fault",
        measured: `the loss went from ${short(course.first)} to ${short(course.recent)} ± ${short(course.noise)}, with updates of ${short(update)} of the weights`,
        value: course.recent / course.first,
      };
    if (update > largest && course.name === "stalled")
      return {
        severity: "fault",
        measured: `after ${losses.length} steps the loss is ${short(course.recent)}, with updates of ${short(update)} of the weights`,
        value: update,
      };
    return undefined;
  },
};

/** Steps too small to get anywhere. */
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
    const update = median(updates(view));
    const small = update !== undefined && update < (course.name === "slow" ? 10 * smallest : smallest);
    if (!small) return undefined;
    return {
      severity: "fault",
      measured: `${losses.length} steps took the loss from ${short(course.first)} to ${short(course.recent)}, with updates of ${short(update)} of the weights`,
      value: update,
    };
  },
};
