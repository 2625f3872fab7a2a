/** Squared Euclidean distances between rows. */
import type { Tensor } from "../../tensor.js";

/** Of every row of a (N, K) from every row of b (M, K), as (N, M): |a|² + |b|² − 2a·b, exact to rounding of the lengths. */
export function squaredDistances(a: Tensor, b: Tensor): Tensor {
  const length = (x: Tensor): Tensor => x.square().sum({ axes: 1 });
  return length(a).unsqueeze(1).add(length(b)).sub(a.matmul(b.transpose()).mul(2));
}
