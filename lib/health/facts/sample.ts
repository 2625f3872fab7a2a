/** Rows that stand for a data set. */
import type { DataSet } from "../../data/index.js";
import { Generator, tensor } from "../../ops/index.js";
import type { Tensor } from "../../tensor.js";

/** The fractional parts of its multiples fill [0, 1) evenly, and in step with no period: the golden ratio's. */
const golden = (Math.sqrt(5) - 1) / 2;

/** At most so many positions of a list, one from each of equal stretches of it. Always the same ones. */
export function evenly(size: number, most: number): Int32Array {
  const n = Math.min(size, most);
  const places = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const [from, to] = [Math.floor((i * size) / n), Math.floor(((i + 1) * size) / n)];
    const turn = i * golden;
    places[i] = from + Math.floor((turn - Math.floor(turn)) * (to - from));
  }
  return places;
}

/** The same in no order: many a set is in the order of its classes, so its first rows say little of the others. */
export function spread(size: number, most: number): Int32Array {
  const places = evenly(size, most);
  const order = new Generator().permutation(places.length);
  for (let i = 0; i < order.length; i++) order[i] = places[order[i]];
  return order;
}

/** A batch that stands for more rows. */
export interface Sample {
  readonly x: Tensor;
  readonly y: Tensor;
  /** The targets of all the rows that it stands for: a rare class has too few rows in a sample to be counted by. */
  readonly all?: Tensor;
}

/** Rows from all over a set as a batch. */
export function sampleOf(set: DataSet, most = 512): Sample {
  const rows = spread(set.size, most);
  return { ...set.batch(tensor(rows, [rows.length], "i32")), all: set.targets };
}

/** Rows from all over a set as a set. */
export const someOf = (set: DataSet, most: number): DataSet => set.rows(spread(set.size, most));
