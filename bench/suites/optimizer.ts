/** Updates of one parameter of 1 Mi floats, and clipping a gradient of as many. */
import { elements, optimizers } from "../cases.js";
import { closeTo } from "../differ.js";
import type { Case, Suite } from "../suite.js";
import { microseconds, streams } from "../units.js";

const common = {
  unit: "us",
  inputs: {
    x: { dtype: "f32", size: elements, low: -1, high: 1, seed: 7 },
    g: { dtype: "f32", size: elements, low: -0.1, high: 0.1, seed: 8 },
  },
  value: microseconds,
  differ: closeTo({ relative: 1e-5, absolute: 1e-6 }),
} as const;

export const optimizer: Suite = {
  name: "optimizer",
  about: "one update of 1 Mi parameters from a gradient; clipping a gradient by its norm",
  peers: ["torch", "torch-avx512"],
  cases: [
    ...Object.entries(optimizers).map(
      ([name, { reads, writes }]): Case => ({
        ...common,
        name,
        spec: { kind: "optimizer", optimizer: name, size: elements },
        limit: streams(reads, writes, elements),
      }),
    ),
    { ...common, name: "clip", spec: { kind: "clip", size: elements }, limit: streams(1, 1, elements) },
  ],
};
