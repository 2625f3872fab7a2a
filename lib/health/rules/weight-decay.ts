/** Weight decay that outweighs what is learned. */
import type { Optimizer } from "../../optim/index.js";
import { isNearChance } from "../facts/loss.js";
import { decayOf } from "../memory.js";
import { type Draft, type Rule, short } from "./rule.js";
import type { StartView } from "./view.js";

/** Of the loss's gradient, what that of the decay may be at the start. Of 300 healthy runs none has more than 0.01. */
const most = 0.3;

/** Whether an optimizer adds the decay to the gradient, rather than taking it off the weights beside it. */
const coupled = ({ name }: Optimizer): boolean => name !== "AdamW" && name !== "Lion";

/** λ‖w‖ over the norm of the loss's gradient, for all weights together; 0 for what is trained already, whose gradient is small. */
function besideGradient({ facts: { parameters, loss, chance } }: StartView, decay: number): number {
  if (!isNearChance(loss.value, chance)) return 0;
  const weights = parameters.filter(({ rank, trainable, given }) => rank >= 2 && trainable && given);
  const norm = (of: "gradient" | "rms"): number => Math.hypot(...weights.map((p) => Math.sqrt(p.size) * p[of]));
  return norm("gradient") > 0 ? (decay * norm("rms")) / norm("gradient") : 0;
}

export const strongDecay: Rule = {
  name: "weight-decay",
  source: "decay takes lr·λ of a weight per step (decoupled): over the run it should leave most of it",
  normal: "weights that keep more than a tenth of their size, and a loss whose gradient outweighs the decay's",
  why: "Weights are pulled to 0 faster than the loss can build them up, so the signal dies.",
  repairs: ["weakerDecay"],
  start(view): Draft | undefined {
    const { optimizer } = view.plan;
    const decay = optimizer ? decayOf(optimizer) : 0;
    if (!optimizer || decay === 0) return undefined;
    if (decay >= 0.5 || (optimizer.name === "SGD" && decay > 0.05))
      return { severity: "fault", measured: `weight decay is ${short(decay)}`, value: decay, normal: "0 to 0.1" };
    const share = coupled(optimizer) ? besideGradient(view, decay) : 0;
    if (share < most) return undefined;
    return {
      severity: "fault",
      measured: `weight decay is ${short(decay)}: its gradient is ${short(share)} times that of the loss`,
      value: share,
      normal: `below ${most}`,
    };
  },
};
