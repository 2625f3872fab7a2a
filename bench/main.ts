/** The command line of the benchmarks: `bench SUITE [CASE…]`; without a suite lists what there is. */
import { Command, InvalidArgumentError } from "commander";
import { doctorCommand } from "./doctor/main.js";
import { count } from "./options.js";
import { peers } from "./peers.js";
import { printed } from "./print.js";
import { Recorder } from "./record.js";
import { type Failure, missingLimits, run } from "./run.js";
import type { Result } from "./stats.js";
import type { Case, Suite } from "./suite.js";
import { suites } from "./suites/index.js";

function peerList(text: string): string[] {
  if (text === "none") return [];
  const names = text.split(",");
  const unknown = names.find((name) => !(name in peers));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `There is no peer ${unknown}. Wanted none, or some of ${Object.keys(peers).join(",")}.`,
    );
  }
  return names;
}

interface Arguments {
  readonly threads?: number;
  readonly peers?: string[];
  readonly rounds?: number;
  readonly json: boolean;
}

const listing = (): string =>
  [
    ...suites.map(({ name, about, cases }) => `${name}: ${about}\n  ${cases.map((c) => c.name).join(" ")}`),
    `${doctorCommand.name()}: ${doctorCommand.description()}`,
  ].join("\n");

function choose(command: Command, name: string, wanted: readonly string[]): { suite: Suite; cases: readonly Case[] } {
  const suite = suites.find((s) => s.name === name);
  if (!suite)
    return command.error(`error: there is no suite ${name}; wanted one of ${suites.map((s) => s.name).join(", ")}`);
  const unknown = wanted.find((w) => !suite.cases.some((c) => c.name === w));
  if (unknown !== undefined) command.error(`error: ${name} has no case ${unknown}; \`bench\` alone lists them`);
  return { suite, cases: wanted.length ? suite.cases.filter((c) => wanted.includes(c.name)) : suite.cases };
}

const command = new Command("bench")
  .description("Measures evengrad beside its peers, in turn. Without a suite, lists suites and cases.")
  .argument("[suite]")
  .argument("[cases...]", "all of the suite's unless told")
  .option("--threads <n>", "compute threads (1 and 2, one after the other, unless told)", count)
  .option("--peers <names>", "which of the suite's peers take part, with commas, or none (all unless told)", peerList)
  .option("--rounds <n>", "how often each is measured", count)
  .option("--json", "print one JSON object a line, and nothing else", false)
  .showHelpAfterError("(bench --help tells more)")
  .enablePositionalOptions() // both have --json and --threads
  .addCommand(doctorCommand)
  .action(async (name: string | undefined, wanted: string[], options: Arguments) => {
    if (name === undefined) return console.log(listing());
    const { suite, cases } = choose(command, name, wanted);
    const recorder = new Recorder(suite.name);
    const results: (Result | Failure)[] = [];
    const { threads, json, ...rest } = options;
    for await (const result of run(suite, cases, { ...rest, ...(threads && { threads: [threads] }) })) {
      results.push(result);
      if ("failure" in result) process.exitCode = 1;
      else recorder.add(result);
      if (json && !("failure" in result)) console.log(JSON.stringify(result));
      else if (json && "failure" in result) console.error(`${result.suite} ${result.case}: ${result.failure}`);
    }
    if (json) return;
    console.log(printed(results));
    const reason = missingLimits();
    if (reason !== undefined) console.log(`the machine's limits were not measured: ${reason}`);
  });

await command.parseAsync();
