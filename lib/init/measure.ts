/** What a batch does at each weight of a traced model, forward and back, as tensors and as numbers. */
import type { TypedArray } from "../dtype.js";
import { grad } from "../grad.js";
import { ones } from "../ops/index.js";
import { channelMoments } from "../ops/normalize.js";
import { read } from "../run/index.js";
import type { Tensor } from "../tensor.js";
import { inputAxes } from "./calibrate.js";
import { depthScaleOf } from "./meanField.js";
import { predict, type WeightMoments } from "./predict.js";
import { joined, known, type Reading, rootMeanSquares } from "./reading.js";
import type { Structure, WeightUse } from "./structure.js";
import type { Finding } from "./verdict.js";

/** Signal and gradient at one weighted sum. */
export interface SiteNumbers {
  /** Of the sums over the batch. */
  readonly mean: number;
  readonly variance: number;
  /** Second moment of the sums. */
  readonly second: number;
  /** Second moment of the loss's gradient with respect to the sums. */
  readonly gradient: number;
  /** Share of units whose activation has slope 0 for every row. */
  readonly dead: number;
  /** Share of activations whose slope is below 0.05 in size. */
  readonly saturated: number;
}

/** Slopes below this in size pass next to no gradient. */
const flat = 0.05;

function shareOfZeros(values: ArrayLike<number>): number {
  let zeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++;
  return zeros / values.length;
}

type Slope = Pick<SiteNumbers, "dead" | "saturated">;
type Moments = Pick<SiteNumbers, "mean" | "second" | "variance">;

const decodeSlope = ([steepest, few]: readonly TypedArray[]): Slope => ({
  dead: shareOfZeros(steepest),
  saturated: few[0],
});
const linear = known<Slope>({ dead: 0, saturated: 0 });

/** How the activation after a sum slopes: a unit is dead where its largest slope is 0. */
function slopeAfter({ through }: WeightUse): Reading<Slope> {
  if (!through) return linear;
  const { from, output } = through;
  const slope = grad(output, [from], ones(output.shape))[0].abs();
  return { tensors: [slope.max({ axes: 0 }), slope.less(flat).mean()], decode: decodeSlope };
}

function decodeMoments([[mean], [variance]]: readonly TypedArray[]): Moments {
  return { mean, variance, second: variance + mean ** 2 };
}

/** The moments of a sum. */
function sumMoments({ sum }: WeightUse): Reading<Moments> {
  const { mean, variance } = channelMoments(sum.reshape([1, 1, sum.size]));
  return { tensors: [mean, variance], decode: decodeMoments };
}

export const sumOf = ({ sum }: WeightUse): Tensor => sum;

/**
 * The loss's gradient with respect to each sum.
 * @param made its gradients that there are already
 */
export function sumGradients(
  loss: Tensor,
  uses: readonly WeightUse[],
  made?: ReadonlyMap<Tensor, Tensor>,
): readonly Tensor[] {
  const gradients: Tensor[] = [];
  for (const { sum } of uses) {
    const gradient = made?.get(sum);
    if (!gradient) return grad(loss, uses.map(sumOf));
    gradients.push(gradient);
  }
  return gradients;
}

/**
 * The numbers of each use, by as few tensors as will do: every one of them costs each look.
 * @param gradients of the loss with respect to each sum
 */
export function sitesReading(uses: readonly WeightUse[], gradients: readonly Tensor[]): Reading<SiteNumbers[]> {
  const { tensors, decode } = joined(
    joined(...uses.map(sumMoments)),
    joined(...uses.map(slopeAfter)),
    rootMeanSquares(gradients),
  );
  return {
    tensors,
    decode: (values) => {
      const [sums, slope, rms] = decode(values);
      const sites: SiteNumbers[] = [];
      for (let i = 0; i < uses.length; i++) sites.push({ ...sums[i], ...slope[i], gradient: rms[i] ** 2 });
      return sites;
    },
  };
}

