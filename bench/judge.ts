/** Whether targets are reached, and what is missing where they are not. */
import { compare, geometricMean, type PeerResult, type Result, ran, ratioOf } from "./stats.js";
import { isSpeed } from "./suite.js";
import { type Goal, type Target, wording } from "./targets.js";

export interface Judgement {
  readonly suite: string;
  /** The case, with its threads; or how many cases a mean is over. */
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  /** At least 1 where the goal is reached, otherwise the part of the way. */
  readonly reached: number;
}

const among = (peers: Result["peers"], names?: readonly string[]): Record<string, PeerResult> =>
  Object.fromEntries(Object.entries(peers).filter(([name]) => names?.includes(name) ?? true));

const times = (ratio: number): string => `${ratio.toFixed(2)}×`;

function judgeCase(result: Result, goal: Exclude<Goal, { meanRatio: number }>): Judgement[] {
  const { suite, unit, ours } = result;
  const what = `${result.case} (${result.threads})`;
  if ("value" in goal) {
    const reached = isSpeed(unit) ? ours.median / goal.value : goal.value / ours.median;
    return [{ suite, what, goal: wording(goal, unit), measured: `${ours.median} ${unit}`, reached }];
  }
  const { best, ratio } = compare(unit, ours, among(result.peers, goal.peers));
  if (ratio === null) return [];
  return [{ suite, what, goal: wording(goal, unit), measured: `${times(ratio)} ${best}`, reached: ratio / goal.ratio }];
}

/** The geometric mean of ratios to the best peer, or the least of those to every single one. */
function judgeMean(
  results: readonly Result[],
  target: Target,
  goal: Extract<Goal, { meanRatio: number }>,
): Judgement[] {
  const means = new Map<string, number>();
  if (goal.to === "the best") {
    const ratios = results.flatMap(({ ratio }) => ratio ?? []);
    if (ratios.length) means.set("", geometricMean(ratios));
  } else {
    for (const name of new Set(results.flatMap(({ peers }) => Object.keys(peers)))) {
      const ratios = results.flatMap(({ unit, ours, peers: { [name]: peer } }) =>
        peer && ran(peer) ? ratioOf(unit, ours.median, peer.median) : [],
      );
      if (ratios.length) means.set(` ${name}`, geometricMean(ratios));
    }
  }
  const [least] = [...means].sort(([, a], [, b]) => a - b);
  if (!least) return [];
  const [name, mean] = least;
  const what = `${results.length} cases (${target.threads?.join(", ")})`;
  return [
    {
      suite: target.suite,
      what,
      goal: wording(goal, ""),
      measured: `${times(mean)}${name}`,
      reached: mean / goal.meanRatio,
    },
  ];
}

/** Judges a target by what was measured; nothing where nothing was. */
export function judge(target: Target, all: readonly Result[]): Judgement[] {
  const results = all.filter(
    (result) =>
      result.suite === target.suite &&
      (target.cases?.includes(result.case) ?? true) &&
      (target.threads?.includes(result.threads) ?? true),
  );
  const { goal } = target;
  return "meanRatio" in goal ? judgeMean(results, target, goal) : results.flatMap((result) => judgeCase(result, goal));
}
