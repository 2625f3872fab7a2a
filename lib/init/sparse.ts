/** Sparse weights: a fixed number of connections per input. */
import { checkNumber, fail } from "../error.js";
import * as ops from "../ops/index.js";
import { checkShape, type Shape, showShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkInitOptions, generatorOf, type InitOptions } from "./initializer.js";

/** Options of {@link sparse}. */
export interface SparseOptions extends InitOptions {
  /** Share of each column that is 0, rounded up to whole elements; 0.9. */
  sparsity?: number;
  /** Standard deviation of the others; 0.01. */
  std?: number;
}

/**
 * Per column, true for `count` of the rows, each choice equally likely: keys that differ are drawn, and a threshold with
 * exactly `count` keys below it is found bit by bit from the highest.
 */
function chosen(rows: number, columns: number, count: number, generator: ops.Generator | undefined): Tensor {
  const bits = 30;
  const draws = ops.randint(0, Math.floor(2 ** bits / rows), [rows, columns], { generator });
  const keys = draws.mul(rows).add(ops.arange(0, rows, 1, "i32").reshape([rows, 1])); // below 2^30, all distinct in a column
  let threshold = ops.zeros([1, columns], "i32");
  for (let bit = bits; bit >= 0; bit--) {
    const raised = threshold.add(2 ** bit);
    const below = keys.less(raised).cast("i32").sum({ axes: 0, keepDims: true });
    threshold = below.lessEqual(count).where(raised, threshold);
  }
  return keys.less(threshold);
}

/**
 * Normal, with a share of every column 0: (out, in), so that each input reaches few outputs (Martens 2010).
 * @throws if the shape does not have two axes, or the sparsity is not from 0 to 1
 * @example const w = init.sparse([10, 5], { sparsity: 0.8 });
 * await w.notEqual(0).cast("f32").sum().item() // 10
 */
export function sparse(shape: Shape, options: SparseOptions = {}): Tensor {
  const op = "init.sparse";
  checkInitOptions(op, options, ["sparsity", "std"]);
  const { sparsity = 0.9, std = 0.01 } = options;
  checkNumber(op, "sparsity", sparsity, { min: 0, max: 1 });
  checkNumber(op, "std", std, { min: 0 });
  const to = checkShape(op, shape);
  if (to.length !== 2) fail(op, `shape must be (out, in), got ${showShape(to)}. Draw a matrix and reshape it`);
  const [rows, columns] = to;
  checkNumber(op, "out", rows, { min: 1, max: 2 ** 20 });
  const generator = generatorOf(op, options);
  const values = ops.randn([rows, columns], { std, generator });
  return chosen(rows, columns, Math.ceil(sparsity * rows - 1e-9), generator).where(0, values);
}
