/** Gradients that shrink on their way back. */
import { type Draft, type Rule, whereStuck } from "./rule.js";
import { gradientChange } from "./through-depth.js";
import type { View } from "./view.js";

/** On its way from the last hidden layer to the first, the squared gradient may shrink by this. */
const drift = 1e-3;

function vanishing(view: View): Draft | undefined {
  const change = gradientChange(view);
  return change && change.value < drift ? change : undefined;
}

export const vanishingGradient: Rule = {
  name: "vanishing-gradient",
  source: "AUTOTRAINER's ratio of 1e-3, on the gradient of sums rather than of weights, which a shrinking signal hides",
  normal: "a factor of 0.001 to 10,000, squared, from the last hidden layer to the first",
  why: "Each layer passes back less than it gets, so the first layers stay as they were drawn.",
  repairs: ["reinitialize", "residual", "replaceActivation", "normalize"],
  start: vanishing,
  watch: whereStuck(vanishing),
};
