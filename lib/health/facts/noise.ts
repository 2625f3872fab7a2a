/** How much of a gradient is the chance of which rows were in the batch. */
import { EvengradError } from "../../error.js";
import { grad } from "../../grad.js";
import { read } from "../../run/index.js";
import type { Tensor, Variable } from "../../tensor.js";

type LossOf = (output: Tensor, y: Tensor) => Tensor;

async function measured(output: Tensor, y: Tensor, lossOf: LossOf, params: readonly Variable[]) {
  const half = output.shape[0] >> 1;
  if (half < 2 || params.length === 0) return undefined;
  const gradients = [0, 1].map((k) => {
    const rows: [number, number] = [k * half, (k + 1) * half];
    return grad(lossOf(output.slice(rows), y.slice(rows)).reshape([]), params);
  });
  const dot = (a: readonly Tensor[], b: readonly Tensor[]): Tensor =>
    a.map((g, i) => g.mul(b[i]).sum()).reduce((p, q) => p.add(q));
  const [one, two] = gradients;
  const [[a], [b], [c]] = await read([dot(one, one), dot(two, two), dot(one, two)]);
  if (!Number.isFinite(a + b)) return undefined;
  return c > 0 ? (half * ((a + b) / 2 - c)) / c : Infinity;
}

/**
 * The noise scale trΣ/|G|² in rows (McCandlish et al. 2018, appendix A.1), from the gradients g₁, g₂ of a batch's halves of b
 * rows: G·G ≈ g₁·g₂, trΣ ≈ b·((|g₁|² + |g₂|²)/2 − g₁·g₂). Undefined where it cannot be measured: a model or a loss may take
 * no other batches than the run's.
 */
export async function noiseScale(
  outputOf: () => Tensor,
  y: Tensor,
  lossOf: LossOf,
  params: readonly Variable[],
): Promise<number | undefined> {
  try {
    return await measured(outputOf(), y, lossOf, params);
  } catch (error) {
    if (error instanceof EvengradError) return undefined;
    throw error;
  }
}
