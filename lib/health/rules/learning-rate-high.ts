/** Steps that overshoot. */
import { type Draft, type Rule, short } from "./rule.js";
import { climb, climbed, medianUpdate, suddenly } from "./updates.js";
import type { StartView } from "./view.js";

/** Updates of this size relative to the weight rewrite it in ten steps; below the other, they do not shake the loss. */
const [largest, noticed] = [0.1, 1e-3];

/** How far up the loss may leap for the rest of the run to come down again, and how much of chance may then be left. */
const [leap, left] = [10, 0.3];

export const learningRateHigh: Rule = {
  name: "learning-rate-high",
  source: "gradient descent needs lr < 2/λmax (Nesterov 2004, § 1.2); updates below 0.1 of the weight (TheDeepChecker)",
  normal: "a loss that falls, and updates below 0.1 of the weights",
  why: "Each step goes past the bottom of the valley, so the loss climbs or jumps instead of falling.",
  repairs: ["usualMemory", "lowerRate", "warmUp", "clip", "adaptiveOptimizer"],
  start({ rehearsal, curvature, plan: { optimizer } }: StartView): Draft | undefined {
    const rate = optimizer?.lr;
    if (rehearsal && rehearsal.length > 1 && !suddenly(rehearsal)) {
      const first = rehearsal[0];
      const last = rehearsal[rehearsal.length - 1];
      const late = Math.min(...rehearsal.slice(rehearsal.length >> 1));
      if (!(late < 3 * first + 0.2))
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
      severity: "warning", // the loss curves less as training goes on, behind norms most of all
      measured: `the rate is ${short(rate)}, curvature ${short(curvature)} allows ${short(limit)}`,
      value: rate / limit,
      normal: "below 2(1 + momentum)/curvature",
    };
  },
  watch(view): Draft | undefined {
    const { course, facts, losses, step, total } = view;
    const { from, to } = climb(view);
    const nowhere = course.name !== "learning" && course.name !== "early";
    const unfinished = step >= total && course.recent > left * (facts.chance ?? Infinity);
    if ((to > climbed * from && nowhere) || (to > leap * from && unfinished))
      return {
        severity: "fault",
        measured: `the loss rose from ${short(from)} to ${short(to)} and is ${short(course.recent)}, with updates of ${short(medianUpdate(view))} of the weights`,
        value: to / from,
      };
    if (!nowhere) return undefined;
    const update = medianUpdate(view);
    if (course.name === "diverging" || (course.name === "oscillating" && update > noticed))
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
