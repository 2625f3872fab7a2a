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
   * one more seed may give; for a row of ours whether it is as good as the best, or too close to tell. Undefined if nothing
   * is expected.
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

type Measured = Omit<SeenRow, "holds">;

function fits({ seen, range }: Expected, { outcomes, mean, std }: Measured): SeenRow["holds"] {
  if (typeof seen !== "number") return yesOrNo(outcomes.every(({ brokeAt }) => brokeAt === seen.brokeAt));
  if (range === undefined || (mean >= range[0] && mean <= range[1])) return "yes";
  // A further run lies within two deviations of the mean of n, which is itself off by 1/√n of one.
  return Math.abs(seen - mean) <= 2 * std * Math.sqrt(1 + 1 / outcomes.length) ? "in spread" : "no";
}

/** Whether a mean is below another by no more than two standard errors of their difference. */
function closeBelow(a: Measured, b: Measured): boolean {
  const error = ({ std, outcomes }: Measured): number => std ** 2 / outcomes.length;
  return b.mean - a.mean <= 2 * Math.sqrt(error(a) + error(b));
}

function asGoodAs(others: readonly Measured[], ours: Measured): SeenRow["holds"] {
  const better = others.filter(({ mean }) => ours.mean < mean - slack);
  if (better.length === 0) return "yes";
  return better.every((other) => closeBelow(ours, other)) ? "in spread" : "no";
}

/** Whether means fall from group to group; some in the wrong order, but close, decide nothing. */
function orderOf(groups: readonly (readonly Measured[])[]): Verdict["ordered"] {
  const pairs = groups.slice(1).flatMap((group, i) => groups[i].flatMap((a) => group.map((b) => [a, b])));
  const wrong = pairs.filter(([a, b]) => !(a.mean > b.mean));
  if (wrong.length === 0) return "yes";
  return wrong.every(([a, b]) => closeBelow(a, b)) ? "undecided" : "no";
}

/**
 * Judges the outcomes of each row, one per seed, in the order of the experiment's rows.
 * @param ranges whether published numbers hold for the data at hand, or orderings alone
 */
export function judge(experiment: Experiment, outcomes: readonly (readonly Outcome[])[], ranges = true): Verdict {
  const { rows, order, unit } = experiment;
  const measured = rows.map((row, i): Measured => {
    const values = outcomes[i].map(({ value }) => value);
    const { name, expected } = row;
    return { name, unit: row.unit ?? unit, expected, outcomes: outcomes[i], mean: meanOf(values), std: stdOf(values) };
  });
  const others = measured.filter((_, i) => !rows[i].ours);
  const judged = (row: Row, i: number): SeenRow["holds"] => {
    if (row.ours) return asGoodAs(others, measured[i]);
    return row.expected && ranges ? fits(row.expected, measured[i]) : undefined;
  };
  const seen = measured.map((row, i): SeenRow => ({ ...row, holds: judged(rows[i], i) }));
  const groups = order?.map((names) => seen.filter(({ name }) => names.includes(name)));
  const ordered = groups && orderOf(groups);
  const holds = ordered !== "no" && seen.every((row) => row.holds !== "no");
  return { experiment: experiment.name, rows: seen, ordered, holds };
}
