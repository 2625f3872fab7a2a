/** What can be wrong with a run: one row per kind, alone and in pairs. A new one is a row in a file of this folder. */
import { data } from "./data.js";
import type { Fault } from "./fault.js";
import { head } from "./head.js";
import { initialization } from "./initialization.js";
import { optimization } from "./optimization.js";
import { structure } from "./structure.js";

export { type Fault, type Severity, severities } from "./fault.js";

export const faults: readonly Fault[] = [...initialization, ...data, ...optimization, ...structure, ...head];

export function faultNamed(name: string): Fault {
  const fault = faults.find((f) => f.name === name);
  if (!fault) throw new Error(`there is no fault ${name}; there are ${faults.map((f) => f.name).join(", ")}`);
  return fault;
}

/** Faults that are put into one run together: of different parts of it, and neither hides the other. */
export const pairs: readonly (readonly [string, string])[] = [
  ["init-small", "rate-low"],
  ["init-small", "raw-inputs"],
  ["init-large", "rate-high"],
  ["init-small", "adam-eps"],
  ["init-constant", "rate-low"],
  ["init-sigmoid", "rate-low"],
  ["dead-units", "rate-high"],
  ["saturated-weights", "offset-inputs"],
  ["raw-inputs", "momentum"],
  ["raw-inputs", "softmax-twice"],
  ["offset-inputs", "adam-eps"],
  ["tiny-inputs", "weight-decay"],
  ["linear", "rate-high"],
  ["softmax-twice", "rate-low"],
  ["sigmoid-twice", "init-large"],
  ["bounded-output", "raw-targets"],
  ["imbalance", "rate-low"],
  ["dropout", "rate-high"],
];
