/** The page of a report: the verdict and the run's facts on top, then its sections. */
import { escaped, inlined } from "../../chart/svg.js";
import type { History } from "../../train/history.js";
import type { HealthRecord } from "../record.js";
import { capital, count, number } from "../words.js";
import { curvesSection } from "./curves.js";
import { findingsSection } from "./findings.js";
import { histogramsSection } from "./histograms.js";
import { layersSection } from "./layers.js";
import { repairsSection } from "./repairs.js";
import { type Section, text } from "./section.js";
import { style } from "./style.js";

function factsOf({ epochs, losses, seconds, stopped }: History, health: HealthRecord): [string, string][] {
  const last = epochs[epochs.length - 1];
  const duration = seconds < 90 ? `${number(seconds, 2)} s` : `${number(seconds / 60, 2)} min`;
  const kept = health.repairs.filter(({ outcome }) => outcome === "kept").length;
  return [
    ["Trained", `${count(epochs.length, "epoch")}, ${count(losses.length, "step")}, ${duration}`],
    ...(stopped === "completed" ? [] : [["Ended by", stopped] as [string, string]]),
    ...(last ? [["Loss", number(last.loss, 4)] as [string, string]] : []),
    ...(last?.validation ? [["Validation loss", number(last.validation.loss, 4)] as [string, string]] : []),
    ...Object.entries(last?.validation?.metrics ?? last?.metrics ?? {}).map(([name, value]): [string, string] => [
      last?.validation ? `Validation ${name}` : name,
      number(value, 4),
    ]),
    ["Watched", `${count(health.layers.length, "layer")}, ${count(health.samples.length, "look")}`],
    ...(health.repairs.length ? [["Repairs", `${kept} of ${health.repairs.length} kept`] as [string, string]] : []),
  ];
}

/** The whole page as text. */
export function pageOf(history: History, health: HealthRecord, title: string): string {
  const sections = [
    findingsSection(health.findings),
    repairsSection(health.repairs),
    curvesSection(history),
    layersSection(health),
    histogramsSection(health),
  ].filter((section): section is Section => section !== undefined);
  const facts = factsOf(history, health).map(([name, value]) => `<div>${text("dt", name)}${text("dd", value)}</div>`);
  const svgs = inlined(sections.flatMap(({ pictures = [] }) => pictures.map(({ svg }) => svg)));
  let next = 0;
  const bodies = sections.map(({ id, title: heading, body, pictures = [], folded }) => {
    const figures = pictures.map(
      ({ caption }) => `<figure>${svgs[next++]}${caption ? text("figcaption", caption) : ""}</figure>`,
    );
    const charts = figures.length ? `<div class="charts">\n${figures.join("\n")}\n</div>` : "";
    const shown = folded ? `<details>${text("summary", folded)}\n${charts}</details>` : charts;
    return `<section id="${id}">\n${text("h2", heading)}\n${body}\n${shown}\n</section>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="evengrad">
<title>${escaped(title)}</title>
<style>
${style}
</style>
</head>
<body>
<main>
<header class="verdict${health.healthy ? "" : " ill"}">
${text("h1", title)}
${text("strong", capital(health.verdict))}
<dl class="facts">
${facts.join("\n")}
</dl>
<nav>${sections.map(({ id, title: name }) => `<a href="#${id}">${escaped(name)}</a>`).join("\n")}</nav>
</header>
${bodies.join("\n")}
<footer>${text("p", "Numbers of layers are of the batch at hand at each look. Charts of long runs show the extremes of each stretch.")}</footer>
</main>
</body>
</html>
`;
}
