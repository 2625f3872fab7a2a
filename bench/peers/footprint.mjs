// What a package costs before it computes: the start of a program that imports it, and its size on disk.
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Milliseconds that Node takes to run a program. */
function startMs(args) {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr.trim().split("\n").slice(-1)[0]);
  return performance.now() - began;
}

/**
 * Milliseconds by which a program that imports is slower than an empty one, each started in turn: files, as programs are.
 * Node loads a file that is a module by other ways than a text given to it, which no program that imports is spared.
 */
function importing(extension, code) {
  return {
    async measure(ms) {
      const folder = mkdtempSync(join(tmpdir(), "evengrad-import-"));
      const programs = { bare: join(folder, `bare.${extension}`), full: join(folder, `full.${extension}`) };
      writeFileSync(programs.bare, "");
      writeFileSync(programs.full, code);
      try {
        const [bare, full] = [[], []];
        for (const began = performance.now(); performance.now() - began < ms; ) {
          bare.push(startMs([programs.bare]));
          full.push(startMs([programs.full]));
        }
        return Math.min(...full) - Math.min(...bare); // what else the machine does can only add
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

/** Bytes of a folder's files, without the packages in it. */
function bytesIn(folder) {
  let bytes = 0;
  for (const name of readdirSync(folder)) {
    const stats = lstatSync(join(folder, name));
    if (stats.isDirectory() && name !== "node_modules") bytes += bytesIn(join(folder, name));
    else if (stats.isFile()) bytes += stats.size;
  }
  return bytes;
}

/** The folders in node_modules that a package needs, by the lock file. */
function needed(folder, dependencies) {
  const { packages } = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
  const found = new Set();
  const visit = (name, from) => {
    for (let above = from; ; above = above.slice(0, above.lastIndexOf("node_modules/"))) {
      const path = `${above}node_modules/${name}`;
      if (packages[path] || above === "") {
        if (!packages[path] || found.has(path) || !existsSync(join(folder, path))) return;
        found.add(path);
        for (const next of Object.keys(packages[path].dependencies ?? {})) visit(next, `${path}/`);
        return;
      }
    }
  };
  for (const name of dependencies) visit(name, "");
  return [...found];
}

/** Bytes of an installed package and of what it needs. The one with an addon is packed first, with that binary. */
function installedBytes({ folder, name, addon }) {
  if (!addon) return needed(folder, [name]).reduce((sum, path) => sum + bytesIn(join(folder, path)), 0);
  const command = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [{ files }] = JSON.parse(execFileSync("npm", command, { cwd: folder, encoding: "utf8", stdio: "pipe" }));
  const own = files.filter(({ path }) => !path.startsWith("prebuilds/")).reduce((sum, { size }) => sum + size, 0);
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const others = needed(folder, Object.keys(dependencies)).reduce((sum, path) => sum + bytesIn(join(folder, path)), 0);
  return own + statSync(addon).size + others;
}

/** The kinds of work of a module that exports `footprint`: { folder, name, esm, cjs }, and `addon` if it has one. */
export function footprintKinds(footprint) {
  const { esm, cjs, addon } = footprint;
  const size = (bytes) => ({ measure: async () => bytes });
  return {
    esm: () => importing("mjs", esm),
    cjs: () => importing("cjs", cjs),
    installed: () => size(installedBytes(footprint)),
    ...(addon && { addon: () => size(statSync(addon).size) }),
  };
}
