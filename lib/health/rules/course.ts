/** How the loss has gone so far, in one word and a few numbers. */
import { ascending, deviation, mean } from "../numbers.js";

/**
 * `early`: too soon to say; `diverging`: above where it began; `oscillating`: up and down without getting anywhere;
 * `stalled`: no better than an answer that ignores the input; `slow`: falling, but not fast enough to get anywhere in the
 * steps that are planned; `learning`: everything else.
 */
export type CourseName = "diverging" | "early" | "learning" | "oscillating" | "slow" | "stalled";

export interface Course {
  readonly name: CourseName;
  /** Mean loss of the first and of the latest steps, and the lowest such mean so far. */
  readonly first: number;
  readonly recent: number;
  readonly best: number;
  /** Standard deviation of the latest losses. */
  readonly noise: number;
}

/** What more than half of a list reaches: a few batches far above the others are no course. */
const reachedByMost = (list: readonly number[]): number => ascending(list)[(list.length - 1) >> 1];

/** Lowest mean of any window of so many losses. */
function lowest(losses: readonly number[], window: number): number {
  let least = Infinity;
  for (let i = 0; i + window <= losses.length; i += Math.max(1, window >> 1))
    least = Math.min(least, mean(losses.slice(i, i + window)));
  return least;
}

/**
 * @param total steps that are planned
 * @param chance loss of the best answer that ignores the input, where known
 * @param validation the latest loss of validation: batches, their norms and dropout shake that of a step
 */
export function courseOf(
  losses: readonly number[],
  total: number,
  chance: number | undefined,
  validation = Number.POSITIVE_INFINITY,
): Course {
  const n = losses.length;
  const window = Math.max(1, Math.min(100, Math.floor(n / 5)));
  const [begin, end] = [losses.slice(0, Math.min(10, window)), losses.slice(-window)];
  const [first, recent] = [mean(begin), mean(end)];
  const numbers = { first, recent, best: lowest(losses, window), noise: deviation(end) };
  const scale = chance ?? first;
  const name = (): CourseName => {
    if (!losses.every(Number.isFinite)) return "diverging";
    if (n < 20) return "early";
    const start = Math.max(first, Math.min(scale, 2 * first));
    const risen = (loss: number): boolean => loss > 1.5 * start && loss > 1.5 * scale;
    // Steps that are too long at first may be right for where they lead to: a quarter of the run, or of a long one a
    // thousand steps, are to show that they are not.
    if (n >= Math.min(0.25 * total, 1000) && risen(recent) && risen(reachedByMost(end))) return "diverging";
    // Many a sound run shakes or waits for a while: three quarters are to be made before that counts.
    if (n < Math.max(40, 0.75 * total)) return "early";
    // Where a run got to is held against chance, where that is known: its first ten steps may have got it far below that.
    const reached = validation < recent ? validation : recent;
    if (numbers.noise > 0.3 * scale && reached > 0.6 * scale) return "oscillating";
    if (reached > 0.95 * scale) return "stalled";
    if (n < 0.9 * total) return "learning";
    // Many a run waits on a plateau and then falls ever faster: its latest steps tell where it will end.
    const before = mean(losses.slice(-2 * window, -window));
    const [all, late] = [(first - recent) / (n - window / 2), (before - recent) / window];
    const later = late > 1.5 * all ? recent - late * (total - n + window / 2) : recent - all * (total - n);
    if (later > 0.75 * scale && reached > 0.7 * scale) return "slow";
    return "learning";
  };
  return { name: name(), ...numbers };
}
