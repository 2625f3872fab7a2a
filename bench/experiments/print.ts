/** Verdicts in words. */
import { table } from "../../lib/table.js";
import type { Expected, Experiment } from "./experiment.js";
import type { SeenRow, Verdict } from "./verdict.js";

/** Four digits, for a deviation two. */
const digits = (x: number, count = 4): string => `${Number(x.toPrecision(count))}`;

export function expectedText(expected?: Expected): string {
  if (!expected) return "";
  const { seen, range } = expected;
  if (typeof seen !== "number") return `not finite at step ${seen.brokeAt}`;
  return range ? `${digits(seen)} (${digits(range[0])} to ${digits(range[1])})` : digits(seen);
}

export function seenText({ outcomes, mean, std }: SeenRow): string {
  const broken = outcomes.find(({ brokeAt }) => brokeAt !== undefined);
  if (broken && outcomes.every(({ brokeAt }) => brokeAt === broken.brokeAt))
    return `not finite at step ${broken.brokeAt}`;
  return outcomes.length > 1 ? `${digits(mean)} ± ${digits(std, 2)}` : digits(mean);
}

const loud = (holds: SeenRow["holds"] | Verdict["ordered"]): string => (holds === "no" ? "NO" : (holds ?? ""));

/** Names in their order: a > b = c. */
export const orderText = (order: Experiment["order"]): string =>
  (order ?? []).map((group) => group.join(", ")).join(" > ");

export const head = ["", "expected", "seen", "holds"];

/** A row's name, with its unit where it is not the experiment's. */
const nameOf = (row: SeenRow, experiment: Experiment): string =>
  row.unit === experiment.unit ? row.name : `${row.name} (${row.unit})`;

/** The cells of a verdict's table, without the head; the last row is the ordering, if one is expected. */
export function cells(experiment: Experiment, verdict: Verdict): string[][] {
  const rows = verdict.rows.map((row) => [
    nameOf(row, experiment),
    row.expected ? expectedText(row.expected) : "as good as the best",
    seenText(row),
    loud(row.holds),
  ]);
  if (verdict.ordered !== undefined) rows.push(["ordering", orderText(experiment.order), "", loud(verdict.ordered)]);
  return rows;
}

export function verdictText(experiment: Experiment, verdict: Verdict, seconds: number): string {
  const title = `${experiment.name}: ${experiment.about} (${experiment.unit})`;
  return `${title}\n${table([head, ...cells(experiment, verdict)], { left: 3 })}\n${seconds.toFixed(0)} s\n`;
}
