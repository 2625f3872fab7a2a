/** Normalization of channels to mean 0 and variance 1, with a gradient of few passes. */
import { channelMoments, channelSums } from "../ops/normalize.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Normalized values and the moments they were divided by, (channels) each. */
export interface Normalized {
  y: Tensor;
  mean: Tensor;
  /** Of the population: Σ(x−mean)²/n. */
  variance: Tensor;
}

/**
 * y = (x − mean)·r with r = 1/√(variance + ε) of the channels, axis 1; then weight·y + bias, if given. A mean rounded to
 * f32 is off by half an ULP of x, 5e-4 at 1e4, so what the rounding left is taken off as well: at an offset of 1e4 the
 * result keeps its digits.
 */
export function normalizeChannels(x: Tensor, eps: number, affine?: { weight: Tensor; bias: Tensor }): Normalized {
  const lines = x.reshape([x.shape[0], x.shape[1], sizeOf(x.shape.slice(2))]);
  const along = (t: Tensor): Tensor => t.reshape([1, x.shape[1], 1]);
  const { mean, rest, variance } = channelMoments(lines);
  const n = lines.shape[0] * lines.shape[2];
  const r = along(variance.add(eps).rsqrt());
  // dx = r·(g − mean g − ŷ·mean(g·ŷ))   (Ioffe & Szegedy 2015, collected)
  const hat = lines
    .sub(along(mean))
    .sub(along(rest))
    .mul(r)
    .customGradient([lines], (g, y) => {
      const { sum, product } = channelSums(g, y);
      return [
        g
          .sub(along(sum.div(n)))
          .sub(y.mul(along(product.div(n))))
          .mul(r),
      ];
    });
  if (!affine) return { y: hat.reshape(x.shape), mean, variance };
  const { weight, bias } = affine;
  // db = Σg, dw = Σg·ŷ, dx = w·r·(g − db/n − ŷ·dw/n): the parameters' sums serve the input as well
  const y = hat
    .mul(along(weight))
    .add(along(bias))
    .customGradient([lines, weight, bias], (g) => {
      const { sum, product } = channelSums(g, hat);
      const dx = g
        .sub(along(sum.div(n)))
        .sub(hat.mul(along(product.div(n))))
        .mul(along(weight).mul(r));
      return [dx, product, sum];
    });
  return { y: y.reshape(x.shape), mean, variance };
}
