/** Which loss a function is, told by its gradient: a caller may have wrapped it. */
import { grad } from "../../grad.js";
import type { Reading } from "../../init/reading.js";
import { oneHot } from "../../ops/index.js";
import type { Tensor } from "../../tensor.js";
import { sum } from "../numbers.js";
import type { TargetFacts } from "./data.js";

/** `other` is any loss that is none of these means over the batch. */
export type LossKind = "binary cross-entropy" | "cross-entropy" | "likelihood" | "other" | "square";

export interface LossFacts {
  readonly value: number;
  readonly kind: LossKind;
}

/** dL/dz of a mean over a batch, for each kind that fits the shapes. */
function gradients(z: Tensor, y: Tensor): [LossKind, Tensor][] {
  const found: [LossKind, Tensor][] = [];
  const n = z.shape[0];
  if (z.rank === 2 && y.rank === 1 && y.dtype === "i32" && z.shape[1] > 1) {
    const hot = oneHot(y, z.shape[1]);
    found.push(["cross-entropy", z.softmax(1).sub(hot).div(n)], ["likelihood", hot.div(-n)]);
  }
  // One output for each of N targets may be (N, 1) or (N); the loss brings them together.
  if (z.size === y.size && z.shape[0] === y.shape[0]) {
    const t = y.cast("f32").reshape(z.shape);
    found.push(["binary cross-entropy", z.sigmoid().sub(t).div(z.size)], ["square", z.sub(t).mul(2 / z.size)]);
  }
  return found;
}

export function lossFacts(loss: Tensor, output: Tensor, y: Tensor): Reading<LossFacts> {
  const [g] = grad(loss, [output]);
  const known = gradients(output, y);
  const tensors = [loss, ...known.map(([, want]) => g.sub(want).square().sum().div(want.square().sum().add(1e-30)))];
  return {
    tensors,
    decode: ([[value], ...errors]) => ({
      value,
      kind: known.find((_, i) => errors[i][0] < 1e-6)?.[0] ?? "other",
    }),
  };
}

/** The loss of the best answer that does not look at the input; undefined where it cannot be told, and where it is 0. */
export function chanceOf(kind: LossKind, { counts, variance }: TargetFacts): number | undefined {
  if (variance === 0) return undefined;
  if (kind === "square") return variance;
  if (kind === "binary cross-entropy") {
    const p = (1 - Math.sqrt(Math.max(0, 1 - 4 * variance))) / 2; // of zeros and ones, variance is p(1 − p)
    return p > 0 ? -p * Math.log(p) - (1 - p) * Math.log(1 - p) : 0;
  }
  if (!counts || (kind !== "cross-entropy" && kind !== "likelihood")) return undefined;
  const all = sum(counts);
  let entropy = 0;
  for (const n of counts) if (n > 0) entropy -= (n / all) * Math.log(n / all);
  return entropy;
}

/** Whether a loss is about what an answer that ignores the input has, as it is before any training. */
export const isNearChance = (loss: number, chance: number | undefined): boolean =>
  chance !== undefined && loss >= 0.75 * chance;
