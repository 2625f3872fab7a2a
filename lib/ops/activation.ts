/** Activations composed from primitives; the primitive ones (sigmoid, tanh, relu, gelu …) stand in unary.ts. */
import { checkNumber, fail } from "../error.js";
import { showShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { requireTensor } from "./map.js";

/** x where positive, slope·x elsewhere; slope 0.01 unless told (Maas et al. 2013). */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  requireTensor("leakyRelu", "x", x);
  checkNumber("leakyRelu", "slope", slope);
  return x.greater(0).where(x, x.mul(slope));
}

/** Leaky ReLU with a learned slope, shared (one) or per channel; channels are axis 1, or the last of fewer (He et al. 2015). */
export function prelu(x: Tensor, slope: Tensor): Tensor {
  requireTensor("prelu", "x", x);
  requireTensor("prelu", "slope", slope);
  const count = x.shape[Math.min(1, x.rank - 1)] ?? 1;
  if (slope.size !== 1 && slope.size !== count) {
    fail(
      "prelu",
      `slope must have one value or one per channel (${count} of ${showShape(x.shape)}), got ${showShape(slope.shape)}`,
    );
  }
  const channels =
    slope.size === 1 ? slope.reshape([]) : slope.reshape([slope.size, ...new Array(Math.max(0, x.rank - 2)).fill(1)]);
  return x.greater(0).where(x, x.mul(channels));
}

/** x where positive, α(eˣ − 1) elsewhere (Clevert et al. 2015). */
export function elu(x: Tensor, alpha = 1): Tensor {
  requireTensor("elu", "x", x);
  checkNumber("elu", "alpha", alpha);
  // x limited to 0: the branch not taken must not overflow into its gradient. (minimum would halve the gradient at 0.)
  return x.greater(0).where(x, x.clamp({ max: 0 }).expm1().mul(alpha));
}

const seluAlpha = 1.6732632423543772;
const seluScale = 1.0507009873554805;

/** Scaled ELU that keeps mean 0 and variance 1 (Klambauer et al. 2017). */
export function selu(x: Tensor): Tensor {
  requireTensor("selu", "x", x);
  return elu(x, seluAlpha).mul(seluScale);
}

/** max(x, 0) + min(0, α(e^(x/α) − 1)), continuously differentiable (Barron 2017). */
export function celu(x: Tensor, alpha = 1): Tensor {
  requireTensor("celu", "x", x);
  checkNumber("celu", "alpha", alpha, { above: 0 });
  return x.greater(0).where(x, x.clamp({ max: 0 }).div(alpha).expm1().mul(alpha));
}

/** x/(1 + |x|). */
export function softsign(x: Tensor): Tensor {
  requireTensor("softsign", "x", x);
  return x.div(x.abs().add(1));
}

/** clamp((x + 3)/6, 0, 1). */
export function hardSigmoid(x: Tensor): Tensor {
  requireTensor("hardSigmoid", "x", x);
  // Not x/6 + ½: near −3 that would cancel.
  return x.add(3).div(6).clamp({ min: 0, max: 1 });
}

/** x·hardSigmoid(x) (Howard et al. 2019). */
export function hardSwish(x: Tensor): Tensor {
  requireTensor("hardSwish", "x", x);
  return x.mul(hardSigmoid(x));
}

/** x limited to [min, max], [−1, 1] unless told. */
export function hardtanh(x: Tensor, min = -1, max = 1): Tensor {
  requireTensor("hardtanh", "x", x);
  checkNumber("hardtanh", "max", max, { min });
  return x.clamp({ min, max });
}
