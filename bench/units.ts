/** From seconds per call to what is printed. */
import type { Task } from "./suite.js";

export const microseconds = (seconds: number): number => seconds * 1e6;

/** The time in which the machine reads and writes so many arrays of `size` floats. */
export const streams = (reads: number, writes: number, size: number): Task => ({
  spec: { kind: "streams", reads, writes, size },
  value: microseconds,
});
