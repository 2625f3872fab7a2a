/** Every example in a docstring or a Markdown file compiles, runs, and gives what its comments say. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as evengrad from "../lib/index.js";
import { docstringExamples, type Example, expectedOf, instrumented, markdownExamples, typeFaults } from "./examples.js";

const { data, nn, optim, rand, seed, tensor } = evengrad;

/** What examples may take for granted beside the package's names. */
function given() {
  seed(1);
  const model = new nn.Sequential(new nn.Linear(4, 3));
  const [x, images] = [rand([2, 4]), rand([300, 4])];
  const [logits, labels] = [rand([2, 3]), tensor([1, 2], [2], "i32")];
  const loss = nn.crossEntropy(model.forward(x), labels);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
  const [student, teacher] = [rand([2, 3]), rand([2, 3])];
  const columns = {
    x: new Float32Array(1024).map((_, i) => Math.sin(i)),
    xShape: [256, 4],
    y: new Int32Array(256).map((_, i) => i % 3),
  };
  const train = data.fromArrays(columns);
  const set = train;
  const [batch] = train.batches({ size: 4 });
  return { model, x, images, logits, labels, loss, optimizer, student, teacher, train, test: train, set, batch };
}

const publicNames = Object.keys(evengrad).join(", ");
const prelude = `
import { ${publicNames} } from "../lib/index.js";
declare const model: nn.Sequential, optimizer: optim.SGD, train: DataSet, test: DataSet, set: DataSet;
declare const x: Tensor, images: Tensor, logits: Tensor, labels: Tensor, loss: Tensor, student: Tensor, teacher: Tensor;
declare const batch: { x: Tensor; y: Tensor };
`;

/** A typed array or a number as it may be compared with a comment's. */
function check(value: unknown, comment: string): unknown {
  const want = expectedOf(comment) as
    | { type?: string; length?: number; values?: number[]; about?: number; value?: unknown }
    | undefined;
  if (!want) return value;
  const near = (x: unknown): unknown => {
    if (typeof x === "number")
      return Number.isInteger(x) ? x : expect.closeTo(x, 2 - Math.floor(Math.log10(Math.abs(x))));
    return Array.isArray(x) ? x.map(near) : x;
  };
  if (want.type) {
    expect(value?.constructor.name).toBe(want.type);
    if (want.length !== undefined) expect(value).toHaveLength(want.length);
    if (want.values) expect([...(value as Float32Array)]).toEqual(near(want.values));
  } else if (want.about !== undefined) {
    expect(Math.abs((value as number) / want.about - 1)).toBeLessThan(0.03);
  } else {
    expect(value).toEqual(near(want.value));
  }
  return value;
}

type Runner = (...values: unknown[]) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => Runner;

async function run({ code }: Example, changes: Record<string, unknown> = {}): Promise<void> {
  const console = { log: (...values: unknown[]) => values.at(-1) };
  const scope: Record<string, unknown> = { ...evengrad, ...given(), console, $check: check, ...changes };
  await new AsyncFunction(...Object.keys(scope), `{${instrumented(code)}\n}`)(...Object.values(scope));
}

/** Examples with a file of the system, which need not be there. */
const needs = /"(\/usr[^"]*)"/;

const folder = mkdtempSync(join(tmpdir(), "evengrad-docs-"));
const before = process.cwd();
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

const [docstrings, blocks] = [docstringExamples("lib"), markdownExamples()];

test("there are some", () => {
  expect(docstrings.length).toBeGreaterThan(40);
  expect(blocks.length).toBeGreaterThan(3);
});

const example = (code: string): Example => ({ at: "here", code });

test("all of them compile, unlike a wrong type and a wrong name", () => {
  const wrong = [example("const n: number = tensor([1]);"), example("fromArray([1]);")];
  const faults = typeFaults([...docstrings, ...blocks, ...wrong], prelude);
  expect(faults).toEqual(wrong.map(({ code }) => expect.stringContaining(`here: ${code}\n`)));
});

describe("docstrings", () => {
  const ready = docstrings.filter(({ code }) => existsSync(needs.exec(code)?.[1] ?? "/"));
  test.each(ready.map((e) => [e.at.replace(/:\d+$/, ""), e.code.split("\n")[0], e] as const))(
    "%s: %s",
    async (_, __, example) => {
      await run(example);
    },
  );
});

describe("Markdown", () => {
  /** MNIST for the impatient. */
  const mnist = async () => {
    const { train, test } = await evengrad.data.mnist();
    return { train: train.take(640), test: test.take(100) };
  };

  test.each(blocks.map((b) => [b.at, b] as const))("%s", async (_, block) => {
    await run(block, { data: { ...data, mnist } });
  });
});

test("a wrong value is found", async () => {
  await expect(run(example("await tensor([1, 2]).sum().item() // 4"))).rejects.toThrow(/expected 3/);
  await expect(run(example("await tensor([1, 2]).data() // Float32Array [1, 3]"))).rejects.toThrow();
  await expect(run(example('console.log("a") // "b"'))).rejects.toThrow();
});
