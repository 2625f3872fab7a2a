/** A data set in memory: columns of rows, from which batches are gathered lazily. */
import { checkNumber, checkOptions, fail, show } from "../error.js";
import "../ops/index.js";
import type { Generator } from "../ops/random.js";
import { showShape } from "../shape.js";
import { Constant, Tensor } from "../tensor.js";
import { Batches, type BatchOptions } from "./batches.js";
import { firstBadRow } from "./check.js";
import { checkFlag, checkGenerator } from "./options.js";
import { cutRows, type SplitOptions } from "./split.js";

/** One batch as lazy tensors: inputs `x` (B, …) and labels or targets `y` (B, …). */
export interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** Whether rows come in random order, and from which generator; the default one unless told. */
export interface OrderOptions {
  shuffle?: boolean;
  generator?: Generator;
}

/** How a {@link DataSet} reads its columns. */
export interface DataSetOptions {
  /** Subtracted from x; 0 unless told. In the units of the column. */
  mean?: number;
  /** Divides x after that; 255 for bytes, so that a batch lies in [0, 1], and 1 otherwise. */
  std?: number;
  /** Which rows of the columns the set has, by position; all unless told. */
  rows?: Int32Array;
}

function checkColumn(name: string, column: unknown): asserts column is Constant {
  if (column instanceof Constant && column.rank > 0) return;
  if (column instanceof Constant) fail("DataSet", `${name} must have an axis of rows, got a scalar`);
  const fix = column instanceof Tensor ? "Read it first with await t.data()" : "Use data.fromArrays";
  fail(
    "DataSet",
    `${name} must be a tensor of values, got ${column instanceof Tensor ? column : show(column)}. ${fix}`,
  );
}

/** Whole numbers as i32, others as f32. */
const asTarget = (y: Tensor): Tensor => y.cast(y.dtype === "i32" || y.dtype === "u8" ? "i32" : "f32");

/**
 * Rows of inputs x (N, …) and labels or targets y (N, …). The columns are never copied: splits share them, and bytes
 * stay bytes until a batch is gathered.
 *
 * In a batch x is f32, `(x − mean) / std` (bytes: x/255 unless told); i32 inputs, such as tokens, pass as they are. y is
 * i32 if the column holds integers or bytes (labels) and f32 otherwise (targets).
 * @param x values of shape (N, …)
 * @param y values of shape (N, …)
 * @example
 * const set = new DataSet(tensor([[0, 1], [2, 3]]), tensor([0, 1], [2], "i32"));
 * for await (const { x, y } of set.batches({ size: 2 })) await x.sum().item(); // 6
 */
export class DataSet {
  readonly x: Constant;
  readonly y: Constant;
  /** Subtracted from x in a batch. */
  readonly mean: number;
  /** Divides x in a batch. */
  readonly std: number;
  /** Rows of the columns that belong to this set; undefined means all. */
  readonly rowList: Int32Array | undefined;
  // Made here, not with the first batch: leaves are numbered by age, and all batches must be numbered alike.
  private readonly rowLeaf: Constant | undefined;
  private checked = false;

  constructor(x: Tensor, y: Tensor, options: DataSetOptions = {}) {
    checkColumn("x", x);
    checkColumn("y", y);
    checkOptions("DataSet", options, ["mean", "std", "rows"]);
    if (x.shape[0] !== y.shape[0]) {
      const got = `${x.shape[0]} of x ${showShape(x.shape)} and ${y.shape[0]} of y ${showShape(y.shape)}`;
      fail("DataSet", `x and y must have equally many rows, got ${got}`);
    }
    if (x.shape[0] === 0) fail("DataSet", `must have at least one row, got x ${showShape(x.shape)}`);
    const { mean = 0, std = x.dtype === "u8" ? 255 : 1, rows } = options;
    checkNumber("DataSet", "mean", mean, { min: -3.4e38, max: 3.4e38 });
    checkNumber("DataSet", "std", std, { above: 0, max: 3.4e38 });
    if (x.dtype === "i32" && (mean !== 0 || std !== 1)) {
      fail("DataSet", `mean and std must be left out for integer x, got ${mean} and ${std}. Give x as f32`);
    }
    this.x = x;
    this.y = y;
    this.mean = mean;
    this.std = std;
    this.rowList = rows && checkRows("DataSet", rows, x.shape[0]);
    this.rowLeaf = this.rowList && new Constant(this.rowList, [this.rowList.length], "i32");
  }

  /** Number of rows. */
  get size(): number {
    return this.rowList?.length ?? this.x.shape[0];
  }

  /** The y of all rows as a batch has them. */
  get targets(): Tensor {
    return asTarget(this.rowLeaf ? this.y.gather(this.rowLeaf) : this.y);
  }

