/** Elementwise ops and ops on rows, over 1 Mi floats. */
import { elements, exponent, operandShape, elementwise as ops } from "../cases.js";
import { closeTo } from "../differ.js";
import type { Suite } from "../suite.js";
import { microseconds, streams } from "../units.js";

export const elementwise: Suite = {
  name: "elementwise",
  about: "one op over 1 Mi floats; softmax and layer norm over rows",
  peers: ["torch", "torch-avx512"],
  cases: Object.entries(ops).map(([op, entry]) => {
    const size = operandShape(entry, elements).reduce((a, b) => a * b, 1);
    const [low, high] = entry.range;
    return {
      name: op,
      unit: "us",
      spec: { kind: "elementwise", op, size, row: entry.row ?? 0, exponent },
      inputs: { x: { dtype: "f32", size, low, high, seed: 3 } },
      value: microseconds,
      differ: closeTo({ relative: 1e-5, absolute: 1e-6 }),
      limit: streams(1, 1, size),
    };
  }),
};
