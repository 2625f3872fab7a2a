/** Activations as modules: each is the op of its name, with that op's arguments. */
import { checkNumber, checkOptions, fail, show } from "../error.js";
import * as ops from "../ops/index.js";
import { requireTensor } from "../ops/map.js";
import { showShape } from "../shape.js";
import { type Tensor, Variable } from "../tensor.js";
import { Module } from "./module.js";

/** A module of an activation. */
interface Activation<A extends unknown[]> extends Module {
  /** What it was made with. */
  readonly args: A;
  forward(x: Tensor): Tensor;
}

/** A module of a function whose arguments are fixed when it is made. */
function activation<A extends unknown[]>(apply: (x: Tensor, ...args: A) => Tensor): new (...args: A) => Activation<A> {
  return class extends Module {
    readonly args: A;

    constructor(...args: A) {
      super();
      this.args = args;
      // Arguments are refused here, not at the first forward; no axis is out of range for eight.
      apply(ops.zeros([1, 1, 1, 1, 1, 1, 1, 1]), ...args);
    }

    forward(x: Tensor): Tensor {
      return apply(x, ...this.args);
    }
  };
}

/** Which GELU: `"none"` is exact, `"tanh"` an approximation. */
export interface GELUOptions {
  approximate?: "none" | "tanh";
}

function geluOf(x: Tensor, options: GELUOptions = {}): Tensor {
  checkOptions("GELU", options, ["approximate"]);
  const { approximate = "none" } = options;
  if (approximate !== "none" && approximate !== "tanh") {
    fail("GELU", `approximate must be "none" or "tanh", got ${show(approximate)}`);
  }
  return approximate === "tanh" ? ops.geluTanh(x) : ops.gelu(x);
}

/** 1/(1 + e^−x). */
export class Sigmoid extends activation(ops.sigmoid) {}
/** Hyperbolic tangent. */
export class Tanh extends activation(ops.tanh) {}
/** max(x, 0). */
export class ReLU extends activation(ops.relu) {}
/** x where positive, slope·x elsewhere; `new LeakyReLU(slope = 0.01)`. */
export class LeakyReLU extends activation(ops.leakyRelu) {}
/** x where positive, α(eˣ − 1) elsewhere; `new ELU(alpha = 1)`. */
export class ELU extends activation(ops.elu) {}
/** Scaled ELU that keeps mean 0 and variance 1, with LeCun normal weights. */
export class SELU extends activation(ops.selu) {}
/** ELU with a continuous derivative; `new CELU(alpha = 1)`. */
export class CELU extends activation(ops.celu) {}
/** x·σ(x), also called Swish. */
export class SiLU extends activation(ops.silu) {}
/** x·Φ(x); `new GELU({ approximate: "none" | "tanh" })`, exact unless told. */
export class GELU extends activation(geluOf) {}
/** ln(1 + eˣ). */
export class Softplus extends activation(ops.softplus) {}
/** x/(1 + |x|). */
export class Softsign extends activation(ops.softsign) {}
/** x·tanh(softplus x). */
export class Mish extends activation(ops.mish) {}
/** clamp((x + 3)/6, 0, 1). */
export class HardSigmoid extends activation(ops.hardSigmoid) {}
/** x·hardSigmoid(x). */
export class HardSwish extends activation(ops.hardSwish) {}
/** ln σ(x). */
export class LogSigmoid extends activation(ops.logSigmoid) {}
/** x limited to [min, max]; `new Hardtanh(min = −1, max = 1)`. */
export class Hardtanh extends activation(ops.hardtanh) {}
/** eˣ/Σeˣ; `new Softmax(axis = −1)`. */
export class Softmax extends activation(ops.softmax) {}
/** ln softmax; `new LogSoftmax(axis = −1)`. */
export class LogSoftmax extends activation(ops.logSoftmax) {}

export { SiLU as Swish };

/**
 * x where positive, slope·x elsewhere, with a learned slope: one for all (`channels` 1) or one for each channel, which
 * is axis 1, or the last axis of fewer (He et al. 2015).
 * @param channels 1
 * @param options `slope`: what it begins with; 0.25
 * @throws if the input has other channels
 * @example const act = new nn.PReLU(16);
 * act.forward(zeros([64, 16, 8])).shape // [64, 16, 8]
 */
export class PReLU extends Module {
  readonly weight: Variable;

  constructor(
    readonly channels = 1,
    options: { slope?: number } = {},
  ) {
    super();
    checkNumber("PReLU", "channels", channels, { min: 1, integer: true });
    checkOptions("PReLU", options, ["slope"]);
    const { slope = 0.25 } = options;
    checkNumber("PReLU", "slope", slope);
    this.weight = new Variable(ops.full([channels], slope), { label: "weight" });
  }

  forward(x: Tensor): Tensor {
    requireTensor("PReLU", "the input", x);
    const axis = Math.min(1, x.rank - 1);
    if (this.channels !== 1 && x.shape[axis] !== this.channels) {
      fail("PReLU", `the input must have ${this.channels} channels on axis ${axis}, got ${showShape(x.shape)}`);
    }
    return x.prelu(this.weight);
  }
}
