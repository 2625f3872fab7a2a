/** Random tensors of 1 Mi floats. */
import { elements, samplers } from "../cases.js";
import { sameDistribution } from "../differ.js";
import type { Suite } from "../suite.js";
import { microseconds } from "../units.js";

export const sampling: Suite = {
  name: "sampling",
  about: "1 Mi random floats; dropout of as many",
  peers: ["torch", "torch-avx512"],
  cases: Object.keys(samplers).map((sampler) => ({
    name: sampler,
    unit: "us",
    spec: { kind: "sampling", sampler, size: elements },
    inputs: { x: { dtype: "f32", size: elements, low: -1, high: 1, seed: 6 } },
    value: microseconds,
    differ: sameDistribution,
  })),
};
