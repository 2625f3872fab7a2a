/** What an experiment is: rows that are run with several seeds, and what is expected of them. */
import type { TrainTest } from "../../lib/data/index.js";

/** What one run of a row shows. */
export interface Outcome {
  /** In the row's unit. */
  readonly value: number;
  /** The step, from 0, at which the numbers were no longer finite. */
  readonly brokeAt?: number;
}

/** What was seen elsewhere, and how far from it is still the same result. */
export interface Expected {
  /** A number in the row's unit, or the step at which the run breaks. */
  readonly seen: number | { readonly brokeAt: number };
  /** What the mean over the seeds must lie in; not for runs that break. */
  readonly range?: readonly [low: number, high: number];
}

export interface Row {
  readonly name: string;
  /** The experiment's unless told. */
  readonly unit?: string;
  readonly expected?: Expected;
  /** Must be at least as good as every other row: the package's own choice. */
  readonly ours?: boolean;
  run(seed: number, sets: TrainTest): Promise<Outcome>;
}

export interface Experiment {
  readonly name: string;
  /** One line: net, data, optimizer, steps. */
  readonly about: string;
  /** What the values are, e.g. `% test accuracy`. */
  readonly unit: string;
  /** Whether it trains on the data set: then ranges hold for Fashion-MNIST alone. */
  readonly trains: boolean;
  readonly rows: readonly Row[];
  /** Names of rows in groups, larger values first; within a group any order will do. */
  readonly order?: readonly (readonly string[])[];
  /** What else is known of it, for the report. */
  readonly note?: string;
}

/** Rows from one table: name, published value, range, and how the row is run. */
export const row = (name: string, seen: number, range: readonly [number, number], run: Row["run"]): Row => ({
  name,
  expected: { seen, range },
  run,
});
