/** Another optimizer, or another strength of its decay. */
import { Adam } from "../../optim/index.js";
import { decayOf, memoryOf, unusualMemory } from "../memory.js";
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

const show = (value: unknown): string => (Array.isArray(value) ? `[${value.join(", ")}]` : `${value}`);

export const usualMemory: Repair = {
  name: "usualMemory",
  apply({ loop }) {
    const { optimizer } = loop.options;
    const changes = Object.entries(unusualMemory(optimizer));
    if (changes.length === 0) return undefined;
    const before = Object.entries(memoryOf(optimizer));
    loop.change({ optimizer: optimizerLike(optimizer, loop.model, Object.fromEntries(changes)) });
    return {
      did: changes.map(([name, to]) => `${name} ${show(new Map(before).get(name))} to ${show(to)}`).join(", "),
      code: changes.map(([name, to]) => `${name}: ${show(to)}`).join(", "),
      undo: () => loop.change({ optimizer }),
    };
  },
};

const decayTo = (weightDecay: number, name: Repair["name"], wants: (now: number) => boolean): Repair => ({
  name,
  apply({ loop }) {
    const { optimizer } = loop.options;
    const now = decayOf(optimizer);
    if (!wants(now)) return undefined;
    loop.change({ optimizer: optimizerLike(optimizer, loop.model, { weightDecay }) });
    return {
      did: `weight decay ${now} to ${weightDecay}`,
      code: `weightDecay: ${weightDecay}`,
      undo: () => loop.change({ optimizer }),
    };
  },
});

export const weightDecay = decayTo(0.01, "weightDecay", (now) => now < 0.01);

export const weakerDecay = decayTo(0, "weakerDecay", (now) => now > 0);
