import { type Draft, hidden, type Rule, short, stuck } from "./rule.js";
import type { LayerView, View } from "./view.js";

/** From the first hidden layer to the last, sums' variance may change by this. */
const drift = 100;

const plain = (view: View): LayerView[] => hidden(view).filter((l) => !l.normalized && !(l.branch && l.variance === 0));

function change(view: View): { ratio: number; last: LayerView } | undefined {
  const layers = plain(view);
  const [first, last] = [layers[0], layers.at(-1)];
  return first && last && layers.length > 1 ? { ratio: last.variance / first.variance, last } : undefined;
}

function vanishing(view: View): Draft | undefined {
  const found = change(view);
  const silent = plain(view).find((l) => l.variance < 1e-8);
  if (silent && !(found && found.ratio < 1 / drift))
    return {
      severity: "fault",
      layer: silent.path,
      measured: `the sums of ${silent.path} have a variance of ${short(silent.variance)}`,
      value: silent.variance,
    };
  if (!found || !(found.ratio < 1 / drift)) return undefined;
  return {
    severity: "fault",
    layer: found.last.path,
    measured: `from layer to layer the signal's variance changes by × ${short(Math.exp(view.forwardSlope))}; at ${found.last.path} it is ${short(found.ratio)} of the first layer's`,
    value: found.ratio,
  };
}

function exploding(view: View): Draft | undefined {
  const found = change(view);
  const huge = view.layers.find((l) => !l.normalized && !(l.variance < 1e4));
  if (huge && !(found && found.ratio > drift))
    return {
      severity: "fault",
      layer: huge.path,
      measured: `the sums of ${huge.path} have a variance of ${short(huge.variance)}`,
      value: huge.variance,
    };
  if (!found || !(found.ratio > drift)) return undefined;
  return {
    severity: "fault",
    layer: found.last.path,
    measured: `from layer to layer the signal's variance changes by × ${short(Math.exp(view.forwardSlope))}; at ${found.last.path} it is × ${short(found.ratio)} the first layer's`,
    value: found.ratio,
  };
}

/** Sums that shrink from layer to layer. */
export const vanishingSignal: Rule = {
  name: "vanishing-signal",
  source: "Glorot & Bengio 2010; the slope of ln variance per layer: a factor of 100 from end to end",
  normal: "a factor of 0.01 to 100 from the first hidden layer to the last",
  why: "Each layer makes its input smaller, so the output hardly depends on the input, and the gradient shrinks likewise.",
  repairs: ["reinitialize", "normalize", "residual"],
  start: vanishing,
  watch: (view) => (stuck(view) ? vanishing(view) : undefined),
};

/** Sums that grow from layer to layer. */
export const explodingSignal: Rule = {
  name: "exploding-signal",
  source: "He et al. 2015; the slope of ln variance per layer: a factor of 100 from end to end",
  normal: "a factor of 0.01 to 100 from the first hidden layer to the last, variances below 10,000",
  why: "Each layer makes its input larger, so outputs and gradients are huge and a step throws the weights far off.",
  repairs: ["reinitialize", "normalize", "clip", "lowerRate"],
  start: exploding,
  watch: (view) => (stuck(view) ? exploding(view) : undefined),
};
