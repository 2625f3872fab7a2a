/** Sums that shrink from layer to layer. */
import { type Draft, type Rule, short, whereStuck } from "./rule.js";
import { signalChange, unscaled } from "./through-depth.js";
import type { View } from "./view.js";

/** From the first hidden layer to the last, sums' variance may shrink by this. */
const drift = 1e-3;

function vanishing(view: View): Draft | undefined {
  const change = signalChange(view);
  if (change && change.value < drift) return change;
  const silent = unscaled(view).find((l) => l.variance < 1e-8);
  if (!silent) return undefined;
  const measured = `the sums of ${silent.path} have a variance of ${short(silent.variance)}`;
  return { severity: "fault", layer: silent.path, measured, value: silent.variance };
}

export const vanishingSignal: Rule = {
  name: "vanishing-signal",
  source: "Glorot & Bengio 2010; the slope of ln variance per layer: a factor of 1000 from end to end",
  normal: "a factor of 0.001 to 1000 from the first hidden layer to the last",
  why: "Each layer makes its input smaller, so the output hardly depends on the input, and the gradient shrinks likewise.",
  repairs: ["reinitialize", "normalize", "residual"],
  start: vanishing,
  watch: whereStuck(vanishing),
};
