/** Keeps the results of every run under build/bench/results, one file of JSON lines each. */
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
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

export class Recorder {
  private readonly file: string;
  private readonly at = new Date().toISOString();

  constructor(suite: string) {
    mkdirSync(build("results"), { recursive: true });
    this.file = build("results", `${this.at.replace(/\W/g, "")}-${suite}-${process.pid}.jsonl`);
  }

  add(result: Result): void {
    const [{ model }] = cpus();
    const circumstances: Circumstances = {
      at: this.at,
      command: ["npm run -s bench --", ...process.argv.slice(2)].join(" "),
      cpu: model,
      cores: cpus().length,
      node: process.version,
      versions: versions(),
      built: built(),
    };
    appendFileSync(this.file, `${JSON.stringify({ ...result, run: circumstances })}\n`);
  }
}
