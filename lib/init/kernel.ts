/** The weight of a convolution that is a matrix at the kernel's centre and 0 elsewhere. */
import { pad } from "../ops/index.js";
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** (out, in) at the centre, index ⌊size/2⌋, of (out, in, …kernel), which may have no kernel axes. */
export function atCentre(matrix: Tensor, shape: Shape): Tensor {
  const kernel = shape.slice(2);
  if (kernel.length === 0) return matrix;
  const around = kernel.map((size): [number, number] => [Math.floor(size / 2), size - 1 - Math.floor(size / 2)]);
  return pad(matrix.reshape([...matrix.shape, ...kernel.map(() => 1)]), [[0, 0], [0, 0], ...around]);
}
