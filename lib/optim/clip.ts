/** Gradients on their way to an optimizer: measured, judged and limited, as part of the step's graph. */
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { norms as measure } from "../ops/index.js";
import type { Tensor } from "../tensor.js";

/** What happens when a loss or gradient is not finite. */
export type NonFinitePolicy = "skip" | "throw" | "zero";

/** Limits of one step. */
export interface StepOptions {
  /** Scales all gradients together so that their joint Euclidean norm is at most this. */
  clipGradNorm?: number;
  /** Scales each parameter's gradient by itself so that its norm is at most this. */
  clipLayerNorm?: number;
  /** Limits every element to ±this. */
  clipGradValue?: number;
  /**
   * Scales the gradient of each unit (each row of a matrix; of a vector, all of it) so that its norm is at most this share of
   * that of the unit's weights, which count as 0.001 at least (adaptive clipping, Brock et al. 2021; 0.01 there).
   */
  clipUnitRatio?: number;
  /**
   * `throw` (default): the step changes nothing and the error names the parameters; `skip`: the step changes nothing;
   * `zero`: non-finite elements count as 0 and the step is made.
   */
  nonFinite?: NonFinitePolicy;
}

export const stepOptionNames = [
  "clipGradNorm",
  "clipLayerNorm",
  "clipGradValue",
  "clipUnitRatio",
  "nonFinite",
] as const;

/** Those of some options that are limits of a step. */
export const stepOptionsOf = (options: StepOptions): StepOptions =>
  Object.fromEntries(stepOptionNames.map((name) => [name, options[name]]));

/** Refuses wrong limits. */
export function checkStepOptions(op: string, options: StepOptions): void {
  checkOptions(op, options, stepOptionNames);
  for (const name of ["clipGradNorm", "clipLayerNorm", "clipGradValue", "clipUnitRatio"] as const) {
    if (options[name] !== undefined) checkNumber(op, name, options[name], { above: 0 });
  }
  const { nonFinite = "throw" } = options;
  if (!["skip", "throw", "zero"].includes(nonFinite)) {
    fail(op, `nonFinite must be "skip", "throw" or "zero", got ${show(nonFinite)}`);
  }
}

export interface ClippedGradients {
  readonly grads: readonly Tensor[];
  /** Norm of each gradient as it came, (parameters). */
  readonly norms: Tensor;
  /** Joint norm of all gradients before clipping, a scalar. */
  readonly norm: Tensor;
  /** True if every gradient is fit for an update. */
  readonly fit: Tensor;
}

/**
 * Measures and clips gradients. Norms are accumulated in double precision, so gradients around 1e20 or 1e-25 are scaled
 * rather than lost (PyTorch's become 0).
 * @param params what the gradients are of
 * @param limit the largest norm, after clipping, that the optimizer's arithmetic can square in f32
 */
export function clipGradients(
  raw: readonly Tensor[],
  params: readonly Tensor[],
  options: StepOptions,
  limit: number,
): ClippedGradients {
  const norms = measure(raw);
  const zeroed = options.nonFinite === "zero";
  let grads = zeroed ? raw.map((g) => g.isFinite().where(g, 0)) : [...raw];
  const { clipGradValue, clipUnitRatio, clipLayerNorm, clipGradNorm } = options;
  if (clipGradValue !== undefined) grads = grads.map((g) => g.clamp({ min: -clipGradValue, max: clipGradValue }));
  const clean = zeroed || clipGradValue !== undefined ? measure(grads) : norms;
  let lengths = clean;
  if (clipUnitRatio !== undefined) {
    grads = grads.map((g, i) => clipUnits(g, params[i], clipUnitRatio));
    lengths = measure(grads);
  }
  if (clipLayerNorm !== undefined) {
    const factors = factor(lengths, clipLayerNorm);
    grads = grads.map((g, i) => g.mul(factors.slice(i)));
    lengths = lengths.mul(factors);
  }
  let most = lengths.max();
  if (clipGradNorm !== undefined) {
    const joint = jointFactor(lengths, most, clipGradNorm);
    grads = grads.map((g) => g.mul(joint));
    most = most.mul(joint);
  }
  const usable = most.less(limit); // not so if a norm is NaN
  const fit = zeroed ? usable : norms.max().isFinite().logicalAnd(usable);
  return { grads, norms, norm: (zeroed ? clean : norms).norm(), fit };
}

/** A gradient g of weights w, unit by unit. */
function clipUnits(g: Tensor, w: Tensor, ratio: number): Tensor {
  const axes = g.rank < 2 ? g.shape.map((_, axis) => axis) : g.shape.slice(1).map((_, i) => i + 1);
  const options = { axes, keepDims: true };
  const most = w.norm(options).clamp({ min: 1e-3 }).mul(ratio);
  const norm = g.norm(options);
  return g.mul(norm.greater(most).where(most.div(norm), 1));
}

/** min(1, limit/norm), and 1 for a norm of 0. */
const factor = (norm: Tensor, limit: number): Tensor => norm.greater(limit).where(norm.reciprocal().mul(limit), 1);

/** As {@link factor} of the joint norm, which is m·‖lengths/m‖ for the largest length m: alone it may overflow. */
function jointFactor(lengths: Tensor, most: Tensor, limit: number): Tensor {
  const rest = lengths.div(most).norm(); // NaN if all are 0: then nothing is greater
  return rest.greater(most.reciprocal().mul(limit)).where(most.reciprocal().mul(limit).div(rest), 1);
}
