/** Initializers that scale the variance by the fans: variance scaling in general, and Xavier, He and LeCun by name. */
import { fail, show } from "../error.js";
import { type Generator, rand, randn, truncatedNormal } from "../ops/index.js";
import { checkShape, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { truncation } from "./basic.js";
import { checkFans, type Fans, fansOf } from "./fans.js";
import { checkGain, checkInitOptions, generatorOf, type InitOptions } from "./initializer.js";

/** Which fan divides the variance: fanIn keeps activations, fanOut gradients, fanAvg their mean. */
export type FanMode = "fanIn" | "fanOut" | "fanAvg";

/** What a draw of a given variance is like. */
export type Distribution = "uniform" | "normal" | "truncatedNormal";

/** Options of the initializers whose variance is gain²/fan. */
export interface ScalingOptions extends InitOptions {
  /** Makes up for what the activation takes away: √2 for ReLU, 1 for none; see `init.gain`. */
  gain?: number;
  mode?: FanMode;
  distribution?: Distribution;
  /** For weights that are not stored as (out, in, …kernel). */
  fans?: Fans;
}

const divisors: Readonly<Record<FanMode, (fans: Fans) => number>> = {
  fanIn: ({ fanIn }) => fanIn,
  fanOut: ({ fanOut }) => fanOut,
  fanAvg: ({ fanIn, fanOut }) => (fanIn + fanOut) / 2,
};

/** Mean 0 and a standard deviation; a uniform draw on ±b has variance b²/3. */
const draws: Readonly<Record<Distribution, (shape: Shape, std: number, generator?: Generator) => Tensor>> = {
  uniform: (shape, std, generator) => {
    const bound = Math.sqrt(3) * std;
    return rand(shape, { low: -bound, high: bound, generator });
  },
  normal: (shape, std, generator) => randn(shape, { std, generator }),
  truncatedNormal: (shape, std, generator) => truncatedNormal(shape, { std: std / truncation, generator }),
};

const quoted = (names: object): string =>
  Object.keys(names)
    .map(show)
    .join(", ")
    .replace(/, ([^,]*)$/, " or $1");

/** An initializer of mean 0 and variance gain²/fan with defaults of its own. */
function scaling(
  name: string,
  defaults: Required<Pick<ScalingOptions, "gain" | "mode" | "distribution">>,
): (shape: Shape, options?: ScalingOptions) => Tensor {
  const op = `init.${name}`;
  return (shape, options = {}) => {
    checkInitOptions(op, options, ["gain", "mode", "distribution", "fans"]);
    const { gain = defaults.gain, mode = defaults.mode, distribution = defaults.distribution } = options;
    checkGain(op, gain);
    if (!Object.hasOwn(divisors, mode)) fail(op, `mode must be ${quoted(divisors)}, got ${show(mode)}`);
    if (!Object.hasOwn(draws, distribution)) {
      fail(op, `distribution must be ${quoted(draws)}, got ${show(distribution)}`);
    }
    const to = checkShape(op, shape);
    const fan = divisors[mode](options.fans === undefined ? fansOf(op, to) : checkFans(op, options.fans));
    return draws[distribution](to, gain / Math.sqrt(fan), generatorOf(op, options));
  };
}

/**
 * Variance gain²/fan: gain 1, mode fanIn and a normal draw unless told. (Keras' `scale` is gain².) The other initializers
 * of this family are this one with other defaults.
 * @example const w = init.varianceScaling([64, 784], { gain: init.gain("silu"), distribution: "uniform" });
 * await w.std().item() // about 0.0599
 */
export const varianceScaling = scaling("varianceScaling", { gain: 1, mode: "fanIn", distribution: "normal" });

/**
 * Uniform on ±gain·√(6/(fanIn + fanOut)), gain 1: for tanh and sigmoid (Glorot & Bengio 2010, eq. 16).
 * @example const layer = new nn.Linear(784, 512, { weightInit: init.xavierUniform });
 * await layer.weight.abs().max().item() // just under 0.068
 */
export const xavierUniform = scaling("xavierUniform", { gain: 1, mode: "fanAvg", distribution: "uniform" });

/**
 * Normal of variance gain²·2/(fanIn + fanOut), gain 1: for tanh and sigmoid (Glorot & Bengio 2010, eq. 12).
 * @example const layer = new nn.Linear(784, 512, { weightInit: init.xavierNormal });
 * await layer.weight.std().item() // about 0.0393
 */
export const xavierNormal = scaling("xavierNormal", { gain: 1, mode: "fanAvg", distribution: "normal" });

/**
 * Uniform on ±gain·√(3/fanIn), gain √2: for ReLU and its kin (He et al. 2015).
 * @example const layer = new nn.Linear(784, 512, { weightInit: init.heUniform });
 * await layer.weight.abs().max().item() // just under 0.0875
 */
export const heUniform = scaling("heUniform", { gain: Math.SQRT2, mode: "fanIn", distribution: "uniform" });

/**
 * Normal of variance gain²/fanIn, gain √2: for ReLU and its kin, and the default of `nn.Linear` (He et al. 2015, eq. 10).
 * @example const layer = new nn.Linear(784, 512, { weightInit: init.heNormal });
 * await layer.weight.std().item() // about 0.0505
 */
export const heNormal = scaling("heNormal", { gain: Math.SQRT2, mode: "fanIn", distribution: "normal" });

/**
 * Uniform on ±gain·√(3/fanIn), gain 1: for SELU and linear layers (LeCun et al. 1998).
 * @example const layer = new nn.Linear(784, 512, { weightInit: init.lecunUniform });
 * await layer.weight.abs().max().item() // just under 0.0619
 */
export const lecunUniform = scaling("lecunUniform", { gain: 1, mode: "fanIn", distribution: "uniform" });

/**
 * Normal of variance gain²/fanIn, gain 1: for SELU and linear layers (LeCun et al. 1998, eq. 16).
 * @example const layer = new nn.Linear(784, 512, { weightInit: init.lecunNormal });
 * await layer.weight.std().item() // about 0.0357
 */
export const lecunNormal = scaling("lecunNormal", { gain: 1, mode: "fanIn", distribution: "normal" });

export {
  /** {@link heNormal} by PyTorch's name. */
  heNormal as kaimingNormal,
  /** {@link heUniform} by PyTorch's name. */
  heUniform as kaimingUniform,
  /** {@link xavierNormal} by Keras' name. */
  xavierNormal as glorotNormal,
  /** {@link xavierUniform} by Keras' name. */
  xavierUniform as glorotUniform,
};
