/** Runs experiments and judges them. */
import type { Experiment, Outcome } from "./experiment.js";
import type { Sets } from "./sets.js";
import { judge, type Verdict } from "./verdict.js";

/** An experiment that was run. */
export interface Result {
  readonly experiment: Experiment;
  readonly verdict: Verdict;
  readonly seconds: number;
}

/** Every row with seeds 1, 2, …. */
export async function runExperiment(experiment: Experiment, sets: Sets, seeds: number): Promise<Result> {
  const began = performance.now();
  const outcomes: Outcome[][] = [];
  for (const row of experiment.rows) {
    const list: Outcome[] = [];
    for (let seed = 1; seed <= seeds; seed++) list.push(await row.run(seed, sets));
    outcomes.push(list);
  }
  const verdict = judge(experiment, outcomes, sets.published || !experiment.trains);
  return { experiment, verdict, seconds: (performance.now() - began) / 1000 };
}
