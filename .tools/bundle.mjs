// Bundles lib/ into dist/. cjs/index.js holds on to what an import needs at once (lib/core.ts, in main.js) and to the names
// of everything else, which train.js, run.js and health.js hold and which is loaded when it is first used.
// esm/index.js requires the same files, so that a program which gets the package both ways has one Tensor, one generator
// and one size on disk. esm/cli.js is the command line with the packages that it alone uses, their licences beside it.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { rolldown } from "rolldown";
import { at } from "./lib.mjs";

const library = /(^\.\.?|[\\/]lib)[\\/]index\.[jt]s$/; // as the command line imports it
const isLibrary = (id, importer) => library.test(id) && !importer?.includes("node_modules");

/** The chunks of entries, which are files by name. */
async function bundle(input, options, isOutside = () => false) {
  const build = await rolldown({
    input: Object.fromEntries(Object.entries(input).map(([name, file]) => [name, at(file)])),
    platform: "node",
    resolve: { extensionAlias: { ".js": [".ts"] } },
    external: (id, importer) => isBuiltin(id) || isOutside(id, importer),
    onLog(level, { message }) {
      if (level === "warn") throw new Error(message);
    },
  });
  const common = { strict: true, keepNames: true, comments: false, chunkFileNames: "[name].js" };
  const { output } = await build.generate({ ...common, ...options });
  await build.close();
  return output;
}

/**
 * A character beyond ASCII would double what V8 keeps and scans. Comments are gone, so all of them are in texts.
 */
const ascii = (code) => code.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Getters for bindings that nobody changes once the chunk has run: two hundred of them take a millisecond. */
const plainExports = (code) =>
  code.replace(
    /^Object\.defineProperty\(exports, "([\w$]+)", \{\s+enumerable: true,\s+get: function\(\) \{\s+return ([\w$.]+);\s+\}\s+\}\);/gm,
    "exports.$1 = $2;",
  );

function write(dir, chunks) {
  for (const { fileName, code } of chunks) writeFileSync(at(dir, fileName), ascii(plainExports(code)));
}

/** The modules that an import runs. */
async function coreModules() {
  const chunks = await bundle({ core: "lib/core.ts" }, { format: "cjs" });
  return new Set(chunks.flatMap(({ isDynamicEntry, moduleIds }) => (isDynamicEntry ? [] : moduleIds)));
}

/** What cjs/index.js exports beside the core: functions that load rest.js when called, and spaces when looked into. */
function later(names, all) {
  const lines = names.map((name) =>
    typeof all[name] === "function"
      ? `exports.${name} = function ${name}(...given) { return rest().${name}(...given); };`
      : `exports.${name} = space("${name}", "${Object.keys(all[name]).join(" ")}");`,
  );
  return `let loaded;
const rest = () => (loaded ??= require("./rest.js"));
const space = (name, members) => {
	const made = {};
	for (const member of members.split(" ")) {
		Object.defineProperty(made, member, { enumerable: true, get: () => rest()[name][member] });
	}
	return made;
};
${lines.join("\n")}
`;
}

/** Names, versions and licences of the packages that modules are from. */
function licenses(modules) {
  const packages = modules.flatMap((id) => id.match(/^.*node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+/)?.[0] ?? []);
  const texts = [...new Set(packages)].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (!file) throw new Error(`${name}: its licence must be in its package, to be shipped with the command line`);
    return `${name} ${version}\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/** Fills a folder with esm/ and cjs/, except for the declarations. */
export async function bundleAll(dir) {
  const [cjs, esm] = [`${dir}/cjs`, `${dir}/esm`];
  for (const folder of [cjs, esm]) mkdirSync(at(folder), { recursive: true });
  const core = await coreModules();
  const chunks = await bundle(
    { index: "lib/core.ts", rest: "lib/index.ts" },
    {
      format: "cjs",
      codeSplitting: {
        groups: [
          { name: "main", test: (id) => core.has(id), priority: 3 },
          { name: "run", test: /[\\/]lib[\\/](compile|run)[\\/]/, priority: 2 },
          { name: "train", tags: ["$initial"], priority: 1 },
          { name: "health" },
        ],
      },
    },
  );
  write(cjs, chunks);
  writeFileSync(at(cjs, "package.json"), '{ "type": "commonjs" }\n');
  const all = createRequire(import.meta.url)(at(cjs, "rest.js"));
  const names = Object.keys(all);
  const given = chunks.find(({ name }) => name === "index").exports;
  const missing = names.filter((name) => !given.includes(name));
  appendFileSync(at(cjs, "index.js"), later(missing, all));
  writeFileSync(
    at(esm, "index.js"),
    `import { createRequire } from "node:module";
export const {
${names.map((name) => `  ${name},\n`).join("")}} = createRequire(import.meta.url)("../cjs/index.js");
`,
  );
  writeFileSync(at(esm, "index.d.ts"), 'export * from "../cjs/index.js";\n');
  const paths = (id) => (library.test(id) ? "./index.js" : id);
  const cli = await bundle({ cli: "lib/cli.ts" }, { format: "esm", paths }, isLibrary);
  write(esm, cli);
  writeFileSync(at(esm, "cli.licenses.txt"), licenses(cli.flatMap(({ moduleIds }) => moduleIds)));
}
