/** Targets far larger than what the model's outputs begin with. */
import { type Draft, type Rule, short } from "./rule.js";

export const targetScale: Rule = {
  name: "target-scale",
  source: "LeCun et al. 1998, Efficient BackProp, § 4.5: targets within the outputs' range",
  normal: "targets of mean and standard deviation near 0 and 1",
  why: "The loss begins with the square of what the outputs must grow to: its gradient explodes, or steps of a set size take for ever.",
  repairs: ["rescaleOutputs"],
  start({ facts: { loss, target } }): Draft | undefined {
    const rms = Math.sqrt(target.square);
    if (loss.kind !== "square" || !(rms > 20)) return undefined;
    return { severity: "fault", measured: `targets have a root mean square of ${short(rms)}`, value: rms };
  },
};
