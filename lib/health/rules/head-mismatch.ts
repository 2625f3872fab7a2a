/** An output that cannot say what the labels ask for. */
import { type Draft, type Rule, short, stuck } from "./rule.js";
import type { View } from "./view.js";

const oneEach = (classes: number): NonNullable<Draft["byHand"]>[number] => ({
  text: "give one output for each class, labels as integers, and the loss that belongs to them",
  code: `new nn.Linear(width, ${classes}); data.fromArrays({ x, y, labels: true }); loss: nn.crossEntropy`,
});

/** Whole numbers from 0 on, few of them, as one number to be met: labels taken for a quantity. Floats may be a true count. */
function labelsAsQuantity({ facts: { loss, output, target } }: View, severity: Draft["severity"]): Draft | undefined {
  const columns = output.shape.slice(1).reduce((a, b) => a * b, 1);
  const most = target.integer ? 100 : 20;
  if (loss.kind !== "square" || columns !== 1 || !target.whole || target.most < 2 || target.most > most)
    return undefined;
  return {
    severity,
    measured: `labels from 0 to ${target.most} are learned as one number by their square`,
    value: 1,
    why: "Classes are no quantity: a square makes class 1 a mean of classes 0 and 2.",
    byHand: [oneEach(target.most + 1)],
  };
}

export const headMismatch: Rule = {
  name: "head-mismatch",
  source: "cross-entropy needs one output per class; NeuraLint's rules on the last layer",
  normal: "one output per class",
  why: "The loss compares what the output cannot express, so its gradient leads nowhere.",
  repairs: [],
  start(view): Draft | undefined {
    const { loss, output, target } = view.facts;
    const classes = output.shape[1] ?? 1;
    if (target.counts && target.most >= classes)
      return {
        severity: "fault",
        measured: `labels go up to ${target.most}, outputs are ${classes}`,
        value: classes,
        byHand: [{ text: "give one output for each class", code: `new nn.Linear(width, ${target.most + 1})` }],
      };
    const quantity = labelsAsQuantity(view, target.integer ? "fault" : "warning");
    if (quantity) return quantity;
    if (loss.kind === "likelihood" && output.most > 1e-4)
      return {
        severity: "fault",
        measured: `the likelihood wants ln p, got outputs up to ${short(output.most)}`,
        value: output.most,
        normal: "at most 0",
        why: "A likelihood of numbers that are no logarithms of probabilities has no lower end.",
        byHand: [{ text: "use the loss of raw scores", code: "loss: nn.crossEntropy" }],
      };
    if (loss.kind === "binary cross-entropy" && (target.least < 0 || target.most > 1))
      return {
        severity: "fault",
        measured: `targets of a binary cross-entropy lie from ${short(target.least)} to ${short(target.most)}`,
        value: target.most,
        normal: "0 to 1",
        byHand: [
          { text: "give 0 and 1, or shares between them", code: "y.sub(least).div(most - least)" },
          { text: "use a loss of any numbers", code: "loss: nn.mse" },
        ],
      };
    return undefined;
  },
  watch: (view) => (stuck(view) ? labelsAsQuantity(view, "fault") : undefined),
};
