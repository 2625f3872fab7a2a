// Bundles lib/ into dist/. cjs/index.js hands on the names of cjs/main.js, which is what an import needs; cjs/run.js is
// loaded by the first run. esm/index.js requires the same files, so that a program which gets the package both ways
// has one Tensor, one generator and one size on disk. esm/cli.js is the command line.
import { mkdirSync, writeFileSync } from "node:fs";
import { rolldown } from "rolldown";
import { at } from "./lib.mjs";

const bare = /^[^./]/; // Node's own modules and packages stay imports
const library = /(^\.\.?|[\\/]lib)[\\/]index\.[jt]s$/; // as the command line imports it

/** Writes a file per chunk; returns the names that the entry exports. */
async function bundle(input, dir, options, outside) {
  const build = await rolldown({
    input: at(input),
    platform: "node",
    resolve: { extensionAlias: { ".js": [".ts"] } },
    external: (id) => bare.test(id) || outside?.test(id),
    onLog(level, { message }) {
      if (level === "warn") throw new Error(message);
    },
  });
  const common = { strict: true, keepNames: true, comments: false, chunkFileNames: "[name].js" };
  const { output } = await build.generate({ ...common, ...options });
  await build.close();
  for (const { fileName, code } of output) writeFileSync(at(dir, fileName), ascii(plainExports(code)));
  return output[0].exports;
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

/** Fills a folder with esm/ and cjs/, except for the declarations. */
export async function bundleAll(dir) {
  const [cjs, esm] = [`${dir}/cjs`, `${dir}/esm`];
  for (const folder of [cjs, esm]) mkdirSync(at(folder), { recursive: true });
  const names = await bundle("lib/index.ts", cjs, {
    format: "cjs",
    codeSplitting: { groups: [{ name: "main", tags: ["$initial"], priority: 1 }, { name: "run" }] },
  });
  writeFileSync(at(cjs, "package.json"), '{ "type": "commonjs" }\n');
  writeFileSync(
    at(esm, "index.js"),
    `import { createRequire } from "node:module";
export const {
${names.map((name) => `  ${name},\n`).join("")}} = createRequire(import.meta.url)("../cjs/index.js");
`,
  );
  writeFileSync(at(esm, "index.d.ts"), 'export * from "../cjs/index.js";\n');
  const paths = (id) => (library.test(id) ? "./index.js" : id);
  await bundle("lib/cli.ts", esm, { format: "esm", paths }, library);
}
