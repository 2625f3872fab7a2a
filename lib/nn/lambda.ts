/** Functions as modules. */
import { fail, show } from "../error.js";
import { requireTensor } from "../ops/map.js";
import { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/**
 * A function of a tensor as a module. Variables that the function uses are not found: write a class for those.
 * @example const model = new nn.Sequential(new nn.Lambda((x) => x.div(255)), new nn.Linear(784, 10));
 * model.forward(zeros([64, 784])).shape // [64, 10]
 */
export class Lambda extends Module {
  constructor(private readonly apply: (x: Tensor) => Tensor) {
    super();
    if (typeof apply !== "function") fail("Lambda", `wants a function of a tensor, got ${show(apply)}`);
  }

  forward(x: Tensor): Tensor {
    const y: unknown = this.apply(x);
    if (!(y instanceof Tensor)) fail("Lambda", `the function must return a tensor, got ${show(y)}`);
    return y;
  }
}

/**
 * Joins the axes from `start` (1) to `end` (the last): (N, 28, 28) → (N, 784).
 * @example const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(784, 10));
 * model.forward(zeros([64, 28, 28])).shape // [64, 10]
 */
export class Flatten extends Module {
  constructor(
    readonly start = 1,
    readonly end = -1,
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    requireTensor("Flatten", "the input", x);
    return x.flatten(this.start, this.end);
  }
}
