/** `npm run experiments`: runs the experiments that are named, or all, and says whether published results hold. */
import { Command } from "commander";
import { closest } from "../../lib/error.js";
import { count } from "../options.js";
import type { Experiment } from "./experiment.js";
import { experiments } from "./index.js";
import { verdictText } from "./print.js";
import { writeReport } from "./report.js";
import { runExperiment, verdictOn } from "./run.js";
import { readSets } from "./sets.js";

interface Flags {
  seeds: number;
  data?: string;
  json: boolean;
  list: boolean;
  report: boolean;
}

function choose(names: readonly string[]): Experiment[] {
  const known = experiments.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const guess = closest(name, known);
    throw new Error(`no experiment ${name}. ${guess ? `Did you mean ${guess}?` : `There are: ${known.join(", ")}`}`);
  }
  return experiments.filter(({ name }) => names.length === 0 || names.includes(name));
}

async function main(names: string[], { seeds, data, json, list, report }: Flags): Promise<void> {
  const chosen = choose(names);
  if (list) return console.log(chosen.map(({ name, about }) => `${name.padEnd(16)} ${about}`).join("\n"));
  const sets = await readSets(data);
  if (!json) console.log(`data: ${sets.name}${sets.published ? "" : " (published ranges are not judged)"}\n`);
  for (const experiment of chosen) {
    const kept = await runExperiment(experiment, sets, seeds);
    const verdict = verdictOn(experiment, kept);
    const line = { ...verdict, seconds: kept.seconds, data: kept.data };
    console.log(json ? JSON.stringify(line) : verdictText(experiment, verdict, kept.seconds));
    if (!verdict.holds) process.exitCode = 1;
  }
  if (report) writeReport();
}

await new Command("experiments")
  .argument("[names...]", "which; all unless told")
  .option("--seeds <n>", "runs of each row", count, 3)
  .option("--data <dir>", "folder of IDX files")
  .option("--json", "one object a line", false)
  .option("--report", "writes docs/experiments.md from the latest run of each", false)
  .option("--list", "names only", false)
  .action(main)
  .parseAsync()
  .catch((error: Error) => {
    console.error(`experiments: ${error.message}`);
    process.exitCode = 1;
  });
