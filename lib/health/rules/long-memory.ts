/** An optimizer that follows gradients of long ago. */
import { memoryOf } from "../memory.js";
import { type Draft, type Rule, short } from "./rule.js";

/** What momentum remembers is to be over in such a share of the run. */
const share = 4;

/** Steps until what is remembered of a gradient has fallen to 1/e. */
const memory = (beta: number): number => 1 / (1 - beta);

export const longMemory: Rule = {
  name: "long-memory",
  source:
    "Kingma & Ba 2015, § 4, and Reddi et al. 2018: Adam's first moment is to forget sooner than its second; Sutskever et al. 2013 on momentum",
  normal: "betas of which the first is the smaller one, and a momentum that lasts a small part of the run",
  why: "The direction is an average of gradients that weights have long left behind, so steps swing past the bottom again and again.",
  repairs: ["usualMemory", "lowerRate", "adaptiveOptimizer"],
  start({ plan: { optimizer, steps } }): Draft | undefined {
    if (!optimizer) return undefined;
    const { momentum = 0, betas } = memoryOf(optimizer);
    if (betas && optimizer.name.startsWith("Adam") && betas[0] > betas[1])
      return {
        severity: "fault",
        measured: `betas are ${betas.map(short).join(" and ")}: the first moment remembers ${short(memory(betas[0]))} steps, the second ${short(memory(betas[1]))}`,
        value: memory(betas[0]) / memory(betas[1]),
      };
    if (momentum <= 0.95 || steps === undefined || memory(momentum) < steps / share) return undefined;
    return {
      severity: "fault",
      measured: `a momentum of ${short(momentum)} remembers ${short(memory(momentum))} steps, and the run has ${steps}`,
      value: memory(momentum),
    };
  },
};
