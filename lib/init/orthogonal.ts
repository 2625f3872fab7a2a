/** Orthogonal weights: every singular value equals the gain. */
import { checkNumber, checkOptions, fail } from "../error.js";
import { orthogonalFactor, randn } from "../ops/index.js";
import { checkShape, type Shape, showShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import type { InitOptions } from "./initializer.js";

/**
 * A random orthogonal matrix times `gain` (1 unless told; √2 for ReLU): orthonormal rows, or columns if there are more
 * rows than columns. Axes after the first count as one (Saxe et al. 2014). Drawn as the Q of a normal matrix whose R has
 * a positive diagonal, which makes it uniform (Mezzadri 2007).
 * @throws if the shape has fewer than two axes or a size of 0, or the gain is negative
 * @example const w = init.orthogonal([2, 2]);
 * await w.matmul(w.transpose()).data() // the identity
 */
export function orthogonal(shape: Shape, options: InitOptions & { gain?: number } = {}): Tensor {
  const op = "init.orthogonal";
  checkOptions(op, options, ["gain", "generator"]);
  const { gain = 1, generator } = options;
  checkNumber(op, "gain", gain, { min: 0, max: Number.MAX_VALUE });
  const to = checkShape(op, shape);
  if (to.length < 2 || sizeOf(to) === 0) {
    fail(op, `shape must be (out, in, …) without sizes of 0, got ${showShape(to)}. For biases use init.zeros`);
  }
  const [rows, columns] = [to[0], sizeOf(to.slice(1))];
  const tall = orthogonalFactor(randn([Math.max(rows, columns), Math.min(rows, columns)], { generator }));
  return (rows < columns ? tall.transpose() : tall).mul(gain).reshape(to);
}
