/** The published gradient rules of AUTOTRAINER and SageMaker Debugger, over what they look at after every epoch. */

/** What a trace holds of one weight matrix. */
export interface WeightTrace {
  /** Norm, and mean of the sizes, of the gradient. */
  readonly norm: number;
  readonly meanSize: number;
  /** Variance of the weight's elements. */
  readonly variance: number;
  /** Mean size of what changed since the last look relative to the mean size of the elements; NaN at first. */
  readonly update: number;
}

/** A look at a run. */
export interface Look {
  /** Of the training epoch; accuracies from 0 to 1, R² for a regression. */
  readonly loss: number;
  readonly accuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly weights: readonly WeightTrace[];
  /** Share of all gradients' elements that are exactly 0. */
  readonly zeros: number;
  /** For each layer of tanh or sigmoid, the share of its inputs beyond what the rule calls saturated. */
  readonly saturated: readonly number[];
}

export interface Trace {
  /** Before the first step, when losses and accuracies are not looked at. */
  readonly start: Look;
  /** After each epoch. */
  readonly epochs: readonly Look[];
  readonly totalEpochs: number;
  /** Whether a loss or gradient was not finite. */
  readonly broke: boolean;
}

const finite = ({ loss, weights }: Look): boolean =>
  Number.isFinite(loss) && weights.every(({ norm }) => Number.isFinite(norm));

/** Largest gain from one epoch to the next. */
const largestGain = (values: readonly number[]): number => Math.max(0, ...values.slice(1).map((v, i) => v - values[i]));

/** Peak minus trough ≥ 0.03 in at least 20 % of the epochs (its `ol_judge`). */
function oscillates(accuracies: readonly number[]): boolean {
  const inner = accuracies.slice(1, -1).map((a, i) => ({ before: accuracies[i], at: a, after: accuracies[i + 2] }));
  const peaks = inner.filter(({ before, at, after }) => at >= before && at >= after);
  const troughs = inner.filter(({ before, at, after }) => at <= before && at <= after);
  const count = peaks.slice(0, troughs.length).filter(({ at }, i) => at - troughs[i].at >= 0.03).length;
  return count >= 0.2 * accuracies.length;
}

/**
 * AUTOTRAINER (Zhang et al., ICSE 2021) with the defaults of its published code: Θ 0.7, β 1e-3, 1e-4 and 70, γ 0.7, δ 0.01,
 * ζ 0.03, η 0.2. It looks after every epoch; once 30 % of them are over, a run below Θ, or without any gain, is searched
 * for dying ReLU, exploding, vanishing and slow convergence, and another for oscillation.
 * @returns the symptom that it stops at
 */
export function autotrainer({ epochs, totalEpochs, broke }: Trace): string | undefined {
  const seen = { relu: false, explode: false, vanish: false };
  for (const [i, look] of epochs.entries()) {
    if (!finite(look) || look.testLoss >= 1e5) return "explode";
    const [first, last] = [look.weights[0], look.weights.at(-1) ?? look.weights[0]];
    const ratio = first.norm / last.norm;
    seen.vanish ||= ratio < 1e-3 && first.norm < 1e-4;
    seen.explode ||= ratio > 70;
    seen.relu ||= look.zeros >= 0.7;
    if (i + 1 < 0.3 * totalEpochs) continue;
    const past = epochs.slice(0, i + 1);
    const [train, test] = [past.map((l) => l.accuracy), past.map((l) => l.testAccuracy)];
    const slow = largestGain(train) < 0.01 && largestGain(test) < 0.01;
    if (slow || Math.max(...train) < 0.7 || Math.max(...test) < 0.7) {
      if (seen.relu) return "relu";
      if (seen.explode) return "explode";
      if (seen.vanish) return "vanish";
      if (slow) return "not_converge";
    } else if (oscillates(train)) return "unstable";
  }
  return broke ? "explode" : undefined;
}

/** Inputs at which SageMaker Debugger's SaturatedActivation calls a unit saturated, by its defaults. */
export const saturation = { tanh: [-9.4999, 9.4999], sigmoid: [-23, 16.99999] } as const;

/**
 * SageMaker Debugger's built-in rules with their defaults: VanishingGradient (mean size < 1e-7), ExplodingTensor,
 * SaturatedActivation (half of a layer), PoorWeightInitialization (variances of layers 10 times apart), WeightUpdateRatio
 * (> 10 or < 1e-8).
 * @returns the first rule that fires
 */
export function sagemaker({ start, epochs, broke }: Trace): string | undefined {
  const variances = start.weights.map(({ variance }) => variance);
  if (Math.max(...variances) > 10 * Math.min(...variances)) return "PoorWeightInitialization";
  for (const look of [start, ...epochs]) {
    if (look.weights.some(({ norm }) => !Number.isFinite(norm)) || Number.isNaN(look.loss)) return "ExplodingTensor";
    if (look.weights.some(({ meanSize }) => meanSize < 1e-7)) return "VanishingGradient";
    if (look.saturated.some((share) => share > 0.5)) return "SaturatedActivation";
    if (look.weights.some(({ update }) => update > 10 || update < 1e-8)) return "WeightUpdateRatio";
  }
  return broke ? "ExplodingTensor" : undefined;
}
