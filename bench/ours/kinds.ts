/** The kinds of work that evengrad is asked for, by name: what peers/host.mjs runs as `ours`. */
import type { TypedArray } from "../../lib/dtype.js";
import { source } from "../paths.js";
import type { Spec } from "../suite.js";
import { clip, elementwise, gemm, init, optimizer, qr, sampling } from "./kernels.js";
import { step } from "./step.js";
import { epoch, loop, together } from "./training.js";

/** Work that can be done any number of times, or that measures itself. */
export interface Work {
  run?(calls: number): Promise<void>;
  /** For what is no time per call: works for about `ms` and returns what it measured. */
  measure?(ms: number): Promise<number>;
  /** What the others must agree with. */
  results?(): Promise<TypedArray>;
}

export const kinds: Readonly<Record<string, (spec: Spec) => Promise<Work>>> = {
  ...{ gemm, elementwise, sampling, init, qr, optimizer, clip, step },
  ...{ epoch, loop, together },
};

/** What peers/footprint.mjs imports and weighs. */
export const footprint = {
  folder: source(),
  name: "evengrad",
  esm: `import ${JSON.stringify(source("dist/esm/index.js"))}`,
  cjs: `require(${JSON.stringify(source("dist/cjs/index.js"))})`,
  addon: source("build/Release/evengrad.node"),
};
