/** The kinds of work that evengrad is asked for, by name: what peers/host.mjs runs as `ours`. */
import type { TypedArray } from "../../lib/dtype.js";
import type { Spec } from "../suite.js";
import { elementwise, gemm } from "./kernels.js";
import { step } from "./step.js";

/** Work that can be done any number of times, or that measures itself. */
export interface Work {
  run?(calls: number): Promise<void>;
  /** For what is no time per call: works for about `ms` and returns what it measured. */
  measure?(ms: number): Promise<number>;
  /** What the others must agree with. */
  results?(): Promise<TypedArray>;
}

export const kinds: Readonly<Record<string, (spec: Spec) => Promise<Work>>> = { gemm, elementwise, step };
