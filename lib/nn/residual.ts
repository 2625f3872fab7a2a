/** The residual connection. */
import { checkNumber, checkOptions, fail } from "../error.js";
import { full } from "../ops/index.js";
import { requireTensor } from "../ops/map.js";
import { sameShape, showShape } from "../shape.js";
import { type Tensor, Variable } from "../tensor.js";
import { checkModule, Module } from "./module.js";

/** Options of {@link Residual}. */
export interface ResidualOptions {
  /** α, or what it begins with if it is learned; 1. */
  scale?: number;
  /** Whether α is a parameter; false. With scale 0 this is ReZero (Bachlechner et al. 2020). */
  learned?: boolean;
}

/**
 * x + α·f(x) for a module f that keeps the shape of its input (He et al. 2016).
 * @throws if f changes the shape
 * @example const block = new nn.Residual(new nn.Sequential(new nn.Linear(64, 64), new nn.ReLU()), { scale: 0, learned: true });
 * block.namedParameters().map(([name]) => name) // ["scale", "f.0.weight", "f.0.bias"]
 */
export class Residual extends Module {
  readonly scale: number | Variable;

  constructor(
    readonly f: Module,
    options: ResidualOptions = {},
  ) {
    super();
    checkModule("Residual", "f", f);
    checkOptions("Residual", options, ["scale", "learned"]);
    const { scale = 1, learned = false } = options;
    checkNumber("Residual", "scale", scale);
    this.scale = learned ? new Variable(full([], scale), { label: "scale" }) : scale;
  }

  forward(x: Tensor): Tensor {
    requireTensor("Residual", "the input", x);
    const y = this.f.forward(x);
    if (!sameShape(y.shape, x.shape)) {
      fail("Residual", `f must keep the shape of its input, got ${showShape(x.shape)} to ${showShape(y.shape)}`);
    }
    return x.add(this.scale === 1 ? y : y.mul(this.scale));
  }
}
