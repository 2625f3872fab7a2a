/** A loss in which every class counts alike. */
import * as nn from "../../nn/index.js";
import { tensor } from "../../ops/index.js";
import type { FitOptions } from "../../train/fit.js";
import type { StartFacts } from "../facts/start.js";
import { sum } from "../numbers.js";
import type { Repair } from "./repair.js";

/** Cross-entropy in which every class counts alike, and the weights that make it so; undefined for other losses. */
export function evenLoss({
  target: { counts },
  loss: { kind },
}: StartFacts): { readonly loss: FitOptions["loss"]; readonly weights: readonly number[] } | undefined {
  if (!counts || kind !== "cross-entropy") return undefined;
  const all = sum(counts);
  const weights = counts.map((n) => Number((all / (counts.length * Math.max(1, n))).toPrecision(4)));
  const classWeights = tensor(Float32Array.from(weights));
  return { loss: (z, y) => nn.crossEntropy(z, y, { classWeights }), weights };
}

export const classWeights: Repair = {
  name: "classWeights",
  apply({ loop, facts }) {
    const even = evenLoss(facts);
    if (!even) return undefined;
    const { loss } = loop.options;
    const { weights } = even;
    loop.change({ loss: even.loss });
    return {
      did: `classes weighted by ${weights.join(", ")}`,
      code: `loss: (z, y) => nn.crossEntropy(z, y, { classWeights: tensor([${weights.join(", ")}]) })`,
      undo: () => loop.change({ loss }),
    };
  },
};
