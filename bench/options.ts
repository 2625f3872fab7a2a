/** Arguments of command lines. */
import { InvalidArgumentError } from "commander";

/** A whole number above 0. */
export function count(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("Wanted a whole number above 0.");
  return n;
}
