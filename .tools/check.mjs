// Everything that is checked without running the package: types, lint, format, the packed
// package, the direction of imports, what mutants alter, the symbols of the ISA objects. `--fix`
// formats instead.
import { mkdirSync, rmSync } from "node:fs";
import { at, bin, Failure, files, main, node, pool, read, run } from "./lib.mjs";

const cpp = () => ["native", "test/native", "bench/peers"].flatMap(files).filter((file) => /\.(h|cc)$/.test(file));

const biome = (...args) =>
  node(bin("@biomejs/biome"), ["check", "--config-path", ".biome.json", "--colors=off", ...args]);

async function clangFormat(...args) {
  if (!cpp().length) return { code: 0, output: "" };
  const { code, output } = await node(bin("clang-format"), [...args, ...cpp()]);
  const where = output.match(/^\S+:\d+(?=:\d+: error: code should)/gm);
  const lines = where ? `not as \`npm run format\` has it:\n${[...new Set(where)].join("\n")}` : output;
  return { code, output: lines };
}

/** An object compiled for one ISA may export its table alone: any other symbol that it shares
 * with baseline code (a std:: template, say) could be the copy that the linker keeps. */
async function symbols() {
  let output = "";
  const objects = files("build/obj").filter((file) => /\/isa_\w+\.o$/.test(file));
  if (!objects.length && process.platform !== "win32") output = "no ISA objects in build/obj\n";
  for (const object of objects) {
    const isa = object.match(/isa_(\w+)\.o/)[1];
    const { code, output: table } = await run("nm", ["-g", "-P", object]);
    if (code) return { code, output: table };
    const exported = table
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([name, type]) => name && !"Uwv".includes(type))
      .map(([name]) => name);
    if (exported.length !== 1 || !/table/i.test(exported[0]) || !exported[0].includes(isa)) {
      output += `${object}: must export its kernel table alone, got\n  ${exported.join("\n  ")}\n`;
    }
  }
  return { code: output ? 1 : 0, output };
}

/** Packs once, for publint and for attw. */
async function pack() {
  const { name, version } = JSON.parse(read("package.json"));
  mkdirSync(at("build/pack"), { recursive: true });
  const { code, output } = await run("npm", ["pack", "--ignore-scripts", "--pack-destination", "build/pack"]);
  if (code) throw new Failure(`${output}npm pack failed`);
  return `build/pack/${name}-${version}.tgz`;
}

let tarball;
const packed = () => (tarball ??= pack());

const stages = {
  types: () => node(bin("typescript", "tsc"), ["--noEmit", "--pretty", "false"]),
  biome: () => biome("--error-on-warnings"),
  "clang-format": () => clangFormat("--dry-run", "-Werror"),
  imports: async () => {
    const { importBreaches } = await import("./imports.mjs");
    const breaches = importBreaches();
    return { code: breaches.length ? 1 : 0, output: breaches.map((b) => `${b}\n`).join("") };
  },
  mutants: () => node(at(".tools/mutants.mjs"), ["--list"]),
  symbols,
  publint: async () => node(bin("publint"), ["run", await packed(), "--strict"]),
  attw: async () => node(bin("@arethetypeswrong/cli", "attw"), [await packed(), "--no-emoji", "--no-color"]),
};

async function fix() {
  const { code, output } = await biome("--write");
  if (code) process.stdout.write(output);
  const formatted = await clangFormat("-i");
  if (formatted.code) throw new Failure(formatted.output);
}

await main(async () => {
  if (process.argv.includes("--fix")) return fix();
  const failed = [];
  await pool(Object.entries(stages), 2, async ([name, stage]) => {
    const { code, output } = await stage();
    console.log(`${code ? "FAILED" : "ok"} ${name}`);
    if (!code) return;
    failed.push(name);
    process.stdout.write(`${output.trimEnd()}\n`);
  });
  rmSync(at("build/pack"), { recursive: true, force: true });
  if (failed.length) throw new Failure(`check: failed: ${failed.join(", ")}`);
});
