/** Limits on gradients, each time another kind: of all together, of each layer, of each unit beside its weights, of outliers. */
import type { FitOptions } from "../../train/fit.js";
import { ascending, deviation, mean } from "../numbers.js";
import type { Repair } from "./repair.js";

type Limit = Partial<Pick<FitOptions, "clipGradNorm" | "clipLayerNorm" | "clipUnitRatio">>;

const usable = (gradNorms: readonly number[]): number[] => gradNorms.filter((n) => Number.isFinite(n) && n > 0);

/** The tenth percentile of the norms so far (AutoClip, Seetharaman et al. 2020), but at most 1. */
function usualNorm(gradNorms: readonly number[]): number {
  const norms = ascending(usable(gradNorms));
  const percentile = norms.length >= 20 ? norms[Math.floor(0.1 * norms.length)] : 1;
  return Number(Math.min(1, percentile).toPrecision(3));
}

/** 2.5 standard deviations above their mean (ZClip, Kumar et al. 2025): only what stands out is limited. */
function outstandingNorm(gradNorms: readonly number[]): number | undefined {
  const norms = usable(gradNorms);
  return norms.length < 20 ? undefined : Number((mean(norms) + 2.5 * deviation(norms)).toPrecision(3));
}

export const clip: Repair = {
  name: "clip",
  degrees: 4,
  apply({ loop }, _, degree = 1) {
    const { clipGradNorm, clipLayerNorm, clipUnitRatio } = loop.options;
    const norm = usualNorm(loop.gradNorms);
    const kinds: (readonly [tried: boolean, limit: Limit, what: string])[] = [
      [
        clipGradNorm !== undefined && clipGradNorm <= norm,
        { clipGradNorm: norm },
        `gradients limited to a norm of ${norm}`,
      ],
      [
        clipLayerNorm !== undefined,
        { clipLayerNorm: norm / 4 },
        `each layer's gradient limited to a norm of ${norm / 4}`,
      ],
      [
        clipUnitRatio !== undefined,
        { clipUnitRatio: 0.01 },
        "each unit's gradient limited to a hundredth of its weights",
      ],
    ];
    const outstanding = outstandingNorm(loop.gradNorms);
    if (outstanding !== undefined)
      kinds.push([
        clipGradNorm !== undefined && clipGradNorm <= outstanding,
        { clipGradNorm: outstanding },
        `gradients limited to a norm of ${outstanding}, 2.5 standard deviations above their mean`,
      ]);
    const next = kinds.filter(([tried]) => !tried)[degree - 1];
    if (!next) return undefined;
    const [, limit, did] = next;
    loop.change(limit);
    const [name, value] = Object.entries(limit)[0];
    return {
      did,
      code: `${name}: ${value}`,
      undo: () => loop.change({ clipGradNorm, clipLayerNorm, clipUnitRatio }),
    };
  },
};
