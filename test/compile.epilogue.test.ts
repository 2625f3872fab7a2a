/** What products absorb: the bias and the relu after them, bit for bit what separate calls compute. */
import { afterEach, describe, expect, it } from "vitest";
import { collect } from "../lib/compile/graph.js";
import { compile, configurePasses } from "../lib/compile/index.js";
import { grad } from "../lib/grad.js";
import { tensor } from "../lib/ops/index.js";
import { type Tensor, Variable } from "../lib/tensor.js";
import { run, sample } from "./helpers.js";

afterEach(() => {
  configurePasses({ epilogue: true });
});

const opcodes = { kernel: () => 0, map: () => 0, reduce: () => 0 };

/** The calls that compute outputs, each by the ops that it runs. */
function calls(...outputs: Tensor[]): string[] {
  const [, ...lines] = compile(collect({ outputs }), opcodes, true).listing;
  return lines.map((line) => / = (\S+)/.exec(line)?.[1] ?? line);
}

const [x, w, b, z] = [sample(1, [5, 7]), sample(2, [7, 3]), sample(3, [3]), sample(4, [2, 7, 3])];
const y = x.matmul(w);

describe("one call", () => {
  const absorbed: [string, Tensor, string][] = [
    ["adds a bias", y.add(b), "matmul·add"],
    ["adds a bias on the left", b.add(y), "matmul·add"],
    ["adds a bias with an axis of 1", y.add(b.unsqueeze(0)), "matmul·add"],
    ["takes the relu", y.relu(), "matmul·relu"],
    ["takes the relu of the biased", y.add(b).relu(), "matmul·add·relu"],
    ["does so for a batch", x.matmul(z).add(b).relu(), "matmul·add·relu"],
    ["does so for rows of several axes", z.matmul(sample(5, [3, 4])).add(sample(6, [4])), "matmul·add"],
    ["does so for a transposed product", w.transpose().matmul(x.transpose()).transpose().add(b), "matmul·add"],
    ["does so for one row", sample(7, [1, 7]).matmul(w).add(b), "matmul·add"],
  ];
  it.each(absorbed)("%s", (_name, output, expected) => {
    expect(calls(output)).toEqual([expected]);
  });

  it("waits for a bias that is computed later", () => {
    const late = b.sum({ axes: 0, keepDims: true }).expand([3]);
    expect(calls(y.add(late)).at(-1)).toBe("matmul·add");
  });
});

describe("calls of their own", () => {
  const apart: [string, Tensor[]][] = [
    ["a product that is read twice", [y.add(b), y]],
    ["a product added to itself", [y.add(y)]],
    ["a bias of columns", [y.add(sample(8, [5, 1]))]],
    ["a bias of elements", [y.add(sample(9, [5, 3]))]],
    ["a bias of a square product's other axis", [sample(1, [3, 7]).matmul(w).add(b.unsqueeze(1))]],
    ["a bias of rows that were split", [y.reshape([3, 5]).add(sample(10, [5]))]],
    ["a number", [y.add(2)]],
    ["another operation", [y.sub(b)]],
    ["a bias after the relu", [y.relu().add(b)]],
    ["a group that has more to do", [y.add(b).tanh()]],
    ["a biased product that is an output too", [y.add(b), y.add(b).relu()]],
  ];
  it.each(apart)("%s", (_name, outputs) => {
    expect(calls(...outputs)).toContain("matmul");
  });

  it("with the pass off", () => {
    configurePasses({ epilogue: false });
    expect(calls(y.add(b).relu())).toEqual(["matmul", "add·relu"]);
  });
});

describe("the same bits as separate calls", () => {
  async function same(outputs: () => readonly Tensor[]): Promise<void> {
    const results = [];
    for (const epilogue of [false, true]) {
      configurePasses({ epilogue });
      results.push((await run("native", { outputs: outputs() })).map((v) => [...v]));
    }
    expect(results[1]).toEqual(results[0]);
  }

  const shapes = [
    [1, 40, 1],
    [3, 20, 300],
    [9, 5, 2],
    [15, 3, 1],
    [40, 200, 1],
    [33, 7, 47],
    [64, 512, 10],
    [30, 2100, 35],
    [6, 0, 5],
  ];
  it.each(shapes)("at M %i, K %i, N %i", async (M, K, N) => {
    const bias = sample(3, [N]);
    const forms = [false, true].flatMap((turnA) =>
      [false, true].map((turnB) =>
        (turnA ? sample(1, [K, M]).transpose() : sample(1, [M, K])).matmul(
          turnB ? sample(2, [N, K]).transpose() : sample(2, [K, N]),
        ),
      ),
    );
    await same(() => forms.flatMap((p) => [p.add(bias), p.relu(), p.add(bias).relu()]));
  });

  it("with zeros of either sign, infinities and NaN", async () => {
    const a = tensor([[0], [-0], [1], [Infinity], [-1], [Number.NaN]]);
    const c = tensor([[1, -1, -0, 2]]);
    const bias = tensor([-0, 0, -Infinity, Number.NaN]);
    await same(() => [a.matmul(c).add(bias), a.matmul(c).relu(), a.matmul(c).add(bias).relu()]);
  });

  it("of a step's loss and gradients", async () => {
    const [v, c] = [new Variable(sample(11, [7, 20])), new Variable(sample(12, [20]))];
    const loss = x
      .matmul(v)
      .add(c)
      .relu()
      .matmul(sample(13, [20, 3]))
      .add(b)
      .square()
      .mean();
    await same(() => [loss, ...grad(loss, [v, c])]);
  });
});
