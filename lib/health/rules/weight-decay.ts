/** Weight decay that outweighs what is learned. */
import { decayOf } from "../memory.js";
import { type Draft, type Rule, short } from "./rule.js";

export const strongDecay: Rule = {
  name: "weight-decay",
  source: "decay takes lr·λ of a weight per step (decoupled): over the run it should leave most of it",
  normal: "weights that keep more than a tenth of their size",
  why: "Weights are pulled to 0 faster than the loss can build them up, so the signal dies.",
  repairs: ["weakerDecay"],
  start({ plan: { optimizer } }): Draft | undefined {
    const decay = optimizer ? decayOf(optimizer) : 0;
    if (!optimizer || !(decay >= 0.5 || (optimizer.name === "SGD" && decay > 0.05))) return undefined;
    return { severity: "fault", measured: `weight decay is ${short(decay)}`, value: decay, normal: "0 to 0.1" };
  },
};
