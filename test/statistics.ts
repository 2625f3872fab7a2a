/** Exact distributions and the tests that samples of them pass: moments, Kolmogorov–Smirnov, correlation. */
import { erf } from "../lib/ops/erf.js";

/** A continuous distribution. */
export interface Law {
  readonly mean: number;
  readonly variance: number;
  /** Fourth central moment over variance². */
  readonly kurtosis: number;
  cdf(x: number): number;
}

const phi = (x: number): number => 0.5 * (1 + erf(x / Math.SQRT2));

export const normalLaw = (std: number, mean = 0): Law => ({
  mean,
  variance: std ** 2,
  kurtosis: 3,
  cdf: (x) => phi((x - mean) / std),
});

/** Uniform, of a standard deviation. */
export function uniformLaw(std: number, mean = 0): Law {
  const bound = Math.sqrt(3) * std;
  return {
    mean,
    variance: std ** 2,
    kurtosis: 1.8,
    cdf: (x) => Math.min(1, Math.max(0, (x - mean + bound) / (2 * bound))),
  };
}

/** Normal cut at two of its deviations, of a standard deviation after the cut. */
export function truncatedLaw(std: number, mean = 0): Law {
  const before = std / 0.8796256610342398;
  const [low, high] = [phi(-2), phi(2)];
  const cdf = (x: number): number => (phi(Math.min(2, Math.max(-2, (x - mean) / before))) - low) / (high - low);
  return { mean, variance: std ** 2, kurtosis: 2.37, cdf };
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

export function varianceOf(values: ArrayLike<number>, mean = meanOf(values)): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] - mean) ** 2;
  return sum / values.length;
}

/** √n times the largest distance between the empirical and the exact distribution function. */
export function kolmogorovSmirnov(values: ArrayLike<number>, { cdf }: Law): number {
  const sorted = Float64Array.from(values).sort();
  let worst = 0;
  for (let i = 0; i < sorted.length; i++) {
    const exact = cdf(sorted[i]);
    worst = Math.max(worst, (i + 1) / sorted.length - exact, exact - i / sorted.length);
  }
  return worst * Math.sqrt(sorted.length);
}

/** What a sample of a law would do less than once in ten thousand times, as text for `expect(…).toEqual([])`. */
export function departures(values: ArrayLike<number>, law: Law): string[] {
  const n = values.length;
  const mean = meanOf(values);
  const found: [string, number, number][] = [
    ["mean", Math.abs(mean - law.mean) / Math.sqrt(law.variance / n), 4],
    ["variance", Math.abs(varianceOf(values, law.mean) / law.variance - 1) / Math.sqrt((law.kurtosis - 1) / n), 4],
    ["Kolmogorov–Smirnov", kolmogorovSmirnov(values, law), 2.23],
  ];
  return found.flatMap(([name, got, most]) => (got <= most ? [] : [`${name} ${got.toFixed(2)} > ${most}`]));
}

/** Correlation of two samples times √n: a standard normal number if they are independent. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = Math.min(a.length, b.length);
  const [ma, mb] = [meanOf(a), meanOf(b)];
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (a[i] - ma) * (b[i] - mb);
  return sum / Math.sqrt(n * varianceOf(a, ma) * varianceOf(b, mb));
}
