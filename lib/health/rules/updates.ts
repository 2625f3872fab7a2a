/** Sizes of a step's updates relative to the weights. */
import type { RunView } from "./view.js";

/** The median over the layers of the last sampled step; 0 before the first one. */
export function medianUpdate({ layers }: RunView): number {
  const sizes = layers
    .map((l) => l.update)
    .filter((u): u is number => u !== undefined && Number.isFinite(u))
    .sort((a, b) => a - b);
  return sizes[sizes.length >> 1] ?? 0;
}