/** How alike rows and units are, and the moments of weight and bias that mean-field theory asks for. */
function moreTensors(use: WeightUse): Tensor[] {
  const a = use.through?.output ?? use.sum;
  const flat = a.reshape([a.shape[0], a.size / a.shape[0]]);
  const lengths = flat.square().sum({ axes: 1, keepDims: true });
  const directions = flat.mul(lengths.add(1e-37).rsqrt());
  const n = lengths.greater(0).cast("f32").sum(); // rows that have a direction
  const { weight, bias, sum } = use;
  const rows = weight.sum({ axes: inputAxes(use) });
  const same = bias !== undefined && bias.size === rows.size;
  return [
    n.greater(1).where(
      directions
        .sum({ axes: 0 })
        .square()
        .sum()
        .sub(n)
        .div(n.mul(n.sub(1))),
      Number.NaN,
    ),
    sum.mean({ axes: 0 }).square().mean().sqrt(),
    weight.square().mean().mul(use.fans.fanIn),
    bias ? bias.square().mean() : rows.mean().mul(0),
    bias && same ? bias.reshape(rows.shape).mul(rows).mean() : rows.mean().mul(0),
    rows.square().mean(),
  ];
}

/** Least-squares slope of ln values over their index; what is not positive and finite is left out. */
function logSlope(values: readonly number[]): number {
  const [at, logs]: [number[], number[]] = [[], []];
  let [mx, my] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!(value > 0 && Number.isFinite(value))) continue;
    at.push(i);
    logs.push(Math.log(value));
    mx += i;
    my += logs[logs.length - 1];
  }
  const n = at.length;
  mx /= n;
  my /= n;
  let [xy, xx] = [0, 0];
  for (let k = 0; k < n; k++) {
    xy += (at[k] - mx) * (logs[k] - my);
    xx += (at[k] - mx) ** 2;
  }
  return n > 1 ? xy / xx : 0;
}

/** How signal and gradient change from hidden layer to hidden layer. */
export interface Slopes {
  /** Slope of ln variance per layer, forward, and of ln squared gradient per layer on the way back. */
  readonly forwardSlope: number;
  readonly backwardSlope: number;
}

/** The slopes of layers in the order in which they are used; heads do not count. */
export function slopesThrough(
  layers: readonly { readonly head: boolean; readonly variance: number; readonly gradient: number }[],
): Slopes {
  const [variances, gradients]: [number[], number[]] = [[], []];
  for (const { head, variance, gradient } of layers) {
    if (head) continue;
    variances.push(variance);
    gradients.push(gradient);
  }
  return { forwardSlope: logSlope(variances), backwardSlope: logSlope(gradients.reverse()) };
}

/** What {@link measure} finds. */
export interface Measured extends Slopes {
  readonly findings: readonly Finding[];
  /** Values of the other tensors that were asked for. */
  readonly values: readonly (readonly number[])[];
}

/**
 * Reads every weight's numbers in one run.
 * @param x what the model was traced from
 * @param given whether `x` is the caller's, or drawn from N(0, 1)
 * @param others more tensors to read in the same run
 */
export async function measure(
  structure: Structure,
  x: Tensor,
  given: boolean,
  loss: Tensor,
  others: readonly Tensor[] = [],
): Promise<Measured> {
  const { uses } = structure;
  const sites = sitesReading(uses, sumGradients(loss, uses));
  const groups = uses.map(moreTensors);
  const own = [x.square().mean(), x.mean(), ...groups.flat()];
  const all = await read([...own, ...sites.tensors, ...others]);
  const [[square], [mean], ...more] = all.slice(0, own.length).map((values) => [...values]);
  const numbers = sites.decode(all.slice(own.length, own.length + sites.tensors.length));
  const perUse = groups[0]?.length ?? 0;
  const at = (i: number): number[] => more.slice(i * perUse, (i + 1) * perUse).map(([v]) => v);
  const moments = new Map<WeightUse, WeightMoments>(
    uses.map((use, i) => {
      const [weightVariance, bias, cross, rowSum] = at(i).slice(2);
      return [use, { weightVariance, bias, cross, rowSum }];
    }),
  );
  const predictions = predict(structure, { node: x, square, mean: given ? mean : 0 }, moments);
  const findings = uses.map((use, i): Finding => {
    const { second, ...site } = numbers[i];
    const [correlation, unitMean] = at(i);
    const { q, chi } = predictions.get(use) ?? { q: Number.NaN, chi: Number.NaN };
    return {
      path: use.path,
      layer: use.layer,
      activation: use.through?.name,
      shape: use.sum.shape,
      ...site,
      correlation,
      unitMean: unitMean / Math.sqrt(second),
      predicted: { q, chi, depthScale: depthScaleOf(chi) },
      head: use.meets === "head",
      branch: use.block !== undefined,
    };
  });
  return {
    findings,
    ...slopesThrough(findings),
    values: all.slice(own.length + sites.tensors.length).map((values) => [...values]),
  };
}
