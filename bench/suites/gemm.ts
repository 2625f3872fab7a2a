/** Products of matrices: every shape of the table, with operands stored either way. */
import { layouts, products } from "../cases.js";
import { closeTo } from "../differ.js";
import type { Case, Suite } from "../suite.js";

const flops = 76.8e6;

export const gemm: Suite = {
  name: "gemm",
  about: "products of matrices, operands as they are (n) or transposed (t)",
  peers: ["openblas", "blis", "onednn", "libxsmm", "onnxruntime"],
  cases: products.flatMap(({ M, N, K }) =>
    layouts.map(
      (layout): Case => ({
        name: `${M}x${N}x${K}-${layout}`,
        unit: "GFLOP/s",
        spec: { kind: "gemm", M, N, K, layout },
        inputs: {
          a: { dtype: "f32", size: M * K, low: -1, high: 1, seed: 1 },
          b: { dtype: "f32", size: K * N, low: -1, high: 1, seed: 2 },
        },
        value: (seconds) => (2 * M * N * K) / seconds / 1e9,
        // Sums of K products of up to 1, in any order.
        differ: closeTo({ absolute: 4e-7 * K }),
        limit: { spec: { kind: "fma" }, value: (seconds, threads) => (threads * flops) / seconds / 1e9 },
      }),
    ),
  ),
};
