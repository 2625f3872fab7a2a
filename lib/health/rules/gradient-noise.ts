/** Batches that pull in different directions. */
import { type Draft, type Rule, short } from "./rule.js";
import type { View } from "./view.js";

/** Of the batch size, the noise scale beyond which a step is mostly chance, and the rows that are advised then. */
const [most, more] = [100, 8];

function judge({ noise, plan: { batchSize } }: View): Draft | undefined {
  if (noise === undefined || batchSize === undefined || !(noise > most * batchSize)) return undefined;
  return {
    severity: "warning",
    measured: `the gradient's noise scale is ${noise === Infinity ? "beyond measure" : `${short(noise)} rows`}, a batch has ${batchSize}`,
    value: noise,
    byHand: [{ text: "take more rows per step", code: `fit(model, set, { …, batchSize: ${more * batchSize} })` }],
  };
}

export const gradientNoise: Rule = {
  name: "gradient-noise",
  source: "McCandlish et al. 2018: the noise scale trΣ/|G|² against the batch size",
  normal: "a noise scale below 100 × the batch size",
  why: "Most of each step is the chance of which rows were in the batch.",
  repairs: ["lowerRate", "warmUp"],
  start: judge,
  watch: judge,
};
