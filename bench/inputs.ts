/** Files of numbers that all contenders read, so that they do the same work on the same data. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { build } from "./paths.js";

/** Uniform numbers, from a seed: f32 on [low, high), or whole numbers (i32) up to but without `high`. */
export interface Input {
  readonly dtype: "f32" | "i32";
  readonly size: number;
  readonly low: number;
  readonly high: number;
  readonly seed: number;
}

/** Bits of an index that look random (the finalizer of MurmurHash3, Appleby 2011). */
function scramble(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function valuesOf({ dtype, size, low, high, seed }: Input): Float32Array | Int32Array {
  const out = dtype === "f32" ? new Float32Array(size) : new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const x = low + (high - low) * (scramble(Math.imul(i + 1, 0x9e3779b1) + seed) / 2 ** 32);
    out[i] = dtype === "f32" ? x : Math.floor(x);
  }
  return out;
}

/** The path of the file with an input's numbers, written when it is first asked for. */
export function inputFile(input: Input): string {
  const { dtype, size, low, high, seed } = input;
  const path = build("inputs", `${seed}-${size}-${low}-${high}.${dtype}`);
  if (existsSync(path)) return path;
  mkdirSync(build("inputs"), { recursive: true });
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, valuesOf(input));
  renameSync(partial, path);
  return path;
}

function bytesOf(path: string): ArrayBuffer {
  const bytes = readFileSync(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

/** The f32 numbers of a file. */
export const readFloats = (path: string): Float32Array => new Float32Array(bytesOf(path));

/** The i32 numbers of a file. */
export const readWhole = (path: string): Int32Array => new Int32Array(bytesOf(path));
