// Sets up what is missing or out of date: node_modules, the addon, dist. Needs Node and a C++17
// compiler, and prints one line for each thing that it did. `--modules` stops after node_modules;
// `--bench` compiles the benchmarks as well.
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path/posix";
import { setTimeout as sleep } from "node:timers/promises";
import { readGyp } from "./gyp.mjs";
import { at, bin, Failure, files, hash, main, node, onPath, pool, read, root, run } from "./lib.mjs";

const addonFile = "build/Release/evengrad.node";

/** node_modules holds every package at the version of the lock file. */
function modulesAreCurrent() {
  const locked = JSON.parse(readFileSync(at("package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(read("node_modules/.package-lock.json") || "{}").packages ?? {};
  return Object.entries(locked).every(
    ([path, entry]) => !path || entry.optional || installed[path]?.version === entry.version,
  );
}

const addonHash = () =>
  hash(
    [
      ...[process.platform, process.arch, process.env.CXX, process.env.CXXFLAGS],
      ...["node-addon-api", "node-api-headers"].map((name) => read(`node_modules/${name}/package.json`)),
    ],
    ["binding.gyp", ".tools/gyp.mjs", ...files("native")],
  );

const distHash = () =>
  hash(
    ["typescript", "rolldown"].map((name) => read(`node_modules/${name}/package.json`)),
    ["tsconfig.json", ".tools/tsconfig.types.json", ".tools/bundle.mjs", ...files("lib")],
  );

const benchHash = () => hash([distHash()], [".tools/tsconfig.bench.json", ...benchSources()]);

const benchSources = () => files("bench").filter((file) => /\.ts$/.test(file) && !file.includes("node_modules"));

async function installModules() {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const { code, output } = await run(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    shell: process.platform === "win32",
  });
  if (code) throw new Failure(`${output}npm ci failed`);
}

function compiler() {
  const name = process.env.CXX || ["c++", "g++", "clang++"].find(onPath);
  if (!name) {
    throw new Failure(
      "addon: a C++17 compiler is needed, got none of $CXX, c++, g++, clang++. Install one " +
        "(Debian: g++, Fedora: gcc-c++, macOS: xcode-select --install).",
    );
  }
  return name.split(" ");
}

/** The files that a unit was last made from, out of the compiler's dependency file. */
const dependencies = (path) =>
  read(path).replace(/\\\n/g, " ").split(": ").slice(1).join(" ").split(/\s+/).filter(Boolean);

/** Compiles what changed and links; returns the number of units compiled. */
async function buildAddon() {
  if (process.platform === "win32") {
    const { code, output } = await node(bin("node-gyp"), ["rebuild"]);
    if (code) throw new Failure(`${output}node-gyp rebuild failed`);
    return 1;
  }
  const [cxx, ...cxxArgs] = compiler();
  const headers = createRequire(at("package.json"))("node-api-headers").include_dir;
  const extra = [...cxxArgs, ...(process.env.CXXFLAGS?.split(/\s+/).filter(Boolean) ?? [])];
  const { sources, ldflags } = readGyp(root);
  mkdirSync(at("build/obj"), { recursive: true });
  mkdirSync(at("build/Release"), { recursive: true });
  const objects = [];
  const stale = [];
  for (const { file, isa, flags } of sources) {
    const object = `build/obj/${isa ? "isa_" : ""}${file.split("/").at(-1).replace(".cc", ".o")}`;
    const nodeHeaders = isa ? [] : [`-isystem${headers}`]; // kernels know nothing of Node
    const args = [...extra, ...flags, ...nodeHeaders, "-MMD", "-c", file, "-o", object];
    const key = () => {
      try {
        return hash([cxx, ...args], dependencies(object.replace(/o$/, "d")).map(fromRoot));
      } catch {
        return undefined; // a header is gone
      }
    };
    objects.push(object);
    if (read(object) && read(`${object}.key`) === key()) continue;
    stale.push({ file, isa, object, args, key });
  }
  stale.sort((a, b) => Number(Boolean(b.isa)) - Number(Boolean(a.isa))); // the slowest first
  await pool(stale, Math.max(2, availableParallelism()), async ({ file, object, args, key }) => {
    rmSync(at(`${object}.key`), { force: true });
    const { code, output } = await run(cxx, args);
    if (code) throw new Failure(`${output}addon: ${file} did not compile`);
    if (output) process.stderr.write(output);
    writeFileSync(at(`${object}.key`), key());
  });
  const shared = process.platform === "darwin" ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"];
  const made = `build/obj/evengrad.${process.pid}.node`;
  const linked = await run(cxx, [...extra, ...shared, "-o", made, ...objects, ...ldflags]);
  if (linked.code) throw new Failure(`${linked.output}addon: linking failed`);
  renameSync(at(made), at(addonFile)); // in one step: a running process keeps the file it has
  return stale.length;
}

const fromRoot = (path) => (path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path);

/** A declaration file and those that it needs. */
function declarations(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, path] of read(file).matchAll(/(?:from |import |import\()"(\.[^"]+)\.js"/g)) {
    declarations(join(dirname(file), `${path}.d.ts`), found);
  }
  return found;
}

