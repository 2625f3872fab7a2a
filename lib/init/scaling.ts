/** Initializers that scale the variance by the fans: Xavier, He and LeCun. */
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { rand, randn } from "../ops/index.js";
import { checkShape, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkFans, type Fans, fans as fansOf } from "./fans.js";
import type { InitOptions } from "./initializer.js";

/** Which fan divides the variance: fanIn keeps activations, fanOut gradients, fanAvg their mean. */
export type FanMode = "fanIn" | "fanOut" | "fanAvg";

/** Options of the initializers whose variance is gain²/fan. */
export interface ScalingOptions extends InitOptions {
  /** Makes up for what the activation takes away: √2 for ReLU, 1 for none. */
  gain?: number;
  mode?: FanMode;
  /** For weights that are not stored as (out, in, …kernel). */
  fans?: Fans;
}

interface Scaling {
  gain: number;
  mode: FanMode;
  distribution: "uniform" | "normal";
}

const divisors: Readonly<Record<FanMode, (fans: Fans) => number>> = {
  fanIn: ({ fanIn }) => fanIn,
  fanOut: ({ fanOut }) => fanOut,
  fanAvg: ({ fanIn, fanOut }) => (fanIn + fanOut) / 2,
};

/** Mean 0 and variance gain²/fan; a uniform draw on ±b has variance b²/3. */
function scaling(name: string, defaults: Scaling): (shape: Shape, options?: ScalingOptions) => Tensor {
  const op = `init.${name}`;
  return (shape, options = {}) => {
    checkOptions(op, options, ["gain", "mode", "generator", "fans"]);
    const { gain = defaults.gain, mode = defaults.mode, generator } = options;
    checkNumber(op, "gain", gain, { min: 0, max: Number.MAX_VALUE });
    if (!Object.hasOwn(divisors, mode)) fail(op, `mode must be "fanIn", "fanOut" or "fanAvg", got ${show(mode)}`);
    const to = checkShape(op, shape);
    const fan = divisors[mode](options.fans === undefined ? fansOf(to) : checkFans(options.fans));
    const std = gain / Math.sqrt(fan);
    if (defaults.distribution === "normal") return randn(to, { std, generator });
    const bound = Math.sqrt(3) * std;
    return rand(to, { low: -bound, high: bound, generator });
  };
}

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
 * Normal of variance gain²/fanIn, gain 1: for SELU and linear layers (LeCun et al. 1998, eq. 16).
 * @example const layer = new nn.Linear(784, 512, { weightInit: init.lecunNormal });
 * await layer.weight.std().item() // about 0.0357
 */
export const lecunNormal = scaling("lecunNormal", { gain: 1, mode: "fanIn", distribution: "normal" });
