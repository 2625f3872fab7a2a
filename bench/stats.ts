/** Medians, quantiles and the comparison of contenders. */
import { isSpeed } from "./suite.js";

/** The middle and the edges of a set of measurements. */
export interface Spread {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

/** A peer as measured. */
export interface Ran extends Spread {
  /** At how many threads it was best, where several were tried. */
  readonly threads?: number;
  /** What makes its work another than ours: it is not counted. */
  readonly note?: string;
}

/** A peer that was measured, was not there, or failed or did other work than ours. */
export type PeerResult = Ran | { readonly absent: string } | { readonly error: string };

/** One case as measured, in the order in which it is printed. */
export interface Result {
  readonly suite: string;
  readonly case: string;
  readonly threads: number;
  readonly unit: string;
  readonly ours: Spread;
  readonly peers: Readonly<Record<string, PeerResult>>;
  /** The fastest peer that ran. */
  readonly best: string | null;
  /** Above 1 when ours is faster than the best peer. */
  readonly ratio: number | null;
  /** What the machine can do at most, in the case's unit. */
  readonly limit: number | null;
}

const rounded = (x: number): number => Number(x.toPrecision(5));

/** A quantile of sorted numbers, linear between two. */
function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error("internal: a spread of no values");
  const sorted = [...values].sort((a, b) => a - b);
  const [median, p10, p90] = [0.5, 0.1, 0.9].map((q) => rounded(quantile(sorted, q)));
  return { median, p10, p90 };
}

export const ran = (peer: PeerResult): peer is Ran => "median" in peer;

/** The better of two values in a unit. */
export const isBetter = (unit: string, a: number, b: number): boolean => (isSpeed(unit) ? a > b : a < b);

/** How many times better ours is: above 1 when ours is faster. */
export const ratioOf = (unit: string, ours: number, other: number): number =>
  rounded(isSpeed(unit) ? ours / other : other / ours);

/** What of a contender's samples stands for it. */
type Measure = (unit: string, spread: Spread) => number;
const median: Measure = (_, spread) => spread.median;
/** Where the fastest tenth of the samples begins: what others do on the machine shows least there. */
export const fastTenth: Measure = (unit, { p10, p90 }) => (isSpeed(unit) ? p90 : p10);

/** The best peer that did the same work, and how ours compares; nulls without one. */
export function compare(
  unit: string,
  ours: Spread,
  peers: Readonly<Record<string, PeerResult>>,
  measure = median,
): { best: string | null; ratio: number | null } {
  let best: [string, number] | undefined;
  for (const [name, peer] of Object.entries(peers)) {
    if (!ran(peer) || peer.note) continue;
    const value = measure(unit, peer);
    if (!best || isBetter(unit, value, best[1])) best = [name, value];
  }
  return best ? { best: best[0], ratio: ratioOf(unit, measure(unit, ours), best[1]) } : { best: null, ratio: null };
}

/** What part of the machine's limit ours reaches, 1 at most on paper. */
export const partOfLimit = ({ unit, ours, limit }: Pick<Result, "unit" | "ours" | "limit">): number | null =>
  limit === null ? null : 1 / ratioOf(unit, limit, ours.median);

/** The mean for ratios: that of 2 and ½ is 1. */
export const geometricMean = (ratios: readonly number[]): number =>
  Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length);
