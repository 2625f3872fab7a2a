/** Keeps two runs from writing one variable at once. */
import { fail } from "../error.js";
import type { Variable } from "../tensor.js";

/** Marks variables as being written; two runs must not write one at once. */
export function lock(variables: readonly Variable[]): void {
  for (const { label, writer } of variables) {
    if (writer)
      fail(
        "run",
        `variable ${label} is being written by another run. Await that one first, or read several tensors in one run: read([…])`,
      );
  }
  for (const variable of variables) variable.writer = "a run";
}

/** Lets others write them again. */
export function unlock(variables: readonly Variable[]): void {
  for (const variable of variables) variable.writer = undefined;
}
