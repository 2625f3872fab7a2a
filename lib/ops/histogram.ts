/** Counting how many elements lie in each of equal bins. */
import { checkNumber, checkOptions, fail } from "../error.js";
import { showShape } from "../shape.js";
import { Tensor } from "../tensor.js";
import { requireTensor, scalar } from "./map.js";
import { apply, type KernelOp, type Op } from "./op.js";

/** Into which bins, over which range. */
export interface HistogramOptions {
  /** How many, 30 unless told. */
  bins?: number;
  /** Bounds of the range, as numbers or as tensors of one element; x's smallest and largest unless told. */
  min?: number | Tensor;
  max?: number | Tensor;
}

/** As many bins as a histogram may have. */
export const maxBins = 65536;

const histogramOp: KernelOp<{ bins: number }> = {
  name: "histogram",
  kind: "kernel",
  kernel: "histogram",
  infer: (_inputs, { bins }) => ({ shape: [bins], dtype: "i32" }),
  params: ({ attrs: { bins } }) => [bins],
  reference([x, [low], [high]], { attrs: { bins } }) {
    const counts = new Float64Array(bins);
    if (!Number.isFinite(low) || !Number.isFinite(high)) return counts;
    const scale = high > low ? bins / (high - low) : 0;
    for (const v of x) if (v >= low && v <= high) counts[Math.min(bins - 1, Math.floor((v - low) * scale))]++;
    return counts;
  },
};

function bound(name: "min" | "max", value: number | Tensor): Tensor {
  if (!(value instanceof Tensor)) {
    checkNumber("histogram", name, value);
    return scalar(value);
  }
  if (value.size !== 1)
    fail("histogram", `${name} must be a number or a tensor of one element, got ${showShape(value.shape)}`);
  return value.cast("f32").reshape([]);
}

/**
 * How many elements of x lie in each of `bins` equal parts of [min, max], as i32 (bins); the last part includes max.
 * Elements outside and NaN are not counted; where a bound is not finite or min is above max, none are. Has no gradient.
 * @example await tensor([0, 0.1, 0.5, 1]).histogram({ bins: 2 }).data(); // Int32Array [2, 2]
 */
export function histogram(x: Tensor, options: HistogramOptions = {}): Tensor {
  requireTensor("histogram", "x", x);
  checkOptions("histogram", options, ["bins", "min", "max"]);
  const { bins = 30, min, max } = options;
  checkNumber("histogram", "bins", bins, { min: 1, max: maxBins, integer: true });
  const values = x.cast("f32").reshape([x.size]);
  const range = [bound("min", min ?? values.min()), bound("max", max ?? values.max())];
  return apply(histogramOp as Op, [values, ...range], { bins });
}
