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

/** A row by its first number: rows that are near each other have first numbers that are. */
interface First {
  readonly row: number;
  readonly first: number;
}

const byFirst = (a: First, b: First): number => a.first - b.first;

/** Whether one of the rows on one side of a place in their order is alike. */
function meets(rows: Rows, order: readonly First[], at: number, step: 1 | -1, limit: number): boolean {
  const { row, first } = order[at];
  for (let i = at + step; i >= 0 && i < order.length; i += step) {
    const apart = order[i].first - first;
    if (apart * apart > limit) return false;
    if (squaredDistance(rows, row, order[i].row) <= limit) return true;
  }
  return false;
}

/** The share of n rows that have a twin among the others. */
export function shareOfTwins(values: ArrayLike<number>, n: number): number {
  const width = values.length / n;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i] * values[i];
  const limit = (alike * squares) / n;
  const order: First[] = [];
  for (let row = 0; row < n; row++) order.push({ row, first: values[row * width] });
  order.sort(byFirst);
  const rows: Rows = { values, width };
  let twins = 0;
  for (let at = 0; at < n; at++) if (meets(rows, order, at, 1, limit) || meets(rows, order, at, -1, limit)) twins++;
  return twins / n;
}
