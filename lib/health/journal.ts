/** How `evengrad doctor` watches a script that does not ask for it: by two environment variables. */
import { appendFile } from "node:fs/promises";
import type { HealthOptions } from "../train/fit.js";
import type { History } from "../train/history.js";

/** EVENGRAD_HEALTH: `suggest` or `auto`; every `fit` that says nothing of `health` is watched so. */
export function healthFromEnvironment(): HealthOptions | undefined {
  const repair = process.env.EVENGRAD_HEALTH;
  return repair === "suggest" || repair === "auto" ? { repair } : undefined;
}

/** EVENGRAD_JOURNAL: a file to which each watched run appends its history, a line of JSON. */
export async function writeJournal(history: History): Promise<void> {
  const file = process.env.EVENGRAD_JOURNAL;
  if (file) await appendFile(file, `${JSON.stringify(history)}\n`);
}

/** The histories in a journal's text; numbers that were not finite are NaN again. */
export function parseJournal(text: string): History[] {
  const numbers = new Set(["losses", "gradNorms"]);
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) =>
      JSON.parse(line, (key, value) =>
        numbers.has(key) && Array.isArray(value)
          ? value.map((x: number | null) => x ?? Number.NaN)
          : (value ?? Number.NaN),
      ),
    );
}
