/** What a fault of the zoo is: what it does to a healthy run, and which findings name it rightly. */
import type { RuleName } from "../../../lib/health/finding.js";
import type { Wants } from "../healthy.js";
import type { Random } from "../random.js";
import type { DataKind, RunSpec } from "../spec.js";

export const severities = ["mild", "severe"] as const;
export type Severity = (typeof severities)[number];

export interface Fault {
  readonly name: string;
  /** What is wrong, in a line. */
  readonly about: string;
  /** Findings that name the cause. One that names what merely follows from it does not count. */
  readonly rules: readonly RuleName[];
  /** Whether something short of new data or another program can mend it; the others count for recall alone. */
  readonly mendable: boolean;
  /** What a healthy run must have for the fault to matter. */
  readonly wants: Wants;
  readonly spoil: (run: RunSpec, severity: Severity, random: Random) => RunSpec;
  /** The repaired run, where it is not the healthy one that was spoiled. */
  readonly mend?: (spoiled: RunSpec) => RunSpec;
}

/** A value by severity. */
export const by = <T>(severity: Severity, mild: T, severe: T): T => (severity === "mild" ? mild : severe);

export const planar: readonly DataKind[] = ["circles", "moons", "spirals"];
export const regressions: readonly DataKind[] = ["friedman", "waves"];
export const severalClasses: readonly DataKind[] = ["blobs", "images", "recall"];
