/** The Euclidean norms of many tensors, measured in one call. */
import { fail } from "../error.js";
import type { Tensor } from "../tensor.js";
import { requireTensor } from "./map.js";
import { apply, type KernelOp, type Op } from "./op.js";

const normsOp: KernelOp = {
  name: "norms",
  kind: "kernel",
  kernel: "norms",
  infer: (inputs) => ({ shape: [inputs.length], dtype: "f32" }),
  params: () => [],
  reference: (inputs) => Float64Array.from(inputs, (x) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0))),
};

/** The norm of each tensor as a whole, (tensors). Has no gradient. */
export function norms(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 0) fail("norms", "tensors must be at least one tensor, got []");
  for (const x of tensors) requireTensor("norms", "each of tensors", x);
  return apply(
    normsOp as Op,
    tensors.map((x) => x.cast("f32")),
  );
}
