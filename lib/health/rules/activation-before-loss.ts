/** A softmax before cross-entropy, and the like. */
import type { Draft, Rule } from "./rule.js";

/** What each loss applies by itself, and what therefore must not stand before it. */
const wrong: Readonly<Record<string, readonly string[]>> = {
  "cross-entropy": ["softmax", "sigmoid", "relu", "tanh"],
  "binary cross-entropy": ["sigmoid", "softmax", "relu", "tanh"],
};

export const activationBeforeLoss: Rule = {
  name: "activation-before-loss",
  source: "the loss applies softmax (sigmoid) itself: twice, its gradient is at most 1/4 of what it should be",
  normal: "raw scores",
  why: "Scores squeezed into a small range keep the loss from falling, and their gradient is small where it should be large.",
  repairs: ["dropActivation"],
  start({ facts: { loss, output, target } }): Draft | undefined {
    const { op } = output;
    if (wrong[loss.kind]?.includes(op))
      return { severity: "fault", measured: `${op} stands before ${loss.kind}`, value: output.most };
    if (loss.kind !== "square") return undefined;
    const [low, high] =
      op === "tanh" ? [-1, 1] : op === "sigmoid" ? [0, 1] : op === "relu" ? [0, Infinity] : [-Infinity, Infinity];
    if (target.least >= low && target.most <= high) return undefined;
    return {
      severity: "fault",
      measured: `outputs of ${op} lie from ${low} to ${high}, targets from ${target.least} to ${target.most}`,
      value: target.most,
      normal: "an output that reaches every target",
      why: "What the last activation cannot give, no weight can learn.",
    };
  },
};
