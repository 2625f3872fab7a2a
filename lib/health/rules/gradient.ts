import { type Draft, hidden, type Rule, short, stuck } from "./rule.js";
import type { LayerView, View } from "./view.js";

/** On its way from the last hidden layer to the first, the squared gradient may change by this. */
const drift = 1000;

function change(view: View): { ratio: number; first: LayerView } | undefined {
  const layers = hidden(view).filter((l) => !(l.branch && l.gradient === 0));
  const [first, last] = [layers[0], layers.at(-1)];
  return first && last && layers.length > 1 ? { ratio: first.gradient / last.gradient, first } : undefined;
}

function drafted(view: View, is: (ratio: number) => boolean): Draft | undefined {
  const found = change(view);
  if (!found || !is(found.ratio)) return undefined;
  return {
    severity: "fault",
    layer: found.first.path,
    measured: `from layer to layer on its way back the squared gradient changes by × ${short(Math.exp(view.backwardSlope))}; at ${found.first.path} it is × ${short(found.ratio)} the last hidden layer's`,
    value: found.ratio,
  };
}

const vanishing = (view: View) => drafted(view, (ratio) => ratio < 1 / drift);
const exploding = (view: View) => drafted(view, (ratio) => ratio > drift);

/** Gradients that shrink on their way back. */
export const vanishingGradient: Rule = {
  name: "vanishing-gradient",
  source: "AUTOTRAINER's ratio of 1e-3, on the gradient of sums rather than of weights, which a shrinking signal hides",
  normal: "a factor of 0.001 to 1000, squared, from the last hidden layer to the first",
  why: "Each layer passes back less than it gets, so the first layers stay as they were drawn.",
  repairs: ["reinitialize", "residual", "replaceActivation", "normalize"],
  start: vanishing,
  watch: (view) => (stuck(view) ? vanishing(view) : undefined),
};

/** Gradients that grow on their way back. */
export const explodingGradient: Rule = {
  name: "exploding-gradient",
  source: "AUTOTRAINER's ratio of 70; Yang et al. 2019: batch norm with ReLU multiplies gradients by 1.21 a layer",
  normal: "a factor of 0.001 to 1000, squared, from the last hidden layer to the first",
  why: "Each layer passes back more than it gets, so the first layers are thrown about while the last hardly move.",
  repairs: ["reinitialize", "residual", "clip", "lowerRate"],
  start: exploding,
  watch(view) {
    const { gradNorms, course } = view;
    const before = gradNorms
      .slice(0, -10)
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    const median = before[before.length >> 1];
    const now = Math.max(...gradNorms.slice(-10));
    if (before.length >= 10 && now > 1000 * median && course.name === "diverging")
      return {
        severity: "fault",
        measured: `the gradient's norm is ${short(now)}, its median so far ${short(median)}`,
        value: now / median,
        normal: "within × 1000 of the median",
        repairs: ["clip", "lowerRate"],
      };
    return stuck(view) ? exploding(view) : undefined;
  },
};
