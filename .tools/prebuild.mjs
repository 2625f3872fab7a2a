// Builds the binary for this platform that the published package carries, into prebuilds/, in a
// copy of what it needs, so that node-gyp does not clear build/.
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { at, bin, Failure, main, node } from "./lib.mjs";

/** The folder of Node's own headers if Node was installed with them, so that none are fetched. */
function nodeDir() {
  const dir = dirname(dirname(process.execPath));
  return existsSync(join(dir, "include/node/node_api.h")) ? dir : undefined;
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
  rmSync(cwd, { recursive: true, force: true });
  console.log(`prebuilds/${process.platform}-${process.arch}: built`);
});
