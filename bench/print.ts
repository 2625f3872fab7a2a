/** Results for people: one aligned table, and what is absent below it. */
import { table } from "../lib/table.js";
import type { Failure } from "./run.js";
import { type PeerResult, partOfLimit, type Result, ran } from "./stats.js";

/** About four digits. */
export function digits(x: number): string {
  const decimals = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(x) || 1)));
  return x.toFixed(Math.min(decimals, 3));
}

const head = ["case", "threads", "unit", "ours", "p10–p90", "best peer", "its median", "ratio", "of limit"];

function row(result: Result): string[] {
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
    ratio === null ? "–" : `${ratio.toFixed(2)}×`,
    part === null ? "–" : `${Math.round(100 * part)} %`,
  ];
}

/** Peers without a figure, each with why and for which cases. */
function missing(results: readonly Result[]): string[] {
  const cases = new Map<string, string[]>();
  for (const { case: name, threads, peers } of results) {
    for (const [peer, outcome] of Object.entries(peers)) {
      if (ran(outcome)) continue;
      const why = "absent" in outcome ? `${peer} is absent: ${outcome.absent}` : `${peer} failed: ${outcome.error}`;
      cases.set(why, [...(cases.get(why) ?? []), `${name} (${threads})`]);
    }
  }
  return [...cases].map(([why, where]) =>
    where.length === results.length ? why : `${why} [${where.slice(0, 3).join(", ")}${where.length > 3 ? ", …" : ""}]`,
  );
}

/** The geometric mean of ratios, for many cases at once. */
export const geometricMean = (ratios: readonly number[]): number =>
  Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length);

export function report(results: readonly (Result | Failure)[]): string {
  const good = results.filter((r): r is Result => "ours" in r);
  const lines = good.length ? [table([head, ...good.map(row)], { left: 1 })] : [];
  const ratios = good.flatMap(({ ratio }) => ratio ?? []);
  if (ratios.length > 1) {
    const least = Math.min(...ratios).toFixed(2);
    lines.push(`ratio to the best peer: geometric mean ${geometricMean(ratios).toFixed(2)}×, least ${least}×`);
  }
  lines.push(...missing(good));
  for (const r of results) if ("failure" in r) lines.push(`${r.suite} ${r.case}: ${r.failure}`);
  return lines.join("\n");
}
