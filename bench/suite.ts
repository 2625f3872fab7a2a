/** What a suite is: named cases that we and our peers measure in turn. */
import type { Input } from "./inputs.js";

/** What a contender is told to do: a kind of work that it knows, and the sizes, names and files it needs. */
export interface Spec {
  readonly kind: string;
  readonly [key: string]: number | string;
}

/** Units in which more is better; in all others less is. */
const speeds: readonly string[] = ["GFLOP/s", "GB/s", "x quiet"];

export const isSpeed = (unit: string): boolean => speeds.includes(unit);

/** Work that a contender can be asked for, and what its measurement says. */
export interface Task {
  readonly spec: Spec;
  /** From a measurement, seconds per call unless the kind says otherwise, to the case's unit. */
  readonly value: (measured: number, threads: number) => number;
}

export interface Case extends Task {
  readonly name: string;
  readonly unit: string;
  /** Files of numbers by their key in the spec. */
  readonly inputs?: Readonly<Record<string, Input>>;
  /** What separates the results of two contenders too far for the same work, if anything does. */
  readonly differ?: (ours: Float32Array, theirs: Float32Array) => string | undefined;
  /** What else the results say, by name. */
  readonly further?: (results: Float32Array) => Readonly<Record<string, number>>;
  /** The machine's limit for this case, measured beside it. */
  readonly limit?: Task;
  /** Whose kinds of work include this one; the suite's peers unless told. */
  readonly peers?: readonly string[];
}

export interface Suite {
  readonly name: string;
  /** One line for the list of suites. */
  readonly about: string;
  /** Names of peers that can do this work. */
  readonly peers: readonly string[];
  readonly cases: readonly Case[];
  /** How long one sample lasts at least, 25 ms unless told. */
  readonly sampleMs?: number;
  /** Rounds in turn, 5 unless told. */
  readonly rounds?: number;
  /** One result over all numbers of threads, everyone at their best, rather than one for each. */
  readonly bestOfThreads?: boolean;
  /** Numbers of threads that make sense: 1 and 2 unless told. */
  readonly threads?: readonly number[];
  /** A new process for every sample. */
  readonly fresh?: boolean;
}
