/** How alike the targets of rows are that stand next to each other. */
import type { DataSet } from "../../data/index.js";
import { tensor } from "../../ops/index.js";
import { read } from "../../run/index.js";

/** So many batches, spread over the set, stand for all. */
const mostBatches = 64;

/**
 * The variance of targets within a batch of rows that follow one another, over that of all rows of such batches: about 1 where
 * rows are in no order, 0 where each batch has one class. Undefined where there are no two whole batches, or one target for all.
 */
export async function varianceWithin(set: DataSet, batchSize: number): Promise<number | undefined> {
  const whole = Math.floor(set.size / batchSize);
  if (whole < 2 || batchSize < 2) return undefined;
  const batches = Math.min(whole, mostBatches);
  const first = (i: number): number => Math.floor((i * whole) / batches) * batchSize;
  const rows = Int32Array.from({ length: batches * batchSize }, (_, i) => {
    return first(Math.floor(i / batchSize)) + (i % batchSize);
  });
  const { y } = set.batch(tensor(rows, [rows.length], "i32"));
  const targets = y.cast("f32").reshape([batches, batchSize, y.size / rows.length]);
  // Of rows in no order, a batch of B has (B − 1)/B of all variance.
  const [[within], [all]] = await read([
    targets.variance({ axes: 1 }).mean(),
    targets.variance({ axes: [0, 1] }).mean(),
  ]);
  return all > 0 ? (within / all) * (batchSize / (batchSize - 1)) : undefined;
}
