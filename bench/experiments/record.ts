/** What was seen, kept under build/, so that a report can be made of runs on different days. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { isa, threads } from "../../lib/run/index.js";
import { build } from "../paths.js";
import type { Experiment, Outcome } from "./experiment.js";

export interface Kept {
  readonly rows: readonly string[];
  /** One list per row, one outcome per seed. */
  readonly outcomes: readonly (readonly Outcome[])[];
  readonly data: string;
  /** Whether published ranges are of that data. */
  readonly published: boolean;
  readonly seconds: number;
  readonly machine: string;
}

export const machine = (): string =>
  `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${threads()} threads, ${isa()}, Node ${process.versions.node}`;

const fileOf = ({ name }: Experiment): string => build("experiments", `${name}.json`);

export function keep(experiment: Experiment, kept: Kept): void {
  mkdirSync(build("experiments"), { recursive: true });
  writeFileSync(fileOf(experiment), JSON.stringify(kept));
}

/** The latest run of an experiment, unless its rows have changed since. */
export function latest(experiment: Experiment): Kept | undefined {
  if (!existsSync(fileOf(experiment))) return undefined;
  const kept = JSON.parse(readFileSync(fileOf(experiment), "utf8")) as Kept;
  return kept.rows.join() === experiment.rows.map(({ name }) => name).join() ? kept : undefined;
}
