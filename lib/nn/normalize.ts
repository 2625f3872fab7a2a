/** Normalization over axes to mean 0 and variance 1, with a gradient of few passes. */
import type { Tensor } from "../tensor.js";

/** Normalized values and the moments they were divided by, reduced axes kept with size 1. */
export interface Normalized {
  y: Tensor;
  mean: Tensor;
  /** Of the population: Σ(x−mean)²/n. */
  variance: Tensor;
  /** 1/√(variance + ε). */
  r: Tensor;
}

/**
 * y = (x − mean)·r with r = 1/√(variance + ε). A mean rounded to f32 is off by half an ULP of x, 5e-4 at 1e4, so the
 * mean of what remains is taken off as well: at an offset of 1e4 the result keeps its digits.
 */
export function normalize(x: Tensor, axes: readonly number[], eps: number): Normalized {
  const over = { axes, keepDims: true };
  const mean = x.mean(over);
  const near = x.sub(mean);
  const rest = near.mean(over);
  const variance = near.variance(over);
  const r = variance.add(eps).rsqrt();
  // dx = r·(g − mean g − y·mean(g·y))   (Ioffe & Szegedy 2015, collected)
  const y = near
    .sub(rest)
    .mul(r)
    .customGradient([x], (g, y) => [
      g
        .sub(g.mean(over))
        .sub(y.mul(g.mul(y).mean(over)))
        .mul(r),
    ]);
  return { y, mean, variance, r };
}

/**
 * weight·normalize(x) + bias for weights that are constant along the axes, as batch norm's: the two sums of the
 * parameters' gradients serve the input's as well.
 */
export function normalizeAffine(
  x: Tensor,
  axes: readonly number[],
  eps: number,
  weight: Tensor,
  bias: Tensor,
): Normalized {
  const over = { axes, keepDims: true };
  const { y: hat, mean, variance, r } = normalize(x, axes, eps);
  const n = x.size / mean.size;
  // db = Σg, dw = Σg·ŷ, dx = w·r·(g − db/n − ŷ·dw/n)
  const y = hat
    .mul(weight)
    .add(bias)
    .customGradient([x, weight, bias], (g) => {
      const db = g.sum(over);
      const dw = g.mul(hat).sum(over);
      const dx = g
        .sub(db.div(n))
        .sub(hat.mul(dw.div(n)))
        .mul(weight.mul(r));
      return [dx, dw.reshape(weight.shape), db.reshape(bias.shape)];
    });
  return { y, mean, variance, r };
}

/** y = x·r with r = 1/√(mean x² + ε), and dx = r·(g − y·mean(g·y)) (Zhang & Sennrich 2019). */
export function normalizeRms(x: Tensor, axes: readonly number[], eps: number): Tensor {
  const over = { axes, keepDims: true };
  const r = x.square().mean(over).add(eps).rsqrt();
  return x.mul(r).customGradient([x], (g, y) => [g.sub(y.mul(g.mul(y).mean(over))).mul(r)]);
}
