/** Another optimizer, or another strength of its decay. */
import { Adam } from "../../optim/index.js";
import { optimizerLike, type Repair } from "./repair.js";

export const adaptiveOptimizer: Repair = {
  name: "adaptiveOptimizer",
  apply({ loop }) {
    const { optimizer } = loop.options;
    const lr = 0.002;
    if (optimizer instanceof Adam && optimizer.lr === lr) return undefined;
    loop.change({ optimizer: new Adam(optimizer.params, { lr }) });
    return {
      did: `${optimizer.name} at ${optimizer.lr} became Adam at ${lr}`,
      code: `new optim.Adam(model.parameters(), { lr: ${lr} })`,
      undo: () => loop.change({ optimizer }),
    };
  },
};

const decayOf = (weightDecay: number, name: Repair["name"], wants: (now: number) => boolean): Repair => ({
  name,
  apply({ loop }) {
    const { optimizer } = loop.options;
    const now = optimizer.groups[0].options.weightDecay ?? 0;
    if (!wants(now)) return undefined;
    loop.change({ optimizer: optimizerLike(optimizer, loop.model, { weightDecay }) });
    return {
      did: `weight decay ${now} to ${weightDecay}`,
      code: `weightDecay: ${weightDecay}`,
      undo: () => loop.change({ optimizer }),
    };
  },
});

export const weightDecay = decayOf(0.01, "weightDecay", (now) => now < 0.01);

export const weakerDecay = decayOf(0, "weakerDecay", (now) => now > 0);
