/** Extreme singular values of a model's Jacobian, and the largest curvature of its loss, by products with vectors alone. */
import { grad } from "../grad.js";
import { arange, type Generator, randn, zeros } from "../ops/index.js";
import { prepare } from "../run/index.js";
import { type Tensor, Variable } from "../tensor.js";

/** Of the Jacobian of one row's output with respect to that row. */
export interface JacobianSpectrum {
  readonly largest: number;
  readonly smallest: number;
  /** largest/smallest; a lower bound unless `exact`. */
  readonly condition: number;
  /** Whether all singular values were found, or only those that so many steps of Lanczos reach. */
  readonly exact: boolean;
}

const unit = (v: Tensor): Tensor => v.mul(v.square().sum().add(1e-37).rsqrt());

/** x less its part in the span of orthonormal rows (or zeros), twice, for orthogonality to the last bits. */
function off(rows: Tensor, x: Tensor): Tensor {
  let y = x;
  for (let pass = 0; pass < 2; pass++) y = y.sub(rows.transpose().matmul(rows.matmul(y)));
  return y;
}

/**
 * Golub–Kahan–Lanczos bidiagonalization with full reorthogonalization: J·V = U·B, where B has α on its diagonal and β above
 * it, and the extreme singular values of B approach those of J. All steps are one native call; J·v is the derivative of
 * the linear map u ↦ Jᵀu.
 * @param y (N, …) made from `x` (N, …), of which the first rows count
 */
export async function jacobian(x: Tensor, y: Tensor, generator: Generator, most = 32): Promise<JacobianSpectrum> {
  const row = y.slice([0, 1]);
  const [n, m] = [x.size / x.shape[0], row.size];
  const steps = Math.min(n, m, most);
  const variable = (first: Tensor, label: string) => new Variable(first, { label, trainable: false });
  const cotangent = variable(zeros([m]), "cotangent");
  const pull = (u: Tensor): Tensor => grad(row, [x], u.reshape(row.shape))[0].slice([0, 1]).reshape([n]);
  const push = (to: Tensor): Tensor => grad(pull(cotangent).mul(to).sum(), [cotangent])[0];
  // From the shorter side, so that min(n, m) steps reach all singular values.
  const [there, back] = n <= m ? [push, pull] : [pull, push];
  const v = variable(unit(randn([Math.min(n, m)], { generator })), "v");
  const [left, right] = [variable(zeros([steps, Math.max(n, m)]), "U"), variable(zeros([steps, v.size]), "V")];
  const step = variable(zeros([1], "i32"), "step");
  const here = arange(0, steps, 1, "i32").equal(step).cast("f32").reshape([steps, 1]);
  const known = right.add(here.mul(v));
  const ju = off(left, there(v));
  const alpha = ju.square().sum().sqrt();
  const u = unit(ju);
  const jv = off(known, back(u));
  const beta = jv.square().sum().sqrt();
  const effects = [
    { variable: v, value: unit(jv) },
    { variable: left, value: left.add(here.mul(u)) },
    { variable: right, value: known },
    { variable: step, value: step.add(1) },
  ];
  const { prepared } = await prepare({ outputs: [alpha, beta], effects });
  const { outputs } = await prepared.run({ steps });
  return extremes([...outputs[0]], [...outputs[1]], Math.min(n, m));
}

/** Singular values of an upper bidiagonal matrix at its ends, by bisection on BᵀB (Sturm's count). */
function extremes(alpha: number[], beta: number[], full: number): JacobianSpectrum {
  // A β that is nothing beside the rest ends the process: what follows is noise.
  const floor = 1e-6 * Math.max(...alpha, ...beta);
  const ends = beta.findIndex((b) => !(b > floor));
  const size = ends < 0 ? alpha.length : ends + 1;
  const diagonal = Array.from({ length: size }, (_, i) => alpha[i] ** 2 + (i ? beta[i - 1] ** 2 : 0));
  const beside = Array.from({ length: size - 1 }, (_, i) => alpha[i] * beta[i]);
  if (!diagonal.every(Number.isFinite)) {
    return { largest: Number.NaN, smallest: Number.NaN, condition: Number.NaN, exact: false };
  }
  /** How many eigenvalues lie below λ. */
  const below = (lambda: number): number => {
    let count = 0;
    let pivot = 1;
    for (let i = 0; i < size; i++) {
      pivot = diagonal[i] - lambda - (i ? beside[i - 1] ** 2 / pivot : 0);
      if (pivot === 0) pivot = -1e-300;
      if (pivot < 0) count++;
    }
    return count;
  };
  const top = 2 * Math.max(...diagonal.map((d, i) => d + (beside[i] ?? 0) + (beside[i - 1] ?? 0)), 1e-300);
  const eigenvalue = (index: number): number => {
    let [low, high] = [0, top];
    for (let i = 0; i < 100; i++) {
      const middle = (low + high) / 2;
      if (below(middle) > index) high = middle;
      else low = middle;
    }
    return (low + high) / 2;
  };
  const [smallest, largest] = [Math.sqrt(eigenvalue(0)), Math.sqrt(eigenvalue(size - 1))];
  return { largest, smallest, condition: largest / smallest, exact: size === full };
}

/** The curvature of a loss in its steepest direction. */
export interface HessianSpectrum {
  /** The eigenvalue of largest size. */
  readonly largest: number;
  /** Gradient descent with a larger rate than 2/largest runs away from the start; Infinity where there is no curvature. */
  readonly learningRate: number;
}

/** Power iteration, all steps in one native call; H·v is the derivative of g·v. */
export async function hessian(
  loss: Tensor,
  params: readonly Variable[],
  generator: Generator,
  steps = 24,
): Promise<HessianSpectrum> {
  const add = (list: readonly Tensor[]): Tensor => list.reduce((a, b) => a.add(b));
  const vs = params.map((p) => new Variable(randn(p.shape, { generator }), { label: "v", trainable: false }));
  const products = (a: readonly Tensor[], b: readonly Tensor[]): Tensor => add(a.map((t, i) => t.mul(b[i]).sum()));
  const hv = grad(products(grad(loss, params), vs), params);
  const largest = products(hv, vs).div(products(vs, vs));
  const scale = products(hv, hv).add(1e-37).rsqrt();
  const effects = vs.map((variable, i) => ({ variable, value: hv[i].mul(scale) }));
  const { prepared } = await prepare({ outputs: [largest], effects });
  const { outputs } = await prepared.run({ steps });
  const value = outputs[0][steps - 1];
  return { largest: value, learningRate: value > 0 ? 2 / value : value <= 0 ? Infinity : Number.NaN };
}
