/** Rows that stand for a data set. */
import type { DataSet } from "../../data/index.js";
import { arange, Generator, tensor } from "../../ops/index.js";
import type { Tensor } from "../../tensor.js";

/** The fractional parts of its multiples fill [0, 1) evenly, and in step with no period: the golden ratio's. */
const golden = (Math.sqrt(5) - 1) / 2;

/**
 * Positions of at most so many rows, one from each of equal stretches of a set, in no order: many a set is in the order of its
 * classes, so its first rows say little of the others. Always the same ones.
 */
export function spread(size: number, most: number): Int32Array {
  const n = Math.min(size, most);
  return new Generator().permutation(n).map((i) => {
    const [from, to] = [Math.floor((i * size) / n), Math.floor(((i + 1) * size) / n)];
    return from + Math.floor(((i * golden) % 1) * (to - from));
  });
}

/** A batch that stands for more rows. */
export interface Sample {
  readonly x: Tensor;
  readonly y: Tensor;
  /** The targets of all the rows that it stands for: a rare class has too few rows in a sample to be counted by. */
  readonly all?: Tensor;
  /** More rows, among which each is to find a near one: fewer than pass through the model would be too far apart. */
  readonly near?: { readonly x: Tensor; readonly y: Tensor };
}

/** Rows from all over a set as a batch, and perhaps more of them among which to look for neighbours. */
export function sampleOf(set: DataSet, most = 512, near = most): Sample {
  const rows = (n: number) => set.batch(tensor(spread(set.size, n), [Math.min(set.size, n)], "i32"));
  return {
    ...rows(most),
    all: set.batch(arange(0, set.size, 1, "i32")).y,
    ...(near > most && { near: rows(near) }),
  };
}

/** Rows from all over a set as a set. */
export const someOf = (set: DataSet, most: number): DataSet => set.rows(spread(set.size, most));
