/** Cutting the rows of a data set into parts. */
import { checkOptions, fail, show } from "../error.js";
import type { OrderOptions } from "./dataset.js";

/** Whether the rows are shuffled before they are cut (true unless told), and from which generator. */
export interface SplitOptions extends OrderOptions {}

/** Where the parts end: counts as they are, fractions rounded so that together they cover every row. */
function boundaries(size: number, parts: readonly number[]): number[] {
  const fractions = parts.every((p) => p > 0 && p < 1);
  if (!fractions && !parts.every((p) => Number.isInteger(p) && p >= 1)) {
    fail("split", `parts must be all fractions below 1 or all whole numbers of rows, got ${show(parts)}`);
  }
  let sum = 0;
  const ends = parts.map((p) => {
    sum += p;
    return fractions ? Math.round(sum * size) : sum;
  });
  if (fractions ? sum > 1 + 1e-9 : sum > size) {
    const most = fractions ? "1" : `the ${size} rows`;
    fail("split", `parts must sum to at most ${most}, got ${show(parts)} with sum ${sum}. Make one smaller`);
  }
  if (ends[ends.length - 1] < size) ends.push(size);
  return ends;
}

/** The rows of each part. */
export function cutRows(
  size: number,
  args: readonly (number | SplitOptions)[],
  order: (options: OrderOptions) => Int32Array,
): Int32Array[] {
  const last = args[args.length - 1];
  const options = typeof last === "object" ? last : {};
  const parts = typeof last === "object" ? args.slice(0, -1) : args;
  checkOptions("split", options, ["shuffle", "generator"]);
  if (parts.length === 0) fail("split", "wants at least one fraction or count, got none. Try split(0.9, 0.1)");
  const wrong = parts.find((p) => typeof p !== "number");
  if (wrong !== undefined) fail("split", `parts must be numbers, got ${show(wrong)}`);
  const ends = boundaries(size, parts as readonly number[]);
  const empty = ends.findIndex((end, i) => end === (ends[i - 1] ?? 0));
  if (empty >= 0) fail("split", `every part must have a row, got none for part ${empty} of ${size} rows`);
  const rows = order({ shuffle: true, ...options });
  return ends.map((end, i) => rows.slice(ends[i - 1] ?? 0, end));
}
