/** Dropout. */
import { checkNumber, checkOptions } from "../error.js";
import { bernoulli, type Generator } from "../ops/index.js";
import { requireTensor } from "../ops/map.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/**
 * In training sets each element to 0 with probability `p` and divides the others by 1 − p, so that the mean stays; in
 * evaluation changes nothing (Srivastava et al. 2014).
 * @param p from 0 up to but without 1; 0.5
 * @param options `generator`: where the mask comes from; the default generator
 * @example const dropout = new nn.Dropout(0.2);
 * dropout.eval().forward(x) === x // true
 */
export class Dropout extends Module {
  private readonly generator: Generator | undefined;

  constructor(
    readonly p = 0.5,
    options: { generator?: Generator } = {},
  ) {
    super();
    checkNumber("Dropout", "p", p, { min: 0, below: 1 });
    checkOptions("Dropout", options, ["generator"]);
    this.generator = options.generator;
  }

  forward(x: Tensor): Tensor {
    requireTensor("Dropout", "the input", x);
    if (!this.training || this.p === 0) return x;
    const keep = bernoulli(x.shape, { p: 1 - this.p, generator: this.generator });
    return keep.where(x.mul(1 / (1 - this.p)), 0);
  }
}