  /**
   * The rows at given positions of this set as a lazy batch. Equal numbers of indices give graphs of one structure.
   * @param indices i32 of shape (B), each from 0 to size − 1; others are an error when the batch is read
   */
  batch(indices: Tensor): Batch {
    if (!(indices instanceof Tensor) || indices.dtype !== "i32" || indices.rank !== 1) {
      const got = indices instanceof Tensor ? `${indices}` : show(indices);
      fail("batch", `indices must be an i32 tensor of one axis, got ${got}. Use tensor(list, [n], "i32")`);
    }
    const rows = this.rowLeaf ? this.rowLeaf.gather(indices) : indices;
    let x = this.x.gather(rows);
    if (x.dtype !== "i32") x = x.cast("f32");
    if (this.mean !== 0) x = x.sub(this.mean);
    if (this.std !== 1) x = x.div(this.std);
    return { x, y: asTarget(this.y.gather(rows)) };
  }

  /**
   * One epoch of batches; iterating again is another epoch, shuffled anew. `for await` checks the data first.
   * @param options size of a batch in rows; shuffle (false unless told); dropLast leaves out a last smaller batch;
   * generator of the shuffle
   * @throws if the size is larger than the set
   */
  batches(options: BatchOptions): Batches {
    checkOptions("batches", options, ["size", "shuffle", "dropLast", "generator"]);
    const { size, shuffle = false, dropLast = false, generator } = options ?? {};
    checkNumber("batches", "size", size, { min: 1, integer: true });
    checkFlag("batches", "shuffle", shuffle);
    checkFlag("batches", "dropLast", dropLast);
    if (size > this.size) {
      fail("batches", `size must be at most the ${this.size} rows of the data set, got ${size}. Use a smaller batch`);
    }
    return new Batches(this, size, { shuffle, generator: checkGenerator("batches", generator) }, dropLast);
  }

  /** The positions 0 to size − 1 in the order of one epoch; equal seeds give equal orders. */
  order(options: OrderOptions = {}): Int32Array {
    checkOptions("order", options, ["shuffle", "generator"]);
    const { shuffle = false, generator } = options;
    checkFlag("order", "shuffle", shuffle);
    const source = checkGenerator("order", generator);
    return shuffle ? source.permutation(this.size) : Int32Array.from({ length: this.size }, (_, i) => i);
  }

  /**
   * Data sets of disjoint rows, which share the columns. All numbers below 1 are fractions, whole numbers are counts of
   * rows; what is left over, if anything, becomes a last set. Rows are shuffled first unless `shuffle` is false.
   * @example const [train, validation] = set.split(0.9, 0.1);
   */
  split(...parts: number[] | [...parts: number[], options: SplitOptions]): DataSet[] {
    return cutRows(this.size, parts, (options) => this.order(options)).map((rows) => this.rows(rows));
  }

  /** The first n rows. */
  take(n: number): DataSet {
    checkNumber("take", "n", n, { min: 1, max: this.size, integer: true });
    return this.rows(Int32Array.from({ length: n }, (_, i) => i));
  }

  /** The rows at given positions of this set, in that order; a position may come more than once. */
  rows(indices: Int32Array | readonly number[]): DataSet {
    const list = checkRows("rows", indices, this.size);
    const { mean, std, rowList } = this;
    const part = new DataSet(this.x, this.y, {
      mean,
      std,
      rows: rowList ? list.map((i) => rowList[i]) : list,
    });
    part.checked = this.checked;
    return part;
  }

  /**
   * Refuses NaN and infinity in f32 columns, naming the column and the first such row. Remembers that it passed.
   * @throws if a value is not finite
   */
  async check(): Promise<void> {
    if (this.checked) return;
    for (const name of ["x", "y"] as const) {
      const row = await firstBadRow(this[name], this.rowList);
      if (row === undefined) continue;
      const fix = "Remove the row with rows(…) or mend its values";
      fail("DataSet", `${name} must be finite, got NaN or infinity in row ${row}. ${fix}`);
    }
    this.checked = true;
  }
}

/** Positions as an own Int32Array, each within `size`. */
function checkRows(op: string, rows: unknown, size: number): Int32Array {
  if (!Array.isArray(rows) && !(rows instanceof Int32Array)) {
    fail(op, `rows must be a list of positions, got ${show(rows)}`);
  }
  if (rows.length === 0) fail(op, "must keep at least one row, got none");
  const wrong = (rows as readonly number[]).findIndex((i) => !(Number.isInteger(i) && i >= 0 && i < size));
  if (wrong >= 0) {
    fail(op, `rows must be whole numbers from 0 to ${size - 1}, got ${show(rows[wrong])} at position ${wrong}`);
  }
  return Int32Array.from(rows);
}
