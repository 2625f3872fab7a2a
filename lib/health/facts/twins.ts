/** Rows of a matrix that are as another row is. */

/** Of the rows' mean squared length, the squared distance up to which two are alike. */
const alike = 1e-5;

/** Rows of numbers, one after the other. */
interface Rows {
  readonly values: ArrayLike<number>;
  readonly width: number;
}

function squaredDistance({ values, width }: Rows, a: number, b: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) {
    const difference = values[a * width + k] - values[b * width + k];
    sum += difference * difference;
  }
  return sum;
}

/** Rows by their first numbers: rows that are near each other have first numbers that are. */
function byFirst({ values, width }: Rows, n: number): Uint32Array {
  const firsts = new Float32Array(n);
  for (let row = 0; row < n; row++) firsts[row] = values[row * width];
  const bits = new Int32Array(firsts.buffer);
  // One number each, of bits that are in the order of the numbers, and the row: sorted without objects and comparisons.
  const keys = new Float64Array(n);
  for (let row = 0; row < n; row++) keys[row] = (bits[row] ^ ((bits[row] >> 31) & 0x7fffffff)) * n + row;
  keys.sort();
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = keys[i] - n * Math.floor(keys[i] / n);
  return order;
}

/** Whether one of the rows on one side of a place in their order is alike. */
function meets(rows: Rows, order: Uint32Array, at: number, step: 1 | -1, limit: number): boolean {
  const { values, width } = rows;
  const row = order[at];
  for (let i = at + step; i >= 0 && i < order.length; i += step) {
    const apart = values[order[i] * width] - values[row * width];
    if (apart * apart > limit) return false;
    if (squaredDistance(rows, row, order[i]) <= limit) return true;
  }
  return false;
}

/** The share of n rows that have a twin among the others. */
export function shareOfTwins(values: ArrayLike<number>, n: number): number {
  const width = values.length / n;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i] * values[i];
  const limit = (alike * squares) / n;
  const rows: Rows = { values, width };
  const order = byFirst(rows, n);
  let twins = 0;
  for (let at = 0; at < n; at++) if (meets(rows, order, at, 1, limit) || meets(rows, order, at, -1, limit)) twins++;
  return twins / n;
}
