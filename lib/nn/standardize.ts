/** Inputs to mean 0 and variance 1, by fixed numbers. */
import { fail } from "../error.js";
import { requireTensor } from "../ops/map.js";
import { sameShape, showShape } from "../shape.js";
import { type Tensor, Variable } from "../tensor.js";
import { Module } from "./module.js";

/**
 * (x − mean)/std, element by element of each row. Mean and standard deviation are buffers: saved with the model, not trained.
 * A standard deviation of 0 counts as 1.
 * @param mean of the shape of a row, or one number
 * @param std as the mean
 * @throws if the shapes differ
 * @example const layer = new nn.Standardize(x.mean({ axes: 0 }), x.std({ axes: 0 }));
 * layer.forward(x).shape // x.shape
 */
export class Standardize extends Module {
  override readonly normalizes = true;
  readonly mean: Variable;
  readonly std: Variable;

  constructor(mean: Tensor, std: Tensor) {
    super();
    requireTensor("Standardize", "mean", mean);
    requireTensor("Standardize", "std", std);
    if (!sameShape(mean.shape, std.shape))
      fail("Standardize", `mean and std must have one shape, got ${showShape(mean.shape)} and ${showShape(std.shape)}`);
    this.mean = new Variable(mean.cast("f32"), { label: "mean", trainable: false });
    this.std = new Variable(std.equal(0).where(1, std).cast("f32"), { label: "std", trainable: false });
  }

  forward(x: Tensor): Tensor {
    requireTensor("Standardize", "the input", x);
    return x.cast("f32").sub(this.mean).div(this.std);
  }
}
