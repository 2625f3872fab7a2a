/** One learned number that is added to everything. */
import { zeros } from "../ops/index.js";
import { requireTensor } from "../ops/map.js";
import { type Tensor, Variable } from "../tensor.js";
import { Module } from "./module.js";

/**
 * x + b for one learned number b, which begins with 0. Residual branches without norm have one before each layer and
 * activation, and a learned scale (Fixup, Zhang et al. 2019): see `init.fixup`.
 * @example const [f, options] = [new nn.Sequential(new nn.Bias(), new nn.Linear(64, 64, { bias: false })), { learned: true }];
 * new nn.Residual(f, options).namedParameters().map(([name]) => name) // ["scale", "f.0.bias", "f.1.weight"]
 */
export class Bias extends Module {
  readonly bias = new Variable(zeros([]), { label: "bias" });

  forward(x: Tensor): Tensor {
    requireTensor("Bias", "the input", x);
    return x.add(this.bias);
  }
}
