/** The doctor on runs of the zoo: what it says before the first step and while training, and what its repairs come to. */

import type { Finding } from "../../lib/health/finding.js";
import * as health from "../../lib/health/index.js";
import { fit } from "../../lib/train/index.js";
import type { RunSpec } from "./spec.js";
import { prepare, scoreOf } from "./train.js";

/** What a doctor that fails has to say for itself; a run that ends with an error, too. */
async function guarded<T>(run: () => Promise<T>): Promise<{ value?: T; error?: string }> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : `${error}` };
  }
}

/** What one run was said to have. */
export interface Diagnosis {
  /** By `checkup` alone. */
  readonly before: readonly Finding[];
  /** By `fit` with `health: true`, in the order in which they were made. */
  readonly during: readonly Finding[];
  /** What the checkup or the run ended with. */
  readonly errors: readonly string[];
}

/** Looks at a run before its first step, and again while it trains, with the defaults. */
export async function diagnose(run: RunSpec, seed: number): Promise<Diagnosis> {
  const { model, sets, options } = await prepare(run, seed);
  const { loss, optimizer, batchSize, validation } = options;
  const sample = { loss, optimizer, batchSize, validation };
  const looked = await guarded(async () => (await health.checkup(model, sets.train, sample)).findings);
  const again = await prepare(run, seed);
  const during: Finding[] = [];
  const onFinding = (finding: Finding): void => {
    during.push(finding);
  };
  const fitted = await guarded(() => fit(again.model, sets.train, { ...again.options, health: { onFinding } }));
  const errors = [looked.error && `checkup: ${looked.error}`, fitted.error && `fit: ${fitted.error}`];
  return { before: looked.value ?? [], during, errors: errors.filter((e) => e !== undefined) };
}

/** What a run comes to whose faults are repaired as they are found. */
export interface Mended {
  readonly score: number;
  /** Steps made in all: of the run, of those that were taken back, and of trials with and without each repair. */
  readonly steps: number;
  readonly repairs: readonly { rule: string; repair: string; did: string; outcome: string; step: number }[];
  readonly error?: string;
}

export async function mend(run: RunSpec, seed: number): Promise<Mended> {
  const prepared = await prepare(run, seed);
  const { model, sets, options, optimizer } = prepared;
  const { value: history, error } = await guarded(() =>
    fit(model, sets.train, { ...options, health: { repair: "auto" } }),
  );
  const done = history?.health?.repairs ?? [];
  const repairs = done.map(({ finding, repair, did, outcome, step }) => ({
    ...{ rule: finding.rule, repair, did, outcome, step },
  }));
  const extra = done.reduce((sum, { step, backTo, trial }) => sum + (step - backTo) + 2 * trial.steps, 0);
  const steps = (history?.losses.length ?? optimizer.steps) + extra;
  return { score: await scoreOf(prepared), steps, repairs, ...(error !== undefined && { error }) };
}
