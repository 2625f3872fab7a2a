/** Several runs of the same cases as one: medians over the runs. */
import type { Entry } from "./record.js";
import { compare, type PeerResult, type Result, ran, type Spread, spread } from "./stats.js";

/** A case over its runs. */
export interface Merged extends Result {
  readonly runs: number;
  /** Least and largest ratio of a run. */
  readonly range: readonly [number, number] | null;
}

const middle = (values: readonly number[]): number => spread(values).median;

/** The medians of every number in spreads of the same kind. */
function middles<S extends Spread>(spreads: readonly S[]): S {
  const [first] = spreads;
  const merged = Object.entries(first).map(([key, value]) => {
    const values = spreads.map((s) => (s as Readonly<Record<string, unknown>>)[key]);
    return [key, typeof value === "number" ? middle(values.filter((v) => typeof v === "number")) : value];
  });
  return Object.fromEntries(merged) as S;
}

function mergePeer(outcomes: readonly PeerResult[]): PeerResult {
  const measured = outcomes.filter(ran);
  return measured.length ? middles(measured) : outcomes[outcomes.length - 1];
}

function mergeRuns(entries: readonly Entry[]): Merged {
  const { run: _, ...last } = entries[entries.length - 1];
  const names = [...new Set(entries.flatMap(({ peers }) => Object.keys(peers)))];
  const ours = middles(entries.map((entry) => entry.ours));
  const peers = Object.fromEntries(names.map((name) => [name, mergePeer(entries.flatMap((e) => e.peers[name] ?? []))]));
  const ratios = entries.flatMap(({ ratio }) => ratio ?? []);
  const limits = entries.flatMap(({ limit }) => limit ?? []);
  return {
    ...last,
    ours,
    peers,
    best: compare(last.unit, ours, peers).best,
    ratio: ratios.length ? middle(ratios) : null,
    limit: limits.length ? middle(limits) : null,
    runs: entries.length,
    range: ratios.length ? [Math.min(...ratios), Math.max(...ratios)] : null,
  };
}

/** The entries of each suite that come from the build it was measured with last. */
export function ofLatestBuild(entries: readonly Entry[]): Entry[] {
  const latest = new Map<string, Entry["run"]>();
  for (const { suite, run } of entries) {
    const known = latest.get(suite);
    if (!known || known.at <= run.at) latest.set(suite, run);
  }
  return entries.filter(({ suite, run }) => run.built === latest.get(suite)?.built);
}

/** All runs of a case as one; of suites that are best of threads also those with other numbers of threads. */
export function merge(entries: readonly Entry[], bestOfThreads: (suite: string) => boolean): Merged[] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const { suite, case: name, threads } = entry;
    const key = `${suite} ${name} ${bestOfThreads(suite) ? "" : threads}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].map(mergeRuns);
}
