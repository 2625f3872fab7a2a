/** Orthogonal weights: every singular value equals the gain. */
import { fail } from "../error.js";
import { orthogonalFactor, randn } from "../ops/index.js";
import { checkShape, type Shape, showShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkGain, checkInitOptions, generatorOf, type InitOptions } from "./initializer.js";
import { atCentre } from "./kernel.js";

/** Options of {@link orthogonal} and {@link deltaOrthogonal}. */
export interface OrthogonalOptions extends InitOptions {
  /** Every singular value; 1. */
  gain?: number;
}

/**
 * A random orthogonal matrix times `gain` (1 unless told; √2 for ReLU): orthonormal rows, or columns if there are more
 * rows than columns. Axes after the first count as one (Saxe et al. 2014). Drawn as the Q of a normal matrix whose R has
 * a positive diagonal, which makes it uniform (Mezzadri 2007). A seed gives the same bits on any number of threads and any
 * machine with a fused multiply-add; without one (`isa()` is `sse`) elements are about `gain`·1e-6 apart from those.
 * @throws if the shape has fewer than two axes or a size of 0, or the gain is negative
 * @example const w = init.orthogonal([2, 2]);
 * await w.matmul(w.transpose()).data() // the identity
 */
export function orthogonal(shape: Shape, options: OrthogonalOptions = {}): Tensor {
  const op = "init.orthogonal";
  checkInitOptions(op, options, ["gain"]);
  const { gain = 1 } = options;
  checkGain(op, gain);
  const to = checkShape(op, shape);
  if (to.length < 2 || sizeOf(to) === 0) {
    fail(op, `shape must be (out, in, …) without sizes of 0, got ${showShape(to)}. For biases use init.zeros`);
  }
  const [rows, columns] = [to[0], sizeOf(to.slice(1))];
  const sizes = [Math.max(rows, columns), Math.min(rows, columns)];
  const tall = orthogonalFactor(randn(sizes, { generator: generatorOf(op, options) }));
  return (rows < columns ? tall.transpose() : tall).mul(gain).reshape(to);
}

/**
 * A convolution's weight (out, in, …kernel) that is an orthogonal matrix times `gain` at the kernel's centre and 0
 * elsewhere: the norm of every pixel's channels is kept (Xiao et al. 2018, algorithm 1). The package has no convolution
 * itself yet.
 * @throws if the shape is not a kernel's, or has fewer outputs than inputs, whose norm it could not keep
 * @example const w = init.deltaOrthogonal([32, 16, 3, 3]);
 * await w.square().sum().item() // 16
 */
export function deltaOrthogonal(shape: Shape, options: OrthogonalOptions = {}): Tensor {
  const op = "init.deltaOrthogonal";
  checkInitOptions(op, options, ["gain"]);
  const to = checkShape(op, shape);
  if (to.length < 3 || sizeOf(to) === 0 || to[0] < to[1]) {
    fail(
      op,
      `shape must be (out, in, …kernel) with at least as many outputs as inputs, got ${showShape(to)}. Use init.orthogonal`,
    );
  }
  return atCentre(orthogonal(to.slice(0, 2), options), to);
}
