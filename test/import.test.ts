/** What an import of the built package loads, and when the rest of it follows. */
import { spawnSync } from "node:child_process";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import * as source from "../lib/index.js";

const root = join(import.meta.dirname, "..");
const cjs = join(root, "dist/cjs/index.js");
const esm = pathToFileURL(join(root, "dist/esm/index.js")).href;

/** The files that a program has loaded when it ends: this package's by their names. */
function loads(program: string): string[] {
  const report = `
    import { createRequire } from "node:module";
    process.on("exit", () => console.log(JSON.stringify(Object.keys(createRequire(${JSON.stringify(cjs)}).cache))));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", report + program], {
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return (JSON.parse(stdout) as string[]).map((file) => (file.startsWith(root) ? basename(file) : file)).sort();
}

const atOnce = ["index.js", "main.js", "rolldown-runtime.js"];

describe("an import", () => {
  test("from CommonJS loads what tensors need", () => {
    expect(loads(`createRequire(import.meta.url)(${JSON.stringify(cjs)});`)).toEqual(atOnce);
  });

  test("from ESM loads the same, whatever is named", () => {
    const names = "tensor, nn, optim, init, data, fit, health, chart, safetensors";
    expect(loads(`import { ${names} } from ${JSON.stringify(esm)};`)).toEqual(atOnce);
  });
});

describe("the rest follows", () => {
  test("for values: the compiler and the executor, and no model", () => {
    const read = `import { tensor } from ${JSON.stringify(esm)}; await tensor([1]).exp().data();`;
    const loaded = loads(read).filter((name) => /^\w+(-\w+)?\.js$/.test(name));
    expect(loaded).toEqual(expect.arrayContaining([...atOnce, "run.js"]));
    expect(loaded).not.toContain("train.js");
  });

  test("for a model, once a namespace is looked into", () => {
    const loaded = loads(`import { nn } from ${JSON.stringify(esm)}; new nn.Linear(2, 2);`);
    expect(loaded).toContain("train.js");
    expect(loaded).not.toContain("health.js");
  });

  test("for fit, once it is called", () => {
    expect(loads(`import { fit } from ${JSON.stringify(esm)}; await fit().catch(() => {});`)).toContain("train.js");
  });
});

test("the namespaces hold what the source's do, before anything is loaded and after", () => {
  const program = `
    import * as evengrad from ${JSON.stringify(esm)};
    const spaces = Object.entries(evengrad).filter(([, value]) => typeof value === "object");
    const before = Object.fromEntries(spaces.map(([name, space]) => [name, Object.keys(space).sort()]));
    const undefineds = spaces.flatMap(([name, space]) => Object.keys(space).filter((key) => space[key] === undefined));
    console.log(JSON.stringify({ before, undefineds }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(stderr).toBe("");
  const { before, undefineds } = JSON.parse(stdout);
  expect(undefineds).toEqual([]);
  const members = (spaces: [string, object][]) =>
    Object.fromEntries(spaces.map(([name, space]) => [name, Object.keys(space).sort()]));
  const written = Object.entries(source).filter(([, value]) => typeof value === "object");
  expect(before).toEqual(members(written as [string, object][]));
});
