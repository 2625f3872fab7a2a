/** Sizes of a step's updates relative to the weights. */
import { median } from "../numbers.js";
import type { HealthSample } from "../record.js";
import type { Rehearsal, RunView } from "./view.js";

/** The median over a look's layers, but for those that are 0 or wait, such as the ones behind a 0. */
function ofLook({ layers }: HealthSample): number {
  const updates: number[] = [];
  for (const { update, weight } of layers)
    if (Number.isFinite(update) && update > 0 && weight > 0) updates.push(update);
  return median(updates);
}

const known = new WeakMap<HealthSample, number>();

/** The median over layers and looks: a schedule may end with a rate of 0. */
export function medianUpdate({ samples }: RunView): number {
  const updates: number[] = [];
  for (const sample of samples) {
    const update = known.get(sample) ?? ofLook(sample);
    known.set(sample, update);
    updates.push(update);
  }
  return median(updates);
}

/** From the first loss, or chance where the run began below it, to the largest. */
export const climb = ({ losses, facts: { chance = 0 } }: RunView) => ({
  from: Math.max(losses[0] ?? 0, chance),
  to: losses.reduce((a, b) => Math.max(a, b), 0),
});

/** So many times as much is no step of chance. */
export const climbed = 3;

/** Whether losses were finite and no larger than at first, and then all at once were not: no step too long does that. */
export function suddenly(losses: Rehearsal): boolean {
  const at = losses.findIndex((x) => !Number.isFinite(x));
  return at > 0 && losses.slice(0, at).every((x) => x <= 1.5 * losses[0] + 0.1);
}
