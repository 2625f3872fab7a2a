/** Batches that pull in different directions. */
import { type Draft, type Rule, short } from "./rule.js";
import type { StartView } from "./view.js";

export const gradientNoise: Rule = {
  name: "gradient-noise",
  source: "McCandlish et al. 2018: the noise scale trΣ/|G|² against the batch size",
  normal: "a noise scale below 100 × the batch size",
  why: "Most of each step is the chance of which rows were in the batch.",
  repairs: ["lowerRate", "warmUp"],
  start({ noise, plan: { batchSize } }: StartView): Draft | undefined {
    if (noise === undefined || batchSize === undefined || !(noise > 100 * batchSize)) return undefined;
    return {
      severity: "warning",
      measured: `the gradient's noise scale is ${noise === Infinity ? "beyond measure" : `${short(noise)} rows`}, a batch has ${batchSize}`,
      value: noise,
    };
  },
};
