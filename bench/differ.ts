/** Whether two contenders have done the same work. */

/** Compares elements: each may differ by `relative` of its size and by `absolute` beside that. */
export function closeTo({ relative = 0, absolute = 0 }: { relative?: number; absolute?: number }) {
  return (ours: Float32Array, theirs: Float32Array): string | undefined => {
    if (ours.length !== theirs.length) return `${theirs.length} results for our ${ours.length}`;
    const at = ours.findIndex((x, i) => !(Math.abs(x - theirs[i]) <= absolute + relative * Math.abs(x)));
    return at < 0 ? undefined : `result ${at} is ${theirs[at]}, ours ${ours[at]}`;
  };
}

/** Compares random numbers by the distance of their distribution functions (Kolmogorov–Smirnov). */
export function sameDistribution(ours: Float32Array, theirs: Float32Array): string | undefined {
  const [a, b] = [ours, theirs].map((values) => values.slice().sort());
  let [i, j, distance] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const x = Math.min(a[i], b[j]);
    while (a[i] === x) i++;
    while (b[j] === x) j++;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  // Of two samples of one distribution a billionth is further apart (Smirnov 1948).
  const bound = Math.sqrt(-0.5 * Math.log(5e-10) * (1 / a.length + 1 / b.length));
  return distance <= bound ? undefined : `distributions ${distance.toFixed(4)} apart, at most ${bound.toFixed(4)}`;
}
