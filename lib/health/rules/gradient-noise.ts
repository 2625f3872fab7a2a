/** Batches that pull in different directions. */
import type { Rule } from "./rule.js";

export const gradientNoise: Rule = {
  name: "gradient-noise",
  source: "McCandlish et al. 2018: the noise scale trΣ/|G|² against the batch size",
  normal: "a noise scale below 100 × the batch size",
  why: "Most of each step is the chance of which rows were in the batch.",
  repairs: ["lowerRate"],
  watch: () => undefined,
};
