/** Every `@example` in the sources runs, and gives what its last comment says where that is a value. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import * as evengrad from "../lib/index.js";

const lib = fileURLToPath(new URL("../lib", import.meta.url));

interface Example {
  where: string;
  code: string;
}

/** The examples of a file, in order. */
function examplesOf(file: string): Example[] {
  const source = readFileSync(file, "utf8");
  const blocks = [...source.matchAll(/\/\*\*[\s\S]*?\*\//g)];
  return blocks.flatMap((block) => {
    const text = block[0].replace(/\s*\*\/$/, "").replace(/^\s*(\/\*\*| \*|\*) ?/gm, "");
    const line = source.slice(0, block.index).split("\n").length;
    const [, ...parts] = text.split(/^@example\s*/m);
    return parts.map((part) => ({ where: `${relative(lib, file)}:${line}`, code: part.split(/^@\w/m)[0].trim() }));
  });
}

const files = readdirSync(lib, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const examples = files.sort().flatMap((name) => examplesOf(join(lib, name)));

/** What examples may take for granted: everything the package exports, and a small model with its data. */
async function scope(): Promise<Record<string, unknown>> {
  const { data, nn, optim, randint, randn, tensor } = evengrad;
  const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 3));
  const images = tensor(await randn([128, 4]).data(), [128, 4]);
  const labels = tensor(await randint(0, 3, [128]).data());
  const logits = model.forward(images);
  const set = data.fromArrays({ x: images, y: labels });
  return {
    ...evengrad,
    ...data,
    model,
    batch: set.batch(tensor(Int32Array.of(0, 1, 2))),
    images,
    labels,
    logits,
    x: images,
    student: logits,
    teacher: logits.stopGradient(),
    loss: nn.crossEntropy(logits, labels),
    optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
    set,
    train: set,
    test: set,
  };
}

/** The example as a function of its scope that returns the value of its last expression. */
function compiled(code: string, names: readonly string[]): (...values: unknown[]) => Promise<unknown> {
  const tree = ts.createSourceFile("example.ts", code, ts.ScriptTarget.Latest, true);
  const last = tree.statements.at(-1);
  // The value is that of the last expression, or of the name that the last statement gives it.
  const name = last && ts.isVariableStatement(last) && last.declarationList.declarations.at(-1)?.name.getText();
  const body =
    last && ts.isExpressionStatement(last)
      ? `${code.slice(0, last.getStart())}return (${last.expression.getText()});`
      : `${code}\n${name && /^\w+$/.test(name) ? `return ${name};` : ""}`;
  const options = { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } };
  // The inner block lets an example declare what the scope has as well.
  const source = `async function example(${names.join(",")}) {{\n${body}\n}}`;
  const script = ts.transpileModule(source, options).outputText;
  return new Function(`${script}; return example;`)() as (...values: unknown[]) => Promise<unknown>;
}

/** The value that the last comment states, if it is one: a number, a list, `true`, or a typed array's list. */
function stated(code: string): unknown {
  const comment = code
    .split("\n")
    .at(-1)
    ?.match(/\/\/ (?:[A-Z]\w+Array(?:\(\d+\))? ?)?(-?[\d.e-]+|\[.*?\]|\{.*?\}|true|false)$/)?.[1];
  if (comment === undefined) return undefined;
  try {
    return JSON.parse(comment.replace(/([{,] *)(\w+):/g, '$1"$2":'));
  } catch {
    return undefined;
  }
}

/** Values as JSON has them, numbers to three digits. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, x) =>
      typeof x === "number" ? Number(x.toPrecision(3)) : ArrayBuffer.isView(x) ? [...(x as Float32Array)] : x,
    ),
  );

describe("examples", () => {
  test("are found, and many state a value", () => {
    expect(examples.length).toBeGreaterThan(50);
    expect(examples.filter(({ code }) => stated(code) !== undefined).length).toBeGreaterThan(20);
  });

  test.each(examples.map(({ where, code }) => [where, code] as const))("%s", async (_, code) => {
    const known = await scope();
    const result = await compiled(code, Object.keys(known))(...Object.values(known));
    const value = stated(code);
    if (value !== undefined && result !== undefined) expect(plain(result)).toEqual(plain(value));
  });
});
