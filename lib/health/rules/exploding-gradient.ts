/** Gradients that grow on their way back. */
import { median } from "../numbers.js";
import { type Draft, type Rule, short, stuck } from "./rule.js";
import { gradientChange } from "./through-depth.js";
import type { View } from "./view.js";

/** On its way from the last hidden layer to the first, the squared gradient may grow by this: by 100 in size. */
const drift = 1e4;

function exploding(view: View): Draft | undefined {
  const change = gradientChange(view);
  return change && change.value > drift ? change : undefined;
}

export const explodingGradient: Rule = {
  name: "exploding-gradient",
  source: "AUTOTRAINER's ratio of 70; Yang et al. 2019: batch norm with ReLU multiplies gradients by 1.21 a layer",
  normal: "a factor of 0.001 to 10,000, squared, from the last hidden layer to the first",
  why: "Each layer passes back more than it gets, so the first layers are thrown about while the last hardly move.",
  repairs: ["reinitialize", "residual", "clip", "lowerRate"],
  start: exploding,
  watch(view) {
    const { gradNorms, course } = view;
    if (course.name !== "diverging") return stuck(view) ? exploding(view) : undefined;
    const before = gradNorms.slice(0, -10).filter(Number.isFinite);
    const usual = median(before);
    const now = Math.max(...gradNorms.slice(-10));
    if (before.length >= 10 && now > 1000 * usual)
      return {
        severity: "fault",
        measured: `the gradient's norm is ${short(now)}, its median so far ${short(usual)}`,
        value: now / usual,
        normal: "within × 1000 of the median",
        repairs: ["clip", "lowerRate"],
      };
    return exploding(view);
  },
};
