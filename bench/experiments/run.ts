/** Runs experiments. */
import type { Experiment, Outcome } from "./experiment.js";
import { type Kept, keep, machine } from "./record.js";
import type { Sets } from "./sets.js";
import { judge, type Verdict } from "./verdict.js";

/** Every row with seeds 1, 2, …; what is seen is kept. */
export async function runExperiment(experiment: Experiment, sets: Sets, seeds: number): Promise<Kept> {
  const began = performance.now();
  const outcomes: Outcome[][] = [];
  for (const row of experiment.rows) {
    const list: Outcome[] = [];
    for (let seed = 1; seed <= seeds; seed++) list.push(await row.run(seed, sets));
    outcomes.push(list);
  }
  const kept: Kept = {
    rows: experiment.rows.map(({ name }) => name),
    outcomes,
    data: sets.name,
    published: sets.published,
    seconds: (performance.now() - began) / 1000,
    machine: machine(),
  };
  keep(experiment, kept);
  return kept;
}

/** Ranges count for the published data, and where there is no data at all. */
export const verdictOn = (experiment: Experiment, { outcomes, published }: Kept): Verdict =>
  judge(experiment, outcomes, published || !experiment.trains);