/** Declarations by tsc, which knows what changed since the last time, and code by the bundler. */
async function buildDist() {
  const { bundleAll } = await import("./bundle.mjs");
  rmSync(at("build/dist"), { recursive: true, force: true });
  const [types] = await Promise.all([
    node(bin("typescript", "tsc"), ["-p", ".tools/tsconfig.types.json", "--pretty", "false"]),
    bundleAll("build/dist"),
  ]);
  if (types.code) throw new Failure(`${types.output}typescript: ${types.output ? "does not compile" : "failed"}`);
  for (const file of files("build/types")) {
    if (!exists(file.replace(/^build.types/, "lib").replace(/\.d\.ts$/, ".ts"))) rmSync(at(file)); // its source is gone
  }
  for (const file of declarations("build/types/index.d.ts")) {
    const to = at(file.replace("build/types", "build/dist/cjs"));
    mkdirSync(dirname(to), { recursive: true });
    cpSync(at(file), to);
  }
  rmSync(at("dist"), { recursive: true, force: true });
  renameSync(at("build/dist"), at("dist"));
}

async function buildBench() {
  const { code, output } = await node(bin("typescript", "tsc"), [
    "-p",
    ".tools/tsconfig.bench.json",
    "--pretty",
    "false",
  ]);
  if (code) throw new Failure(`${output}bench: does not compile`);
}

const exists = (path) => statSync(at(path), { throwIfNoEntry: false }) !== undefined;
const addonIsCurrent = () => exists(addonFile) && read("build/addon.hash") === addonHash();
const distIsCurrent = () => exists("dist/esm") && read("build/dist.hash") === distHash();
const benchIsCurrent = () => exists("build/bench/js") && read("build/bench.hash") === benchHash();

/** Runs `body` while no other setup does. */
async function locked(body) {
  mkdirSync(at("build"), { recursive: true });
  const lock = at("build/setup.lock");
  for (;;) {
    try {
      const fd = openSync(lock, "wx");
      writeFileSync(fd, String(process.pid));
      closeSync(fd);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const pid = Number(read("build/setup.lock"));
      const ageMs = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Infinity);
      if (pid ? !isAlive(pid) : ageMs > 10_000) rmSync(lock, { force: true });
      else await sleep(100);
    }
  }
  const unlock = () => rmSync(lock, { force: true });
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => {
      unlock();
      process.exit(1);
    });
  try {
    await body();
  } finally {
    unlock();
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

async function timed(what, body) {
  const start = performance.now();
  const detail = await body();
  console.log(`${what} in ${((performance.now() - start) / 1000).toFixed(1)} s${detail ?? ""}`);
}

await main(async () => {
  const modulesOnly = process.argv.includes("--modules");
  const withBench = process.argv.includes("--bench");
  const isCurrent = () => addonIsCurrent() && distIsCurrent() && (!withBench || benchIsCurrent());
  if (modulesAreCurrent() && (modulesOnly || isCurrent())) return;
  await locked(async () => {
    if (!modulesAreCurrent()) await timed("node_modules: installed", installModules);
    if (modulesOnly) return;
    if (!addonIsCurrent()) {
      await timed("addon: built", async () => {
        const key = addonHash();
        const units = await buildAddon();
        writeFileSync(at("build/addon.hash"), key);
        return ` (${units} units compiled)`;
      });
    }
    if (!distIsCurrent()) {
      await timed("typescript: built", async () => {
        const key = distHash();
        await buildDist();
        writeFileSync(at("build/dist.hash"), key);
      });
    }
    if (withBench && !benchIsCurrent()) {
      await timed("bench: built", async () => {
        const key = benchHash();
        await buildBench();
        writeFileSync(at("build/bench.hash"), key);
      });
    }
  });
});
