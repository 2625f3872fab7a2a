/** Sizes of a step's updates relative to the weights. */
import type { Rehearsal, RunView } from "./view.js";

/** The median over the layers of the last sampled step; 0 before the first one. */
export function medianUpdate({ layers }: RunView): number {
  const sizes = layers
    .map((l) => l.update)
    .filter((u): u is number => u !== undefined && Number.isFinite(u))
    .sort((a, b) => a - b);
  return sizes[sizes.length >> 1] ?? 0;
}

/** Whether losses were finite and no larger than at first, and then all at once were not: no step too long does that. */
export function suddenly(losses: Rehearsal): boolean {
  const at = losses.findIndex((x) => !Number.isFinite(x));
  return at > 0 && losses.slice(0, at).every((x) => x <= 1.5 * losses[0] + 0.1);
}
