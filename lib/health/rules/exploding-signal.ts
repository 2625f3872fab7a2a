/** Sums that grow from layer to layer. */
import { type Draft, type Rule, short, whereStuck } from "./rule.js";
import { signalChange } from "./through-depth.js";
import type { LayerView, View } from "./view.js";

/** From the first hidden layer to the last, sums' variance may grow by this. */
const drift = 1e3;

/** Whether sums that no norm rescales are far too large, or no numbers. */
export const isHuge = (l: LayerView): boolean => !l.normalized && !(l.variance < 1e4);

function exploding(view: View): Draft | undefined {
  const change = signalChange(view);
  if (change && !(change.value <= drift)) return change;
  const huge = view.layers.find(isHuge);
  if (!huge) return undefined;
  const measured = `the sums of ${huge.path} have a variance of ${short(huge.variance)}`;
  return { severity: "fault", layer: huge.path, measured, value: huge.variance };
}

export const explodingSignal: Rule = {
  name: "exploding-signal",
  source: "He et al. 2015; the slope of ln variance per layer: a factor of 1000 from end to end",
  normal: "a factor of 0.001 to 1000 from the first hidden layer to the last, variances below 10,000",
  why: "Each layer makes its input larger, so outputs and gradients are huge and a step throws the weights far off.",
  repairs: ["reinitialize", "normalize", "clip", "lowerRate"],
  start: exploding,
  watch: whereStuck(exploding),
};
