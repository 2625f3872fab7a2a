/** A limit on the gradient's norm. */
import type { Repair } from "./repair.js";

/** The 90th percentile of the norms so far (Seetharaman et al. 2020, AutoClip), or 1 without any. */
export const clip: Repair = {
  name: "clip",
  apply({ loop }) {
    const { clipGradNorm } = loop.options;
    const norms = loop.gradNorms.filter((n) => Number.isFinite(n) && n > 0).sort((a, b) => a - b);
    const limit = norms.length >= 20 ? norms[Math.floor(0.1 * norms.length)] : 1;
    const tighter = Number(Math.min(limit, (clipGradNorm ?? Infinity) / 10, 1).toPrecision(3));
    loop.change({ clipGradNorm: tighter });
    return {
      did: `gradients limited to a norm of ${tighter}`,
      code: `clipGradNorm: ${tighter}`,
      undo: () => loop.change({ clipGradNorm }),
    };
  },
};
