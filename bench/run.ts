/** A suite's cases, one after the other, for each number of threads: results as they come. */

import { type Entrant, type Measured, measure, Processes } from "./measure.js";
import { source } from "./paths.js";
import { hosted, machine, type Presence, peers } from "./peers.js";
import { compare, isBetter, type PeerResult, type Result, ran } from "./stats.js";
import { type Case, isSpeed, type Suite } from "./suite.js";

export interface Options {
  /** Numbers of threads; those that make sense for the suite unless told. */
  readonly threads?: readonly number[];
  /** Names of peers; the suite's unless told. */
  readonly peers?: readonly string[];
  readonly rounds?: number;
}

/** A case that could not be measured: ours failed. */
export interface Failure {
  readonly suite: string;
  readonly case: string;
  readonly failure: string;
}

const ours = hosted(source("build/bench/js/bench/ours/kinds.js"));

/** Looks for each peer once. */
const presences = new Map<string, Presence>();
function presence(name: string): Presence {
  const known = presences.get(name) ?? (name === "machine" ? machine() : peers[name]());
  presences.set(name, known);
  return known;
}

/** Why no limits of the machine were measured, if some were asked for. */
export function missingLimits(): string | undefined {
  const found = presences.get("machine");
  return found && "absent" in found ? found.absent : undefined;
}

/** Versions of the peers that were there. */
export const versions = (): Record<string, string> =>
  Object.fromEntries([...presences].flatMap(([name, found]) => ("version" in found ? [[name, found.version]] : [])));

/** Of a peer's outcomes over numbers of threads the best one. */
function bestOutcome(unit: string, outcomes: readonly Measured[], several: boolean): PeerResult {
  let best: Measured | undefined;
  for (const measured of outcomes) {
    const { outcome } = measured;
    if (!best || !ran(best.outcome)) best = measured;
    else if (ran(outcome) && isBetter(unit, outcome.median, best.outcome.median)) best = measured;
  }
  if (!best) throw new Error("internal: a peer without outcomes");
  return several && ran(best.outcome) ? { ...best.outcome, threads: best.threads } : best.outcome;
}

/** Measures one case; `threads` for ours, `peerThreads` for the others. */
async function runCase(
  suite: Suite,
  task: Case,
  threads: readonly number[],
  peerThreads: readonly number[],
  options: Options,
  processes: Processes,
): Promise<Result | Failure> {
  const names = (task.peers ?? suite.peers).filter((name) => options.peers?.includes(name) ?? true);
  const absent: Record<string, PeerResult> = {};
  const entrants: Entrant[] = threads.map((n) => ({ name: "ours", threads: n, command: ours, task }));
  const enter = (name: string, found: Presence, counts: readonly number[], work: Entrant["task"]): void => {
    if ("absent" in found) absent[name] = found;
    else for (const n of counts) entrants.push({ name, threads: n, command: found.command, task: work });
  };
  for (const name of names) enter(name, presence(name), peerThreads, task);
  if (task.limit) enter("machine", presence("machine"), threads, task.limit);
  const { rounds = 5, sampleMs = 25, fresh = false } = suite;
  const all = await measure(task, entrants, { rounds: options.rounds ?? rounds, sampleMs, fresh }, processes);

  const of = (name: string): Measured[] => all.filter((measured) => measured.name === name);
  const own = of("ours").reduce((a, b) =>
    ran(a.outcome) && ran(b.outcome) && isBetter(task.unit, b.outcome.median, a.outcome.median) ? b : a,
  );
  const where = { suite: suite.name, case: task.name };
  if (!ran(own.outcome)) return { ...where, failure: "error" in own.outcome ? own.outcome.error : own.outcome.absent };
  const others: Record<string, PeerResult> = {};
  for (const name of names) {
    others[name] = absent[name] ?? bestOutcome(task.unit, of(name), suite.bestOfThreads ?? false);
  }
  const limit = of("machine").find((measured) => measured.threads === own.threads)?.outcome;
  return {
    ...where,
    threads: own.threads,
    unit: task.unit,
    ours: own.outcome,
    peers: others,
    ...compare(task.unit, own.outcome, others),
    limit: limit && ran(limit) ? (isSpeed(task.unit) ? limit.p90 : limit.p10) : null,
  };
}

/** Measures cases of a suite. */
export async function* run(suite: Suite, cases: readonly Case[], options: Options): AsyncGenerator<Result | Failure> {
  const threads = options.threads ?? suite.threads ?? [1, 2];
  const groups = suite.bestOfThreads ? [threads] : threads.map((n) => [n]);
  const processes = new Processes();
  try {
    for (const group of groups) {
      for (const task of cases) {
        yield await runCase(suite, task, group, suite.bestOfThreads ? [1, 2] : group, options, processes);
      }
      processes.end();
    }
  } finally {
    processes.end();
  }
}
