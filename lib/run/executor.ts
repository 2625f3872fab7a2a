/** What runs graphs: one interface for the native executor and the reference. */

import type { Graph } from "../compile/graph.js";
import type { TypedArray } from "../dtype.js";
import type { Feed } from "../tensor.js";

/** How often and with what a prepared graph runs. */
export interface RunOptions {
  /** Times to run it; 1 unless told. */
  steps?: number;
  /** For feeds, one row per step; a feed that is not named keeps the value it was made with. */
  feeds?: ReadonlyMap<Feed, TypedArray>;
  /** Stops between two steps, or within one before it has written anything. */
  signal?: AbortSignal;
}

/** Outputs of so many bytes or more are made by `allocate`, so that they can be a variable's storage. */
export const allocatedBytes = 4096;

export interface RunResult {
  /** Steps that ran to their end. */
  readonly steps: number;
  /** One array per output, with one row per step asked for; nobody else holds it. */
  readonly outputs: readonly TypedArray[];
}

/** A graph made ready to run, any number of times. */
export interface Prepared {
  /** Bytes of the values between leaves and outputs that are held at a time. */
  readonly arenaBytes: number;
  run(options?: RunOptions): Promise<RunResult>;
}

export interface Executor {
  readonly name: "native" | "reference";
  prepare(graph: Graph): Prepared;
  /** Zero-filled storage for a variable. */
  allocate(dtype: "f32" | "i32" | "u8" | "bool", count: number): TypedArray;
}
