// Builds the binary for this platform that the published package carries, into prebuilds/, in a
// copy of what it needs, so that node-gyp does not clear build/.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { at, bin, Failure, main, node } from "./lib.mjs";

/** The folder of Node's own headers if Node was installed with them, so that none are fetched. */
function nodeDir() {
  const dir = dirname(dirname(process.execPath));
  return existsSync(join(dir, "include/node/node_api.h")) ? dir : undefined;
}

/** Node's own flags for addons come after ours: none of them may change how much is optimized. */
function checkLevels(folder) {
  const ours = JSON.parse(readFileSync(at("binding.gyp"), "utf8")).target_defaults.cflags;
  const level = ours.find((flag) => flag.startsWith("-O"));
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".target.mk"))) {
    const [flags] = readFileSync(join(folder, file), "utf8").match(/^CFLAGS_Release := [\s\S]*?\n\n/m);
    const levels = flags.match(/-O\w+/g);
    if (levels.join() !== level) throw new Failure(`prebuild: ${file}: must be compiled with ${level}, got ${levels}`);
  }
}

await main(async () => {
  const cwd = at("build/prebuild");
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  for (const name of ["package.json", "binding.gyp", "native"]) {
    cpSync(at(name), join(cwd, name), { recursive: true });
  }
  const env = { ...process.env };
  env.npm_config_nodedir ??= nodeDir();
  if (!env.npm_config_nodedir) delete env.npm_config_nodedir;
  const target = process.versions.node;
  const { code, output } = await node(bin("prebuildify"), ["--napi", "--strip", "--target", target, "--out", at()], {
    cwd,
    env,
  });
  if (code) throw new Failure(`${output}prebuildify failed`);
  if (process.platform === "linux") checkLevels(join(cwd, "build"));
  rmSync(cwd, { recursive: true, force: true });
  console.log(`prebuilds/${process.platform}-${process.arch}: built`);
});
