/** Validation gets worse while training gets better. */
import { type Draft, type Rule, short } from "./rule.js";

/** So many epochs, and such a share of the run, are to pass without a better one: validation of a few rows shakes. */
const patience = { epochs: 3, share: 0.25 };

/** Of the targets' variance, what validation may have lost since its best. */
const mostLost = 0.1;

export const overfitting: Rule = {
  name: "overfitting",
  source: "Prechelt 1998, Early stopping: generalization loss",
  normal: "a validation loss within 20 % of its lowest, or soon again",
  why: "The model learns the training rows by heart, noise and all.",
  repairs: ["stopEarly", "dropout", "weightDecay"],
  watch({ epochs, total, facts: { chance, loss } }): Draft | undefined {
    const judged = epochs.filter((e) => e.validation);
    if (judged.length < 3) return undefined;
    const losses = judged.map((e) => e.validation?.loss ?? Number.NaN);
    const least = Math.min(...losses);
    const at = losses.indexOf(least);
    const last = losses[losses.length - 1];
    const trained = judged[judged.length - 1].loss;
    if (trained > judged[judged.length - 2].loss) return undefined; // training gets worse, too
    const before = losses[losses.length - 2];
    const since = losses.length - at;
    if (since < patience.epochs || (since - 1) * epochs[0].steps < patience.share * total) return undefined;
    if (!(before > 1.1 * least) || !(last > 1.2 * least) || !(trained < 0.6 * last)) return undefined;
    if (chance !== undefined && trained > 0.7 * chance) return undefined; // nothing is learned yet
    // A loss far below that of an answer that ignores the input may double and still be good, and what grows by being too sure of
    // wrong answers need not have more of them (Guo et al. 2017, On Calibration of Modern Neural Networks, § 3).
    const square = loss.kind === "square";
    const poor =
      chance !== undefined && (last > (square ? 0.75 : 1) * chance || (square && last - least > mostLost * chance));
    return {
      severity: poor ? "fault" : "warning",
      measured: `validation loss ${short(last)} after ${short(least)} in epoch ${judged[at].epoch}, training loss ${short(trained)}`,
      value: last / least,
    };
  },
};
