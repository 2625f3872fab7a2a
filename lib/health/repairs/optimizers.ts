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

/** What optimizers remember, as is usual: momentum that lasts ten steps, Adam's betas and ε of Kingma & Ba 2015. */
const usual = { momentum: 0.9, betas: [0.9, 0.999], eps: 1e-8 } as const;

interface Memory {
  readonly momentum?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
}

export const usualMemory: Repair = {
  name: "usualMemory",
  apply({ loop }) {
    const { optimizer } = loop.options;
    const { momentum = 0, betas, eps = 0 }: Memory = optimizer.groups[0].options as Memory;
    const changes: Record<string, unknown> = {};
    if (momentum > 0.95) changes.momentum = usual.momentum;
    // Lion's betas mean something else.
    if (betas && optimizer.name.startsWith("Adam") && (betas[0] > betas[1] || betas[0] > 0.95))
      changes.betas = usual.betas;
    if (eps > 1e-4) changes.eps = usual.eps;
    const names = Object.keys(changes);
    if (names.length === 0) return undefined;
    loop.change({ optimizer: optimizerLike(optimizer, loop.model, changes) });
    const show = (value: unknown): string => (Array.isArray(value) ? `[${value.join(", ")}]` : `${value}`);
    const before: Record<string, unknown> = { momentum, betas, eps };
    return {
      did: names.map((name) => `${name} ${show(before[name])} to ${show(changes[name])}`).join(", "),
      code: names.map((name) => `${name}: ${show(changes[name])}`).join(", "),
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
