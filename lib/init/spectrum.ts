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

/** An eigenvalue, the smallest of index 0, of a symmetric tridiagonal matrix: bisection on Sturm's count. */
function eigenvalue(diagonal: readonly number[], beside: readonly number[], index: number): number {
  /** How many lie below λ. */
  const below = (lambda: number): number => {
    let count = 0;
    let pivot = 1;
    for (const [i, d] of diagonal.entries()) {
      pivot = d - lambda - (i ? beside[i - 1] ** 2 / pivot : 0);
      if (pivot === 0) pivot = -1e-300;
      if (pivot < 0) count++;
    }
    return count;
  };
  const reach = diagonal.map((_, i) => Math.abs(beside[i] ?? 0) + Math.abs(beside[i - 1] ?? 0)); // Gershgorin
  let low = Math.min(...diagonal.map((d, i) => d - reach[i]));
  let high = Math.max(...diagonal.map((d, i) => d + reach[i]));
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (below(middle) > index) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/** Singular values of an upper bidiagonal matrix at its ends: roots of the eigenvalues of BᵀB. */
function extremes(alpha: number[], beta: number[], full: number): JacobianSpectrum {
  // A β that is nothing beside the rest ends the process: what follows is noise.
  const floor = 1e-6 * Math.max(...alpha, ...beta);
  const ends = beta.findIndex((b) => !(b > floor));
  const size = ends < 0 ? alpha.length : ends + 1;
  const diagonal = Array.from({ length: size }, (_, i) => alpha[i] ** 2 + (i ? beta[i - 1] ** 2 : 0));
  const beside = Array.from({ length: size - 1 }, (_, i) => alpha[i] * beta[i]);
  const root = (index: number): number => Math.sqrt(Math.max(0, eigenvalue(diagonal, beside, index)));
  if (!diagonal.every(Number.isFinite)) {
    return { largest: Number.NaN, smallest: Number.NaN, condition: Number.NaN, exact: false };
  }
  const [smallest, largest] = [root(0), root(size - 1)];
  return { largest, smallest, condition: largest / smallest, exact: size === full };
}

/** The curvature of a loss in the direction in which it bends up most. */
export interface HessianSpectrum {
  /** The largest eigenvalue. */
  readonly largest: number;
  /** Gradient descent with a larger rate than 2/largest runs away from the start; Infinity where nothing bends up. */
  readonly learningRate: number;
}

/**
 * Lanczos, all steps in one native call: H·V = V·T, where T has α on its diagonal and β beside it, and the largest
 * eigenvalue of T approaches that of H, whatever negative ones there are; H·v is the derivative of g·v. That rounding lets
 * the columns of V lose their orthogonality repeats eigenvalues, but moves none.
 */
export async function hessian(
  loss: Tensor,
  params: readonly Variable[],
  generator: Generator,
  most = 24,
): Promise<HessianSpectrum> {
  const steps = Math.min(
    most,
    params.reduce((sum, { size }) => sum + size, 0),
  );
  const add = (list: readonly Tensor[]): Tensor => list.reduce((a, b) => a.add(b));
  const dot = (a: readonly Tensor[], b: readonly Tensor[]): Tensor => add(a.map((t, i) => t.mul(b[i]).sum()));
  const variable = (first: Tensor) => new Variable(first, { label: "v", trainable: false });
  const next = params.map((p) => variable(randn(p.shape, { generator }))); // β·v, of the step to come
  const last = params.map((p) => variable(zeros(p.shape)));
  const beta = dot(next, next).add(1e-37).sqrt();
  const v = next.map((w) => w.div(beta));
  const hv = grad(dot(grad(loss, params), v), params);
  const z = hv.map((t, i) => t.sub(last[i].mul(beta)));
  const alpha = dot(z, v);
  const effects = params.flatMap((_, i) => [
    { variable: next[i], value: z[i].sub(v[i].mul(alpha)) },
    { variable: last[i], value: v[i] },
  ]);
  const { prepared } = await prepare({ outputs: [alpha, beta], effects });
  const { outputs } = await prepared.run({ steps });
  const largest = largestOf([...outputs[0]], [...outputs[1]].slice(1));
  return { largest, learningRate: largest > 0 ? 2 / largest : largest <= 0 ? Infinity : Number.NaN };
}

/** The largest eigenvalue of a tridiagonal matrix, as far as it hangs together: after a β that is nothing comes noise. */
function largestOf(alpha: readonly number[], beta: readonly number[]): number {
  if (![...alpha, ...beta].every(Number.isFinite)) return Number.NaN;
  const floor = 1e-6 * Math.max(...alpha.map(Math.abs), ...beta);
  const end = beta.findIndex((b) => !(b > floor));
  const size = end < 0 ? alpha.length : end + 1;
  return eigenvalue(alpha.slice(0, size), beta.slice(0, size - 1), size - 1);
}
