/** Finds and loads the native addon; knows nothing of what it holds. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The addon, or the reason why there is none. */
export type Loaded = { addon: unknown } | { reason: string };

/** The folder of this package: the nearest one above whose package.json is named evengrad. */
export function packageRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let dir = here; ; dir = dirname(dir)) {
    const file = join(dir, "package.json");
    if (existsSync(file) && JSON.parse(readFileSync(file, "utf8")).name === "evengrad") return dir;
    if (dir === dirname(dir)) throw new Error(`no evengrad package.json above ${here}`);
  }
}

/**
 * Loads the addon that the environment variable EVENGRAD_ADDON names (a `.node` file), otherwise
 * the one built in this package, otherwise the prebuilt one for this platform. Never throws.
 */
export function load(): Loaded {
  const path = process.env.EVENGRAD_ADDON;
  const require = createRequire(import.meta.url);
  try {
    return { addon: path ? require(resolve(path)) : require("node-gyp-build")(packageRoot()) };
  } catch (error) {
    const [message] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { reason: path ? `EVENGRAD_ADDON=${path}: ${message}` : message };
  }
}
