/** The kinds of work that a worker process is asked for: functions of plain data, by name. */
import { costs } from "./costs.js";
import { diagnose, mend } from "./doctor.js";
import { published } from "./looks.js";
import { overhead } from "./overhead.js";
import { bestByChance, searchByChance } from "./search.js";
import { train } from "./train.js";

export const work = { train, bestByChance, searchByChance, published, diagnose, mend, overhead, costs };
export type Work = typeof work;

/** Modules of this folder that decide what comes out, for the kinds whose answers are kept. */
const runs = ["data", "model", "random", "spec", "train"];
export const madeBy: Partial<Record<keyof Work, readonly string[]>> = {
  train: runs,
  bestByChance: [...runs, "search"],
  searchByChance: [...runs, "search"],
  published: [...runs, "baselines", "looks"],
};
