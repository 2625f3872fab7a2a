/** The section of repairs: what was tried for which finding, how the trial went, and what stayed. */
import type { RepairRecord } from "../record.js";
import { count, heading, number, when } from "../words.js";
import { code, type Section, text } from "./section.js";

function article({ step, backTo, finding, repair, did, code: line, outcome, trial }: RepairRecord): string {
  const found = [heading(finding.rule), finding.layer && `in ${finding.layer}`, when(step)].filter(Boolean).join(", ");
  const facts: [string, string][] = [
    ["Found", found],
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

export function repairsSection(repairs: readonly RepairRecord[]): Section | undefined {
  if (!repairs.length) return undefined;
  const kept = repairs.filter(({ outcome }) => outcome === "kept").length;
  const lead = `${count(repairs.length, "repair")} tried, ${kept} kept. Each trial ran the same rows with and without it.`;
  return { id: "repairs", title: "Repairs", body: [text("p", lead), ...repairs.map(article)].join("\n") };
}
