/** Inputs far from mean 0 and variance 1. */
import { type Draft, type Rule, short } from "./rule.js";

export const inputScale: Rule = {
  name: "input-scale",
  source: "LeCun et al. 1998, Efficient BackProp, § 4.3",
  normal: "a root mean square near 1 and means near 0",
  why: "Initial weights are made for inputs of variance 1: larger ones saturate or explode, an offset makes one direction far steeper than all others.",
  repairs: ["rescaleInputs", "normalize"],
  start({ facts: { input, layers } }): Draft | undefined {
    if (!input.finite || input.features < 1) return undefined;
    const severity = layers[0]?.normalized ? "warning" : "fault";
    if (input.rms > 8 || (input.rms < 0.02 && input.rms > 0))
      return { severity, measured: `inputs have a root mean square of ${short(input.rms)}`, value: input.rms };
    if (input.offset > 8 && input.constant < 1)
      return {
        severity,
        measured: `the features' means are ${short(input.offset)} × their standard deviations`,
        value: input.offset,
      };
    if (input.features > 1 && input.dominance > 0.999)
      return {
        severity,
        measured: `one of ${input.features} features has ${short(100 * input.dominance)} % of all variance`,
        value: input.dominance,
      };
    return undefined;
  },
};
