/** Whether two contenders have done the same work. */

/** Compares elements: each may differ by `relative` of its size and by `absolute` beside that. */
export function closeTo({ relative = 0, absolute = 0 }: { relative?: number; absolute?: number }) {
  return (ours: Float32Array, theirs: Float32Array): string | undefined => {
    if (ours.length !== theirs.length) return `${theirs.length} results for our ${ours.length}`;
    const at = ours.findIndex((x, i) => !(Math.abs(x - theirs[i]) <= absolute + relative * Math.abs(x)));
    return at < 0 ? undefined : `result ${at} is ${theirs[at]}, ours ${ours[at]}`;
  };
}
