/** Keeps the results of every run, one file of JSON lines each. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { isa } from "../lib/run/index.js";
import { build, source } from "./paths.js";
import { versions } from "./run.js";
import type { Result } from "./stats.js";

/** Under which circumstances results came about. */
export interface Circumstances {
  readonly at: string;
  readonly command: string;
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly isa: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Names what was measured: changes with the addon and with the library. */
  readonly built: string;
}

/** What the build measured here was made from. */
function built(): string {
  return ["addon", "dist"].map((name) => readFileSync(source("build", `${name}.hash`), "utf8").slice(0, 12)).join("-");
}

/** One line: a result and how it came about. */
export type Entry = Result & { readonly run: Circumstances };

/** Under build/bench unless BENCH_RESULTS names a folder: tests must not be taken for measurements. */
const folder = process.env.BENCH_RESULTS ?? build("results");

export class Recorder {
  private readonly file: string;
  private readonly at = new Date().toISOString();

  constructor(suite: string) {
    mkdirSync(folder, { recursive: true });
    this.file = join(folder, `${this.at.replace(/\W/g, "")}-${suite}-${process.pid}.jsonl`);
  }

  add(result: Result): void {
    const [{ model }] = cpus();
    const run: Circumstances = {
      at: this.at,
      command: ["npm run -s bench --", ...process.argv.slice(2)].join(" "),
      cpu: model,
      cores: cpus().length,
      node: process.version,
      isa: isa(),
      versions: versions(),
      built: built(),
    };
    appendFileSync(this.file, `${JSON.stringify({ ...result, run })}\n`);
  }
}

/** Every result that was kept, oldest first. */
export function readEntries(): Entry[] {
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const lines = files.flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"));
  return lines.filter(Boolean).map((line) => JSON.parse(line));
}
