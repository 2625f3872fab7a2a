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

/** Whether one of the rows on one side of a place in an order by their first numbers is alike. */
function meets(rows: Rows, order: Int32Array, at: number, step: 1 | -1, limit: number): boolean {
  const { values, width } = rows;
  const row = order[at];
  for (let i = at + step; i >= 0 && i < order.length; i += step) {
    // Rows that are near each other have first numbers that are.
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
  const order = Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => values[a * width] - values[b * width]);
  const rows: Rows = { values, width };
  let twins = 0;
  for (let at = 0; at < n; at++) if (meets(rows, order, at, 1, limit) || meets(rows, order, at, -1, limit)) twins++;
  return twins / n;
}
