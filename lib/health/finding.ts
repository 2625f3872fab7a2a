/** What the doctor finds: one trouble, where and when it shows, what is normal, why it comes about, what mends it. */
import { table } from "../table.js";

/** Every trouble that the doctor knows, by name; `lib/health/rules/` has a file for each. */
export type RuleName =
  | "activation-before-loss"
  | "batch-of-one"
  | "class-imbalance"
  | "collapse"
  | "constant-features"
  | "constant-targets"
  | "dead-units"
  | "exploding-gradient"
  | "exploding-signal"
  | "gradient-noise"
  | "head-mismatch"
  | "input-scale"
  | "leak"
  | "long-memory"
  | "learning-rate-high"
  | "learning-rate-low"
  | "missing-nonlinearity"
  | "no-gradient"
  | "non-finite"
  | "oscillation"
  | "overfitting"
  | "plateau"
  | "saturated-units"
  | "shuffled-labels"
  | "sorted-rows"
  | "spike"
  | "stall"
  | "strong-dropout"
  | "symmetric-units"
  | "target-scale"
  | "vanishing-gradient"
  | "vanishing-signal"
  | "weight-decay";

/** Every repair, by name; `lib/health/repairs/` makes them. */
export type RepairName =
  | "adaptiveOptimizer"
  | "classWeights"
  | "clip"
  | "dropLast"
  | "dropout"
  | "giveAll"
  | "insertActivation"
  | "largerBatch"
  | "layerNorm"
  | "dropActivation"
  | "lowerRate"
  | "normalize"
  | "raiseRate"
  | "reinitialize"
  | "replaceActivation"
  | "rescaleInputs"
  | "rescaleOutputs"
  | "residual"
  | "shuffle"
  | "stopEarly"
  | "unfreeze"
  | "usualMemory"
  | "warmUp"
  | "weightDecay"
  | "weakerDecay"
  | "weakerDropout";

/** One way to mend a trouble. */
export interface Advice {
  /** Which repair does it; undefined for what only whoever wrote the program, or has the data, can do. */
  readonly repair?: RepairName;
  /** What to do, in words. */
  readonly text: string;
  /** The line to write. */
  readonly code: string;
}

/** One trouble. */
export interface Finding {
  readonly rule: RuleName;
  /** A fault keeps the model from learning what it could; a warning is worth a look. */
  readonly severity: "fault" | "warning";
  /** Path of the weight or layer, if it shows at one. */
  readonly layer?: string;
  /** Steps made when it was found; 0 before the first. */
  readonly step: number;
  /** What was measured, in words. */
  readonly measured: string;
  readonly value: number;
  /** What is normal, in words. */
  readonly normal: string;
  /** The mechanism, in one sentence. */
  readonly why: string;
  /** Where the threshold comes from. */
  readonly source: string;
  /** What mends it, most promising first. */
  readonly advice: readonly Advice[];
}

/** One finding in a few lines. */
export function explain(finding: Finding): string {
  const { severity, rule, layer, step, measured, normal, why, advice } = finding;
  const where = [layer, step > 0 ? `step ${step}` : "before the first step"].filter(Boolean).join(", ");
  return [
    `${severity}: ${rule} (${where})`,
    `  ${measured}; normal is ${normal}.`,
    `  ${why}`,
    ...advice.map(({ text, code }, i) => `  ${i + 1}. ${text}: ${code}`),
  ].join("\n");
}

/** Findings as a table, for a terminal. */
export function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map((f) => [
    f.severity,
    f.rule,
    f.layer ?? "",
    f.step === 0 ? "start" : `${f.step}`,
    f.measured,
    f.advice[0]?.code.split("\n")[0] ?? "",
  ]);
  return table([["", "finding", "layer", "step", "measured", "mend"], ...rows], { left: 6 });
}

/** Faults before warnings, and otherwise as they were found. */
export const ranked = (findings: readonly Finding[]): Finding[] => [
  ...findings.filter(({ severity }) => severity === "fault"),
  ...findings.filter(({ severity }) => severity === "warning"),
];
