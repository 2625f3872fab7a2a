/** Batches of one epoch, for `for await` and `for`. */
import { Constant } from "../tensor.js";
import type { Batch, DataSet, OrderOptions } from "./dataset.js";

/** How a data set is cut into batches. */
export interface BatchOptions extends OrderOptions {
  /** Rows in a batch. */
  size: number;
  /** Leaves out a last batch that is smaller than the others; false unless told. */
  dropLast?: boolean;
}

/**
 * The batches of a data set. Each iteration is an epoch of its own: the rows are shuffled anew. The indices of a batch
 * are a leaf, so batches of one size share a compiled program.
 */
export class Batches implements Iterable<Batch>, AsyncIterable<Batch> {
  /** Number of batches in an epoch. */
  readonly length: number;

  constructor(
    private readonly set: DataSet,
    private readonly size: number,
    private readonly options: OrderOptions,
    dropLast: boolean,
  ) {
    this.length = dropLast ? Math.floor(set.size / size) : Math.ceil(set.size / size);
  }

  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    const order = this.set.order(this.options);
    for (let i = 0; i < this.length; i++) {
      const rows = order.slice(i * this.size, (i + 1) * this.size);
      yield this.set.batch(new Constant(rows, [rows.length], "i32"));
    }
  }

  /** Checks the data for NaN and infinity before the first batch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    await this.set.check();
    // Not `yield*`, which would ask for this very iterator.
    for (const batch of this) yield batch;
  }
}
