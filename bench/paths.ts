/** Where the harness finds its sources and keeps what it makes. */
import { join } from "node:path";
import { packageRoot } from "../lib/run/load.js";

/** A path in the checkout. */
export const source = (...path: string[]): string => join(packageRoot(), ...path);

/** A path under build/bench, which git ignores. */
export const build = (...path: string[]): string => source("build", "bench", ...path);
