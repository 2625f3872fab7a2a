/** Whether what was seen is what was expected. */
import type { Expected, Experiment, Outcome, Row } from "./experiment.js";

/** A row with what its seeds gave. */
export interface SeenRow {
  readonly name: string;
  readonly unit: string;
  readonly expected?: Expected;
  readonly outcomes: readonly Outcome[];
  readonly mean: number;
  /** Standard deviation over the seeds, 0 for one. */
  readonly std: number;
  /**
   * Whether the mean is in the range, or, where seeds differ by more than the range is wide, the published number is what
   * one more seed may give; for a row of ours whether it is as good as the best. Undefined if nothing is expected.
   */
  readonly holds?: "yes" | "in spread" | "no";
}

export interface Verdict {
  readonly experiment: string;
  readonly rows: readonly SeenRow[];
  /** Whether the groups came in the order that was expected, or too close to tell; undefined if none is expected. */
  readonly ordered?: "yes" | "undecided" | "no";
  /** Whether everything that was judged holds. */
  readonly holds: boolean;
}

/** How much less a row of ours may have than the best of the others, in the experiment's unit: what seeds differ by. */
export const slack = 1;

export const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

export function stdOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
}

const yesOrNo = (holds: boolean): "yes" | "no" => (holds ? "yes" : "no");

function fits({ seen, range }: Expected, outcomes: readonly Outcome[]): SeenRow["holds"] {
  if (typeof seen !== "number") return yesOrNo(outcomes.every(({ brokeAt }) => brokeAt === seen.brokeAt));
  const values = outcomes.map(({ value }) => value);
  const mean = meanOf(values);
  if (range === undefined || (mean >= range[0] && mean <= range[1])) return "yes";
  // A further run lies within two deviations of the mean of n, which is itself off by 1/√n of one.
  return Math.abs(seen - mean) <= 2 * stdOf(values) * Math.sqrt(1 + 1 / values.length) ? "in spread" : "no";
}

/** Two means in the wrong order are undecided as long as they are within two standard errors of each other. */
function orderOf(groups: readonly (readonly SeenRow[])[]): Verdict["ordered"] {
  const pairs = groups.slice(1).flatMap((group, i) => groups[i].flatMap((a) => group.map((b) => [a, b])));
  const wrong = pairs.filter(([a, b]) => !(a.mean > b.mean));
  const error = (row: SeenRow): number => row.std ** 2 / row.outcomes.length;
  const close = ([a, b]: SeenRow[]): boolean => b.mean - a.mean <= 2 * Math.sqrt(error(a) + error(b));
  if (wrong.length === 0) return "yes";
  return wrong.every(close) ? "undecided" : "no";
}

/**
 * Judges the outcomes of each row, one per seed, in the order of the experiment's rows.
 * @param ranges whether published numbers hold for the data at hand, or orderings alone
 */
export function judge(experiment: Experiment, outcomes: readonly (readonly Outcome[])[], ranges = true): Verdict {
  const { rows, order, unit } = experiment;
  const means = outcomes.map((list) => meanOf(list.map(({ value }) => value)));
  const best = Math.max(...means.filter((mean, i) => !rows[i].ours && !Number.isNaN(mean)));
  const judged = (row: Row, i: number): SeenRow["holds"] => {
    if (row.ours) return yesOrNo(means[i] >= best - slack);
    return row.expected && ranges ? fits(row.expected, outcomes[i]) : undefined;
  };
  const seen = rows.map(
    (row, i): SeenRow => ({
      name: row.name,
      unit: row.unit ?? unit,
      expected: row.expected,
      outcomes: outcomes[i],
      mean: means[i],
      std: stdOf(outcomes[i].map(({ value }) => value)),
      holds: judged(row, i),
    }),
  );
  const groups = order?.map((names) => seen.filter(({ name }) => names.includes(name)));
  const ordered = groups && orderOf(groups);
  const holds = ordered !== "no" && seen.every((row) => row.holds !== "no");
  return { experiment: experiment.name, rows: seen, ordered, holds };
}
