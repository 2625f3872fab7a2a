import { type Draft, type Rule, short } from "./rule.js";

/** Validation gets worse while training gets better. */
export const overfitting: Rule = {
  name: "overfitting",
  source: "Prechelt 1998, Early stopping: generalization loss",
  normal: "a validation loss within 20 % of its lowest",
  why: "The model learns the training rows by heart, noise and all.",
  repairs: ["stopEarly", "dropout", "weightDecay"],
  watch({ epochs }): Draft | undefined {
    const judged = epochs.filter((e) => e.validation);
    if (judged.length < 3) return undefined;
    const losses = judged.map((e) => e.validation?.loss ?? Number.NaN);
    const least = Math.min(...losses);
    const at = losses.indexOf(least);
    const last = losses[losses.length - 1];
    const trained = judged[judged.length - 1].loss;
    if (losses.length - at < 3 || !(last > 1.2 * least) || !(trained < 0.5 * last)) return undefined;
    return {
      severity: last > 2 * least && trained < 0.2 * last ? "fault" : "warning",
      measured: `validation loss ${short(last)} after ${short(least)} in epoch ${judged[at].epoch}, training loss ${short(trained)}`,
      value: last / least,
    };
  },
};

/** Weight decay that outweighs what is learned. */
export const strongDecay: Rule = {
  name: "weight-decay",
  source: "decay takes lr·λ of a weight per step (decoupled): over the run it should leave most of it",
  normal: "weights that keep more than a tenth of their size",
  why: "Weights are pulled to 0 faster than the loss can build them up, so the signal dies.",
  repairs: ["weakerDecay"],
  start({ plan: { optimizer } }): Draft | undefined {
    const decay = optimizer?.groups[0].options.weightDecay ?? 0;
    if (!optimizer || !(decay >= 0.5 || (optimizer.name === "SGD" && decay > 0.05))) return undefined;
    return { severity: "fault", measured: `weight decay is ${short(decay)}`, value: decay, normal: "0 to 0.1" };
  },
};
