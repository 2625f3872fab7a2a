/** Sizes of a step's updates relative to the weights. */
import type { HealthSample } from "../record.js";
import type { Rehearsal, RunView } from "./view.js";

export const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;

/** The median over a look's layers, but for those that are 0 or wait, such as the ones behind a 0. */
const ofLook = ({ layers }: HealthSample): number =>
  median(layers.flatMap(({ update, weight }) => (Number.isFinite(update) && update > 0 && weight > 0 ? [update] : [])));

const known = new WeakMap<HealthSample, number>();

/** The median over layers and looks: a schedule may end with a rate of 0. */
export const medianUpdate = ({ samples }: RunView): number =>
  median(
    samples.map((sample) => {
      const update = known.get(sample) ?? ofLook(sample);
      known.set(sample, update);
      return update;
    }),
  );

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
