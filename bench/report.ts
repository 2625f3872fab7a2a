/** `bench:report`: renders the last results into a page of docs/benchmarks for their instruction set, with charts beside it. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { draw } from "./charts.js";
import { type Judgement, judge } from "./judge.js";
import { markdownTable } from "./markdown.js";
import { type Merged, merge, ofLatestBuild } from "./merge.js";
import { source } from "./paths.js";
import { head, means, remarks, row } from "./print.js";
import { type Circumstances, type Entry, readEntries } from "./record.js";
import { suites } from "./suites/index.js";
import { targets } from "./targets.js";

const isBestOfThreads = (name: string): boolean => suites.find((suite) => suite.name === name)?.bestOfThreads ?? false;

/** @param charts the folder of the page's charts, beside it */
function section(name: string, about: string, results: readonly Merged[], charts: string): string {
  const counts = [...new Set(results.map(({ threads }) => threads))].sort();
  const best = isBestOfThreads(name);
  const images = (best ? [counts] : counts.map((n) => [n])).map((group) => {
    const title = best ? name : `${name}, ${group[0]} thread${group[0] > 1 ? "s" : ""}`;
    const file = `${charts}/${best ? name : `${name}-${group[0]}`}.svg`;
    const shown = results.filter(({ threads }) => group.includes(threads));
    writeFileSync(source("docs", "benchmarks", file), draw(title, shown));
    return `![${title}](${file})`;
  });
  const rows = results.map((result) => {
    const [low, high] = result.range ?? [];
    const range = low === undefined || high === undefined ? "–" : `${low.toFixed(2)}–${high.toFixed(2)}`;
    return [...row(result), range, `${result.runs}`];
  });
  const table = markdownTable([...head, "ratio over runs", "runs"], rows);
  const summaries = counts.flatMap((n) => {
    const texts = means(results.filter(({ threads }) => threads === n));
    return texts.map((text) => (counts.length > 1 ? `${n} thread${n > 1 ? "s" : ""}: ${text}` : text));
  });
  const notes = [...summaries, ...remarks(results)].map((text) => `- ${text}`);
  return [`## ${name}`, about[0].toUpperCase() + about.slice(1), ...images, table, notes.join("\n")]
    .filter(Boolean)
    .join("\n\n");
}

function judgements(results: readonly Merged[]): string {
  const judged = targets.flatMap((target) => judge(target, results));
  const rows = judged.map(({ suite, what, goal, measured, reached }: Judgement) => [
    suite,
    what,
    goal,
    measured,
    reached >= 1 ? "reached" : `${Math.round(100 * reached)} % of the goal`,
  ]);
  const count = judged.filter(({ reached }) => reached >= 1).length;
  return `${count} of ${judged.length} are reached.\n\n${markdownTable(["suite", "case", "goal", "measured", ""], rows, 3)}`;
}

function machine(runs: readonly Circumstances[]): string {
  const last = runs[runs.length - 1];
  const versions = Object.assign({}, ...runs.map((run) => run.versions));
  const peers = Object.entries(versions).filter(([, version]) => version);
  return [
    `${last.cpu}, ${last.cores} cores, Node ${last.node}, evengrad's kernels for ${last.isa}.`,
    `Peers: ${peers.map(([name, version]) => `${name} ${version}`).join(", ") || "none"}.`,
    "Commands:",
    `\`\`\`sh\n${[...new Set(runs.map((run) => run.command))].join("\n")}\nnpm run -s bench:report\n\`\`\``,
  ].join("\n\n");
}

/** The page, from what was kept; charts are written beside it. */
function render(entries: readonly Entry[], charts: string): string {
  const merged = merge(entries, isBestOfThreads);
  const sections = suites.flatMap(({ name, about }) => {
    const results = merged.filter(({ suite }) => suite === name);
    return results.length ? section(name, about, results, charts) : [];
  });
  const intro =
    "Peers are timed in turn with evengrad in one run, each in a process of its own, after their results were " +
    "compared. A ratio above 1× means that evengrad is faster than the best of them; figures are medians over runs. Where the " +
    "machine is shared, a core slows down whenever its neighbour is busy: the column `fast tenth` compares where the " +
    "fastest tenth of everyone's samples begins.";
  return [
    "# Benchmarks",
    intro,
    "## The machine",
    machine(entries.map(({ run }) => run)),
    "## Targets",
    judgements(merged),
    ...sections,
  ]
    .join("\n\n")
    .concat("\n");
}

const latest = ofLatestBuild(readEntries());
const isa = latest.at(-1)?.run.isa;
const entries = latest.filter(({ run }) => run.isa === isa);
if (isa === undefined) {
  console.error("bench:report: nothing was measured yet. Run `npm run -s bench -- SUITE` first");
  process.exit(1);
}
const folder = source("docs", "benchmarks", isa);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}.md`, render(entries, isa));
console.log(`docs/benchmarks/${isa}.md: written`);
