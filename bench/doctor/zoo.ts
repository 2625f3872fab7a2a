/** The zoo: faulty runs, each with its repaired twin, and healthy ones, drawn from a name, in two halves. */
import { type Fault, faultNamed, faults, pairs, type Severity, severities } from "./faults/index.js";
import { drawHealthy, type Wants } from "./healthy.js";
import { Random } from "./random.js";
import type { RunSpec } from "./spec.js";

/** The doctor may be tuned on the one half; the other is for judging it. */
export const halves = ["tuning", "test"] as const;
export type Half = (typeof halves)[number];

/** A run that has something wrong with it, at least on paper. */
export interface FaultyRun {
  readonly id: string;
  /** One, or two that were put in together. */
  readonly faults: readonly string[];
  readonly severity: Severity;
  readonly spoiled: RunSpec;
  /** The same run without what is wrong with it. */
  readonly repaired: RunSpec;
}

/** A run that should be left alone. */
export interface HealthyRun {
  readonly id: string;
  readonly run: RunSpec;
}

export interface Zoo {
  readonly faulty: readonly FaultyRun[];
  readonly healthy: readonly HealthyRun[];
}

/** How many runs of a half there are of each kind and severity, of each pair, and healthy ones. */
export const counts = { each: 3, pair: 1, healthy: 150 };

/** What both want, if that can be had: the range or the choices that they have in common. */
export function bothWant(a: Wants, b: Wants): Wants {
  const common = <T>(one?: readonly T[], other?: readonly T[]): readonly T[] | undefined =>
    one && other ? one.filter((x) => other.includes(x)) : (one ?? other);
  const [least, most] = [a, b].reduce(
    ([low, high], { depth = [1, 12] }) => [Math.max(low, depth[0]), Math.min(high, depth[1])],
    [1, 12],
  );
  const both: Wants = {
    ...a,
    ...b,
    data: common(a.data, b.data),
    width: common(a.width, b.width),
    activation: common(a.activation, b.activation),
    norm: common(a.norm, b.norm),
    optimizer: common(a.optimizer, b.optimizer),
    rows: common(a.rows, b.rows),
    ...(a.depth || b.depth ? { depth: [least, most] as const } : {}),
  };
  const empty = Object.entries(both).find(([, list]) => Array.isArray(list) && list.length === 0);
  if (empty || least > most) throw new Error(`internal: two faults agree on no ${empty?.[0] ?? "depth"}`);
  return both;
}

function spoil(half: Half, kinds: readonly Fault[], severity: Severity, nth: number): FaultyRun {
  const id = `${half}/${kinds.map(({ name }) => name).join("+")}/${severity}/${nth}`;
  const random = new Random(id);
  const wants = kinds.map((fault) => fault.wants).reduce(bothWant);
  const healthy = drawHealthy(random, { ...wants, auto: true });
  const put = (run: RunSpec, fault: Fault): RunSpec => fault.spoil(run, severity, random.fork(fault.name));
  return {
    id,
    faults: kinds.map(({ name }) => name),
    severity,
    spoiled: kinds.reduce(put, healthy),
    repaired: kinds.reduce((run, fault) => fault.mend?.(put(run, fault)) ?? run, healthy),
  };
}

/** All runs of a half; the same every time. */
export function zooOf(half: Half): Zoo {
  const single = faults.flatMap((fault) =>
    severities.flatMap((severity) => Array.from({ length: counts.each }, (_, n) => spoil(half, [fault], severity, n))),
  );
  const double = pairs.flatMap((names) =>
    severities.flatMap((severity) =>
      Array.from({ length: counts.pair }, (_, n) => spoil(half, names.map(faultNamed), severity, n)),
    ),
  );
  const healthy = Array.from({ length: counts.healthy }, (_, n): HealthyRun => {
    const id = `${half}/healthy/${n}`;
    return { id, run: drawHealthy(new Random(id)) };
  });
  return { faulty: [...single, ...double], healthy };
}
