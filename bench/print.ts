/** Results for people: one aligned table, and what is absent below it. */
import { table } from "../lib/table.js";
import type { Failure } from "./run.js";
import { compare, fastTenth, geometricMean, type PeerResult, partOfLimit, type Result, ran } from "./stats.js";

/** About four digits. */
export function digits(x: number): string {
  const decimals = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(x) || 1)));
  return x.toFixed(Math.min(decimals, 3));
}

export const head = [
  "case",
  "threads",
  "unit",
  "ours",
  "p10–p90",
  "best peer",
  "its median",
  "ratio",
  "fast tenth",
  "of limit",
];

const times = (ratio: number | null): string => (ratio === null ? "–" : `${ratio.toFixed(2)}×`);

/** How ours compares where the fastest tenth of everyone's samples begins. */
const fastRatio = ({ unit, ours, peers }: Result): number | null => compare(unit, ours, peers, fastTenth).ratio;

export function row(result: Result): string[] {
  const { ours, best, peers, ratio } = result;
  const peer: PeerResult | undefined = best === null ? undefined : peers[best];
  const part = partOfLimit(result);
  return [
    result.case,
    `${result.threads}`,
    result.unit,
    digits(ours.median),
    `${digits(ours.p10)}–${digits(ours.p90)}`,
    best ?? "–",
    peer && ran(peer) ? digits(peer.median) : "–",
    times(ratio),
    times(fastRatio(result)),
    part === null ? "–" : `${Math.round(100 * part)} %`,
  ];
}

/** What there is to say of a peer that is not compared. */
function remark(name: string, outcome: PeerResult): string | undefined {
  if ("absent" in outcome) return `${name} is absent: ${outcome.absent}`;
  if ("error" in outcome) return `${name} failed: ${outcome.error}`;
  return outcome.note && `${name} is not counted, for ${outcome.note}: ${digits(outcome.median)}`;
}

/** Remarks on peers, each with the cases that it holds for. */
export function remarks(results: readonly Result[]): string[] {
  const cases = new Map<string, string[]>();
  for (const { case: name, threads, peers } of results) {
    for (const [peer, outcome] of Object.entries(peers)) {
      const text = remark(peer, outcome);
      if (text) cases.set(text, [...(cases.get(text) ?? []), `${name} (${threads})`]);
    }
  }
  return [...cases].map(([text, where]) =>
    where.length === results.length
      ? text
      : `${text} [${where.slice(0, 3).join(", ")}${where.length > 3 ? ", …" : ""}]`,
  );
}

/** The mean over cases, where there are several. */
export function means(results: readonly Result[]): string[] {
  const ratios = results.flatMap(({ ratio }) => ratio ?? []);
  if (ratios.length < 2) return [];
  const fast = geometricMean(results.flatMap((result) => fastRatio(result) ?? []));
  const [mean, least] = [geometricMean(ratios), Math.min(...ratios)].map(times);
  return [`ratio to the best peer: geometric mean ${mean}, least ${least}; of the fast tenths ${times(fast)}`];
}

export function printed(results: readonly (Result | Failure)[]): string {
  const good = results.filter((r): r is Result => "ours" in r);
  const lines = good.length ? [table([head, ...good.map(row)], { left: 1 })] : [];
  lines.push(...means(good), ...remarks(good));
  for (const r of results) if ("failure" in r) lines.push(`${r.suite} ${r.case}: ${r.failure}`);
  return lines.join("\n");
}
