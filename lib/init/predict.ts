/** Mean-field predictions for a model as it is: what each weighted sum's second moment should be, and χ. */
import { EvengradError } from "../error.js";
import type { Tensor } from "../tensor.js";
import { momentsOf } from "./activations.js";
import type { Elementwise, Moments } from "./quadrature.js";
import type { Structure, WeightUse } from "./structure.js";

/** Numbers of a weight that the theory asks for. */
export interface WeightMoments {
  /** E[w²]·fanIn. */
  readonly weightVariance: number;
  /** E[b²], E[b·Σw] and E[(Σw)²], the sums over a unit's inputs. */
  readonly bias: number;
  readonly cross: number;
  readonly rowSum: number;
}

/** What is predicted of one layer. */
export interface Prediction {
  /** Second moment of the sums. */
  readonly q: number;
  /** σ_w²·E[φ′²] with the next weight's σ_w² by fanOut: growth of the squared gradient on its way back to these sums. */
  readonly chi: number;
}

interface Signal {
  readonly square: number;
  readonly mean: number;
}

const unknown: Signal = { square: Number.NaN, mean: Number.NaN };

/** What a normal variable becomes, where the activation is finite for every number. */
function after(phi: Elementwise, q: number): Moments | undefined {
  try {
    return momentsOf("init.analyze", phi, q);
  } catch (error) {
    if (!(error instanceof EvengradError)) throw error;
    return undefined;
  }
}

/** Predicts in the order of use; NaN where the theory has no word for what is between two weights. */
export function predict(
  structure: Structure,
  input: { readonly node: Tensor; readonly square: number; readonly mean: number },
  weights: ReadonlyMap<WeightUse, WeightMoments>,
): Map<WeightUse, Prediction> {
  const known = new Map<Tensor, Signal>([[input.node, input]]);
  const normed = new Set(structure.norms.values());
  const predictions = new Map<WeightUse, Prediction>();

  const signalAt = (node: Tensor): Signal => {
    const found = known.get(node) ?? (normed.has(node) ? { square: 1, mean: 0 } : undefined);
    if (found) return found;
    const live = node.inputs.filter((i) => structure.live.has(i));
    const signals = live.map(signalAt);
    let result = unknown;
    if (node.op.name === "add" && live.length === 2) {
      const [a, b] = signals;
      result = { square: a.square + b.square + 2 * a.mean * b.mean, mean: a.mean + b.mean };
    } else if (live.length === 1 && node.inputs.length === 1 && node.op.kind !== "map") {
      result = signals[0];
    }
    known.set(node, result);
    return result;
  };

  const slopes = new Map<Tensor, { readonly use: WeightUse; readonly slope: number }>();
  /** The layer whose activation, or sum, a later one gets. */
  const sourceOf = (node: Tensor): { readonly use: WeightUse; readonly slope: number } | undefined => {
    for (let at = node; ; at = at.inputs[0]) {
      const found = slopes.get(at);
      if (found || at.inputs.length !== 1 || at.op.kind === "map") return found;
    }
  };
  for (const use of structure.uses) {
    const { square, mean } = signalAt(use.input);
    const { weightVariance, bias, cross, rowSum } = weights.get(use) as WeightMoments;
    // Σw(x − m) and b + mΣw are uncorrelated: q = σ_w²·Var[x] + E[(b + mΣw)²].
    const q = weightVariance * (square - mean ** 2) + bias + 2 * mean * cross + mean ** 2 * rowSum;
    predictions.set(use, { q, chi: Number.NaN });
    const source = sourceOf(use.input);
    if (source) {
      const chi = (source.slope * weightVariance * use.fans.fanOut) / use.fans.fanIn;
      predictions.set(source.use, { q: predictions.get(source.use)?.q ?? Number.NaN, chi });
    }
    const at = structure.norms.has(use.sum) ? 1 : q;
    if (!use.through) {
      known.set(use.sum, { square: q, mean: 0 });
      slopes.set(use.sum, { use, slope: 1 });
    } else if (at > 1e-30 && at < 1e30) {
      const moments = after(use.through.phi, at);
      if (!moments) continue;
      known.set(use.through.output, moments);
      slopes.set(use.through.output, { use, slope: moments.slope });
    }
  }
  return predictions;
}
