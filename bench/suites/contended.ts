/** Throughput on two cores while something else wants one of them. */
import type { Case, Suite } from "../suite.js";
import { stepCase } from "./step.js";

const contendedCase = (name: string, from: string, kind: string, peers?: readonly string[]): Case => ({
  name,
  unit: "x quiet",
  spec: { ...stepCase(from).spec, kind },
  inputs: stepCase(from).inputs,
  value: (part) => part,
  peers,
});

export const contended: Suite = {
  name: "contended",
  about: "throughput beside a busy process (a64, c) and of two fits at once (two-fits), as parts of the quiet one's",
  peers: ["torch"],
  cases: [
    contendedCase("a64", "a64", "contended"),
    contendedCase("c", "c", "contended"),
    contendedCase("two-fits", "a64", "together", []),
  ],
  threads: [2],
  sampleMs: 700,
  rounds: 3,
};
