/** How long an optimizer remembers gradients, and what is usual; how much it decays. */
import type { Optimizer } from "../optim/index.js";

export interface Memory {
  readonly momentum?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
}

/** As is usual: momentum that lasts ten steps, Adam's betas and ε of Kingma & Ba 2015. */
const usual = { momentum: 0.9, betas: [0.9, 0.999], eps: 1e-8 } as const;

export const memoryOf = ({ groups }: Optimizer): Memory => groups[0].options as Memory;

/** What is usual, of what is far from it. */
export function unusualMemory(optimizer: Optimizer): Memory {
  const { momentum = 0, betas, eps = 0 } = memoryOf(optimizer);
  // Lion's betas mean something else.
  const long = betas && optimizer.name.startsWith("Adam") && (betas[0] > betas[1] || betas[0] > 0.95);
  return {
    ...(momentum > 0.95 && { momentum: usual.momentum }),
    ...(long && { betas: usual.betas }),
    ...(eps > 1e-4 && { eps: usual.eps }),
  };
}

export const decayOf = ({ groups }: Optimizer): number => groups[0].options.weightDecay ?? 0;
