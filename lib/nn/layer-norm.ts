/** Layer normalization and its form without a mean, RMS normalization. */
import { checkNumber, checkOptions, fail } from "../error.js";
import { ones, zeros } from "../ops/index.js";
import { requireTensor } from "../ops/map.js";
import { normalizeRows } from "../ops/normalize.js";
import { checkShape, type Shape, sameShape, showShape, sizeOf } from "../shape.js";
import { type Tensor, Variable } from "../tensor.js";
import { Module } from "./module.js";

/** Options of {@link LayerNorm} and {@link RMSNorm}. */
export interface LayerNormOptions {
  /** Added to the variance or mean square; 1e-5. */
  eps?: number;
  /** Whether learned parameters of `shape` follow; true. */
  affine?: boolean;
}

function checkArguments(
  op: string,
  shape: number | Shape,
  options: LayerNormOptions,
): { sizes: number[]; eps: number } {
  const sizes = checkShape(op, shape);
  if (sizes.length === 0 || sizeOf(sizes) === 0)
    fail(op, `shape must have axes that are not empty, got ${showShape(sizes)}`);
  checkOptions(op, options, ["eps", "affine"]);
  const { eps = 1e-5 } = options;
  checkNumber(op, "eps", eps, { min: 0 });
  return { sizes, eps };
}

/** x as rows of its last axes, which must have the layer's shape. */
function asRows(op: string, x: Tensor, shape: Shape): Tensor {
  requireTensor(op, "the input", x);
  if (!sameShape(x.shape.slice(-shape.length), shape)) {
    fail(op, `the input's last axes must be ${showShape(shape)}, got ${showShape(x.shape)}`);
  }
  return x.cast("f32").reshape([sizeOf(x.shape.slice(0, x.rank - shape.length)), sizeOf(shape)]);
}

/**
 * Brings the last axes, which have `shape`, to mean 0 and variance 1 together, then weight·ŷ + bias: (…, shape) →
 * (…, shape) (Ba et al. 2016).
 * @throws if the input's last axes are others
 * @example const norm = new nn.LayerNorm(512);
 * norm.forward(zeros([64, 512])).shape // [64, 512]
 */
export class LayerNorm extends Module {
  override readonly normalizes = true;
  readonly shape: Shape;
  readonly eps: number;
  readonly weight: Variable | undefined;
  readonly bias: Variable | undefined;

  constructor(shape: number | Shape, options: LayerNormOptions = {}) {
    super();
    const { sizes, eps } = checkArguments("LayerNorm", shape, options);
    this.shape = sizes;
    this.eps = eps;
    if (options.affine ?? true) {
      this.weight = new Variable(ones(sizes), { label: "weight" });
      this.bias = new Variable(zeros(sizes), { label: "bias" });
    }
  }

  forward(x: Tensor): Tensor {
    const { weight, bias } = this;
    return normalizeRows(asRows("LayerNorm", x, this.shape), this.eps, {
      centered: true,
      weight: weight?.flatten(),
      bias: bias?.flatten(),
    }).reshape(x.shape);
  }
}

/**
 * Divides the last axes, which have `shape`, by the root of their mean square, then multiplies by the weight:
 * (…, shape) → (…, shape) (Zhang & Sennrich 2019).
 * @throws if the input's last axes are others
 * @example const norm = new nn.RMSNorm(512);
 * norm.forward(zeros([64, 512])).shape // [64, 512]
 */
export class RMSNorm extends Module {
  override readonly normalizes = true;
  readonly shape: Shape;
  readonly eps: number;
  readonly weight: Variable | undefined;

  constructor(shape: number | Shape, options: LayerNormOptions = {}) {
    super();
    const { sizes, eps } = checkArguments("RMSNorm", shape, options);
    this.shape = sizes;
    this.eps = eps;
    if (options.affine ?? true) this.weight = new Variable(ones(sizes), { label: "weight" });
  }

  forward(x: Tensor): Tensor {
    const rows = asRows("RMSNorm", x, this.shape);
    return normalizeRows(rows, this.eps, { centered: false, weight: this.weight?.flatten() }).reshape(x.shape);
  }
}
