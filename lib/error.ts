/** Errors that name the operation, what it wanted, what it got and the mend. */

import type { HealthRecord } from "./health/record.js";

/** Thrown for every mistake in a call to the library. The message reads `op: requirement, got values. fix`. */
export class EvengradError extends Error {
  override readonly name: string = "EvengradError";
  /** The operation that refused, e.g. `matmul`. */
  readonly op: string;
  /** In a run of several steps, the one that failed, from 0; those before it were made. */
  declare readonly step?: number;
  /** What the doctor saw of a run of `fit` until it failed, if `health` was asked for. */
  declare readonly health?: HealthRecord;

  constructor(op: string, message: string, step?: number) {
    super(`${op}: ${message}`);
    this.op = op;
    if (step !== undefined) this.step = step;
  }
}

/** Throws the error of an operation that was called wrongly. */
export function fail(op: string, message: string): never {
  throw new EvengradError(op, message);
}

/** A fault of the library's own; a user cannot cause it. */
export function internal(message: string): never {
  throw new Error(`internal: ${message}. Please report this`);
}

/** Renders a value for a message, briefly. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return `the function ${value.name || "(anonymous)"}`;
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(show).join(",")}${value.length > 8 ? ",…" : ""}]`;
  if (ArrayBuffer.isView(value))
    return `${value.constructor.name}(${(value as Uint8Array).length ?? value.byteLength})`;
  if (typeof value === "object" && value !== null) {
    return Object.getPrototypeOf(value) === Object.prototype
      ? `{ ${Object.keys(value).slice(0, 6).join(", ")} }`
      : `a ${value.constructor?.name ?? "object"}`;
  }
  return String(value);
}

/** The known name closest to a misspelled one, if any is close. */
export function closest(name: string, known: readonly string[]): string | undefined {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      }
      row = next;
    }
    return row[b.length];
  };
  const ranked = known
    .map((candidate) => ({ candidate, d: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.d - b.d);
  return ranked[0] && ranked[0].d <= Math.max(2, Math.floor(name.length / 3)) ? ranked[0].candidate : undefined;
}

/** Refuses option names that an operation does not know, naming the closest one it does. */
export function checkOptions(op: string, options: object | undefined, known: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) fail(op, `options must be an object, got ${show(options)}`);
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const guess = closest(key, known);
    fail(op, `unknown option ${show(key)}. ${guess ? `Did you mean ${show(guess)}?` : `Known: ${known.join(", ")}`}`);
  }
}

/** Refuses what is not an AbortSignal. */
export function checkSignal(op: string, signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return;
  fail(op, `signal must be an AbortSignal, got ${show(signal)}. Give controller.signal of new AbortController()`);
}

/** Bounds of a number; `above` and `below` exclude theirs. */
export interface NumberRange {
  min?: number;
  max?: number;
  above?: number;
  below?: number;
  integer?: boolean;
}

/** Refuses a number outside its range. */
export function checkNumber(
  op: string,
  name: string,
  value: unknown,
  range: NumberRange = {},
): asserts value is number {
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity, integer = false } = range;
  const fits =
    typeof value === "number" &&
    !Number.isNaN(value) &&
    value >= min &&
    value <= max &&
    (above === -Infinity || value > above) &&
    (below === Infinity || value < below) &&
    (!integer || Number.isInteger(value));
  if (fits) return;
  const bounds = [
    above !== -Infinity ? `above ${above}` : min > -Number.MAX_VALUE ? `at least ${min}` : "",
    below !== Infinity ? `below ${below}` : max < Number.MAX_VALUE ? `at most ${max}` : "",
  ].filter(Boolean);
  const kind = integer ? "a whole number" : max === Number.MAX_VALUE ? "a finite number" : "a number";
  const want = `${kind}${bounds.length ? ` ${bounds.join(" and ")}` : ""}`;
  fail(op, `${name} must be ${want}, got ${show(value)}`);
}
