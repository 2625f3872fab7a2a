/** A loss in which every class counts alike. */
import * as nn from "../../nn/index.js";
import { tensor } from "../../ops/index.js";
import type { Repair } from "./repair.js";

export const classWeights: Repair = {
  name: "classWeights",
  apply({ loop, facts }) {
    const { counts } = facts.target;
    if (!counts || facts.loss.kind !== "cross-entropy") return undefined;
    const { loss } = loop.options;
    const all = counts.reduce((a, b) => a + b, 0);
    const weights = counts.map((n) => Number((all / (counts.length * Math.max(1, n))).toPrecision(4)));
    const constant = tensor(Float32Array.from(weights));
    loop.change({ loss: (z, y) => nn.crossEntropy(z, y, { classWeights: constant }) });
    return {
      did: `classes weighted by ${weights.join(", ")}`,
      code: `loss: (z, y) => nn.crossEntropy(z, y, { classWeights: tensor([${weights.join(", ")}]) })`,
      undo: () => loop.change({ loss }),
    };
  },
};
