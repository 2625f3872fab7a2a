/** How sums and gradients change from layer to layer, as both vanishing and exploding ones are told by. */
import { type Draft, hidden, short } from "./rule.js";
import type { LayerView, View } from "./view.js";

/** A fault by how much something changes from one end of the hidden layers to the other; its value is the factor. */
export type Change = Draft & { readonly value: number };

/** Hidden layers of the trunk: what a residual branch adds is small beside it, as it should be. */
const trunk = (view: View): LayerView[] => hidden(view).filter(isTrunk);

const isTrunk = (l: LayerView): boolean => !l.branch;

/** Those whose sums no norm rescales. */
export const unscaled = (view: View): LayerView[] => trunk(view).filter(isUnscaled);

const isUnscaled = (l: LayerView): boolean => !l.normalized;

/** The variance of sums, from the first hidden layer to the last. */
export function signalChange(view: View): Change | undefined {
  const layers = unscaled(view);
  const [first, at] = [layers[0], layers.at(-1)];
  if (!first || !at || layers.length < 2) return undefined;
  const ratio = at.variance / first.variance;
  const measured = `from layer to layer the signal's variance changes by × ${short(Math.exp(view.forwardSlope))}; at ${at.path} it is × ${short(ratio)} the first layer's`;
  return { severity: "fault", layer: at.path, measured, value: ratio };
}

/** A norm takes its input's scale away, and so makes the gradient of small sums large: there, that of sums of variance 1. */
const gradientOf = (l: LayerView): number => (l.normalized ? l.gradient * l.variance : l.gradient);

/** The squared gradient, from the last hidden layer to the first. */
export function gradientChange(view: View): Change | undefined {
  // The first norm gets sums of the data, which may have few directions: what comes back there is of another kind.
  const all = trunk(view);
  const layers = all[0]?.normalized ? all.slice(1) : all;
  const [at, last] = [layers[0], layers.at(-1)];
  if (!at || !last || layers.length < 2) return undefined;
  const ratio = gradientOf(at) / gradientOf(last);
  const measured = `from layer to layer on its way back the squared gradient changes by × ${short(Math.exp(view.backwardSlope))}; at ${at.path} it is × ${short(ratio)} the last hidden layer's`;
  return { severity: "fault", layer: at.path, measured, value: ratio };
}
