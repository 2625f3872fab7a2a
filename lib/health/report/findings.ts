/** The section of findings: each with its evidence, its mechanism and ranked repairs. */
import type { Finding } from "../finding.js";
import { capital, count, heading, when } from "../words.js";
import { code, type Section, text } from "./section.js";

function article(finding: Finding, number: number): string {
  const { severity, rule, layer, step, measured, normal, why, source, advice } = finding;
  const where = [layer, when(step)].filter(Boolean).join(", ");
  const repairs = advice
    .map((a) => `<li>${text("span", capital(a.text))}${a.code ? code(a.code) : ""}</li>`)
    .join("\n");
  return [
    `<article class="finding ${severity}">`,
    `<h3>${text("span", severity, "badge")} #${number} ${text("span", heading(rule))}</h3>`,
    text("p", where, "where"),
    "<dl class=evidence>",
    `<div>${text("dt", "Measured")}${text("dd", measured)}</div>`,
    `<div>${text("dt", "Normal")}${text("dd", normal)}</div>`,
    "</dl>",
    text("p", why),
    ...(repairs
      ? [text("h4", advice.length > 1 ? "Repairs, most promising first" : "Repair"), `<ol>${repairs}</ol>`]
      : []),
    ...(source ? [text("p", `Threshold: ${source}`, "source")] : []),
    "</article>",
  ].join("\n");
}

export function findingsSection(findings: readonly Finding[]): Section {
  const title = findings.length ? count(findings.length, "finding") : "Findings";
  const body = findings.length
    ? findings.map((finding, i) => article(finding, i + 1)).join("\n")
    : text("p", "Nothing stood out at any look.");
  return { id: "findings", title, body };
}
