/** Long series cut down to what a screen can show, with their extremes kept. */

/** Consecutive stretches [from, to) that share out n items, at most `count`. */
export function stretches(n: number, count: number): [from: number, to: number][] {
  const pieces = Math.min(n, count);
  return Array.from({ length: pieces }, (_, i) => [Math.floor((i * n) / pieces), Math.floor(((i + 1) * n) / pieces)]);
}

/** Values at 0, 1, 2, … as points, of each stretch the smallest, the largest and one that is not finite, in their order. */
export function thinned(values: readonly number[], count = 240): [x: number, y: number][] {
  return stretches(values.length, count).flatMap(([from, to]) => {
    let [low, high, odd] = [-1, -1, -1];
    for (let i = from; i < to; i++) {
      if (!Number.isFinite(values[i])) odd = odd < 0 ? i : odd;
      else {
        if (low < 0 || values[i] < values[low]) low = i;
        if (high < 0 || values[i] > values[high]) high = i;
      }
    }
    const kept = [...new Set([low, high, odd])].filter((i) => i >= 0).sort((a, b) => a - b);
    return kept.map((i): [number, number] => [i, values[i]]);
  });
}

/** The value of each stretch that lies farthest from a normal one; NaN before all. */
export function farthest(values: readonly number[], normal: number, count: number): number[] {
  const distance = (x: number): number => (Number.isNaN(x) ? Infinity : Math.abs(x - normal));
  return stretches(values.length, count).map(([from, to]) => {
    let at = from;
    for (let i = from + 1; i < to; i++) {
      if (Number.isNaN(values[at])) break;
      if (Number.isNaN(values[i]) || distance(values[i]) > distance(values[at])) at = i;
    }
    return values[at];
  });
}
