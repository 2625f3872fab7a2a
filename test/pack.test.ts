// The packed package, installed into an empty folder without a compiler: it trains from ESM and
// CommonJS, and its types resolve in every mode that consumers use.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const folder = mkdtempSync(join(tmpdir(), "evengrad-pack-"));
const consumer = join(folder, "consumer");
const platform = `${process.platform}-${process.arch}`;

/** What a program that trains does, after its import line. */
const training = `
async function main() {
  seed(1);
  const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
  const set = data.fromArrays({
    x: tensor([[0, 0], [0, 1], [1, 0], [1, 1], [0, 0], [0, 1], [1, 0], [1, 1]]),
    y: Int32Array.of(0, 1, 1, 0, 0, 1, 1, 0),
  });
  const history = await fit(model, set, { loss: nn.crossEntropy, optimizer, batchSize: 4, epochs: 3 });
  console.log(typeof history === "object" ? "trained" : history);
}
main();
`;

/** A PATH that holds node, npm and a shell for npm's scripts, and so neither compiler nor Python. */
function pathWithoutCompiler(): string {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const npm = execFileSync("/bin/sh", ["-c", "command -v npm"], { encoding: "utf8" }).trim();
  symlinkSync(process.execPath, join(bin, "node"));
  symlinkSync(npm, join(bin, "npm"));
  symlinkSync("/bin/sh", join(bin, "sh"));
  return bin;
}

const path = process.platform === "win32" ? process.env.PATH : pathWithoutCompiler();

/** Runs a program in a folder as a user would; returns what it printed. */
function run(cwd: string, program: string, ...args: string[]): string {
  const env = { ...process.env, PATH: path };
  for (const name of Object.keys(env)) {
    if (/^(npm_|EVENGRAD_|NODE_|VITEST)/.test(name)) delete env[name as keyof typeof env];
  }
  try {
    return execFileSync(program, args, {
      cwd,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`);
  }
}

beforeAll(() => {
  const source = join(folder, "source");
  for (const name of ["package.json", "dist", "native", "binding.gyp", "README.md", "LICENSE", "CHANGELOG.md"]) {
    cpSync(join(root, name), join(source, name), { recursive: true });
  }
  const binary = join(source, "prebuilds", platform, "evengrad.node");
  mkdirSync(dirname(binary), { recursive: true });
  cpSync(join(root, "build/Release/evengrad.node"), binary);
  run(source, "npm", "pack", "--ignore-scripts", "--pack-destination", folder);
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));

  mkdirSync(consumer);
  writeFileSync(join(consumer, "package.json"), '{ "private": true }');
  run(consumer, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, `${tarball}`));
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the packed package", () => {
  const names = "tensor, nn, optim, fit, data, seed";

  test("installs its prebuilt binary and compiles nothing", () => {
    const installed = join(consumer, "node_modules/evengrad");
    expect(readdirSync(installed)).not.toContain("build");
    const load = createRequire(join(consumer, "x.js"))("node-gyp-build");
    expect(resolve(load.resolve(installed))).toContain(join("prebuilds", platform));
  });

  test("trains from ESM", () => {
    writeFileSync(join(consumer, "esm.mjs"), `import { ${names} } from "evengrad";${training}`);
    expect(run(consumer, process.execPath, "esm.mjs")).toBe("trained\n");
  });

  test("trains from CommonJS", () => {
    writeFileSync(join(consumer, "cjs.cjs"), `const { ${names} } = require("evengrad");${training}`);
    expect(run(consumer, process.execPath, "cjs.cjs")).toBe("trained\n");
  });

  test("has a command line", () => {
    expect(run(consumer, join(consumer, "node_modules/.bin/evengrad"), "--help")).toContain("train");
  });

  test.each([
    { moduleResolution: "node16", module: "node16", files: ["types.mts", "types.cts"] },
    { moduleResolution: "nodenext", module: "nodenext", files: ["types.mts", "types.cts"] },
    { moduleResolution: "bundler", module: "esnext", files: ["types.ts"] },
  ])("its types compile strictly under $moduleResolution", ({ files, ...options }) => {
    const source = `import { ${names} } from "evengrad";${training}
// @ts-expect-error a size is a number: the types are there
new nn.Linear("2", 8);
`;
    for (const file of files) writeFileSync(join(consumer, file), source);
    const compilerOptions = {
      ...options,
      ...{ strict: true, noEmit: true, target: "es2022", lib: ["es2022", "dom"], types: [] },
    };
    const config = `tsconfig.${options.moduleResolution}.json`;
    writeFileSync(join(consumer, config), JSON.stringify({ compilerOptions, files }));
    expect(run(consumer, process.execPath, tsc, "-p", config)).toBe("");
  });
});
