/** The section of repairs: what stayed, with its evidence, and folded away what was tried beside it and taken back. */
import type { RepairRecord } from "../record.js";
import { capital, count, heading, number, when } from "../words.js";
import { code, grid, type Section, text } from "./section.js";

const foundAt = ({ finding, step }: RepairRecord): string =>
  [heading(finding.rule), finding.layer && `in ${finding.layer}`, when(step)].filter(Boolean).join(", ");

function article(record: RepairRecord): string {
  const { backTo, repair, did, code: line, outcome, trial } = record;
  const facts: [string, string][] = [
    ["Found", foundAt(record)],
    ["Went back to", backTo === 0 ? "the beginning" : `step ${backTo}`],
    ["Did", did],
    [
      `Trial of ${count(trial.steps, "step")}`,
      `loss ${number(trial.without, 4)} without, ${number(trial.with, 4)} with it`,
    ],
  ];
  return [
    `<article class="repair ${outcome}">`,
    `<h3>${text("span", outcome, "badge")} ${text("span", heading(repair))}</h3>`,
    "<dl class=facts>",
    ...facts.map(([name, value]) => `<div>${text("dt", name)}${text("dd", value)}</div>`),
    "</dl>",
    ...(line ? [text("h4", "The same by hand"), code(line)] : []),
    "</article>",
  ].join("\n");
}

/** Open where nothing else is to be seen. */
function undoneTable(records: readonly RepairRecord[], open: boolean): string {
  const head = ["Tried and taken back", "Found", "Steps", "Loss without", "Loss with it"];
  const rows = records.map((record) => [
    capital(record.did),
    foundAt(record),
    `${record.trial.steps}`,
    number(record.trial.without, 4),
    number(record.trial.with, 4),
  ]);
  const summary = text("summary", `${records.length} undone: what did not help, or helped less`);
  return `<details${open ? " open" : ""}>${summary}${grid(head, rows)}</details>`;
}

export function repairsSection(repairs: readonly RepairRecord[]): Section | undefined {
  if (!repairs.length) return undefined;
  const kept = repairs.filter(({ outcome }) => outcome === "kept");
  const undone = repairs.filter(({ outcome }) => outcome === "undone");
  const lead = `${count(repairs.length, "repair")} tried, ${kept.length} kept. Each trial ran the same rows with and without it.`;
  const rest = undone.length ? [undoneTable(undone, kept.length === 0)] : [];
  return { id: "repairs", title: "Repairs", body: [text("p", lead), ...kept.map(article), ...rest].join("\n") };
}
