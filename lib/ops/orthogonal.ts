/** The orthogonal factor of a matrix, from which orthogonal weights are drawn. */
import { fail } from "../error.js";
import { showShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { requireTensor } from "./map.js";
import { apply, type KernelOp, type Op } from "./op.js";

const orthogonalOp: KernelOp = {
  name: "orthogonal",
  kind: "kernel",
  kernel: "orthogonal",
  infer: ([x]) => x,
  params: ({ inputs: [x] }) => [...x.shape],
  // Modified Gram–Schmidt, twice for orthogonality to the last bits; it makes diag R positive by itself.
  reference([x], { inputs: [{ shape }] }) {
    const [m, n] = shape;
    const q = Float64Array.from(x);
    const dot = (a: number, b: number): number => {
      let sum = 0;
      for (let i = 0; i < m; i++) sum += q[i * n + a] * q[i * n + b];
      return sum;
    };
    for (let column = 0; column < n; column++) {
      for (let pass = 0; pass < 2; pass++) {
        for (let earlier = 0; earlier < column; earlier++) {
          const r = dot(earlier, column);
          for (let i = 0; i < m; i++) q[i * n + column] -= r * q[i * n + earlier];
        }
      }
      const length = Math.sqrt(dot(column, column));
      for (let i = 0; i < m; i++) q[i * n + column] /= length;
    }
    return q;
  },
};

/** Q of the QR decomposition with positive diag(R), of an (m, n) matrix with m ≥ n. Has no gradient. */
export function orthogonalFactor(x: Tensor): Tensor {
  requireTensor("orthogonalFactor", "x", x);
  if (x.rank !== 2 || x.shape[0] < x.shape[1]) {
    fail(
      "orthogonalFactor",
      `wants a matrix with at least as many rows as columns, got ${showShape(x.shape)}. Transpose it`,
    );
  }
  return apply(orthogonalOp as Op, [x.cast("f32")]);
}
