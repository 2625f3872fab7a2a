/** The native addon's surface as TypeScript sees it, loaded once and on first need. */
import type { TypedArray } from "../dtype.js";
import { EvengradError, fail } from "../error.js";
import { load } from "./load.js";

export interface NativeRun {
  /** Steps completed: fewer than asked for after an abort. */
  readonly promise: Promise<number>;
  abort(): void;
}

export interface NativeBinding {
  run(steps: number): NativeRun;
}

export interface NativeProgram {
  bind(arrays: readonly TypedArray[], strides?: Float64Array): NativeBinding;
  /** Milliseconds that each instruction took in the runs so far, if the program was made with `profile`. */
  profile(): Float64Array;
}

export interface Addon {
  kernels(): string[];
  mapOps(): { name: string; signature: string }[];
  reduceOps(): string[];
  isa(): string;
  isas(): string[];
  threads(count?: number): number;
  alignedArray(dtype: number, count: number): TypedArray;
  createProgram(parts: {
    slots: Float64Array;
    arenaBytes: number;
    buffers: Float64Array;
    code: Float64Array;
    profile?: boolean;
  }): NativeProgram;
}

let loaded: Addon | undefined;

/** The addon, or an error that says why there is none and what to do. */
export function addon(): Addon {
  if (loaded) return loaded;
  const result = load();
  if ("reason" in result) {
    throw new EvengradError(
      "native",
      `the addon could not be loaded (${result.reason}). Run \`npm rebuild evengrad\` (needs a C++17 compiler), ` +
        'or compute in plain JavaScript with useExecutor("reference")',
    );
  }
  loaded = result.addon as Addon;
  return loaded;
}

/** The instruction set the kernels run on, e.g. `avx512`; EVENGRAD_ISA forces one. */
export function isa(): string {
  return addon().isa();
}

/** Reads or sets how many threads compute. Results do not depend on it. */
export function threads(count?: number): number {
  if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= 256)) {
    fail("threads", `count must be a whole number from 1 to 256, got ${count}`);
  }
  return count === undefined ? addon().threads() : addon().threads(count);
}
