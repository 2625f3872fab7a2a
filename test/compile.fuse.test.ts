/** What the passes may not change: random graphs, with every combination of passes on and off. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { configurePasses } from "../lib/compile/index.js";
import type { TypedArray } from "../lib/dtype.js";
import { grad } from "../lib/grad.js";
import * as ops from "../lib/ops/index.js";
import { mapOps } from "../lib/ops/map.js";
import type { Tensor } from "../lib/tensor.js";
import { inDouble, inSingle, mismatches, opsIn, run, sample, specials } from "./helpers.js";
import { build, leavesOf, outputsOf, recipes } from "./randomGraph.js";

const switches = [false, true];
const combinations = switches.flatMap((fuse) =>
  switches.flatMap((simplify) =>
    switches.flatMap((reuse) => switches.map((epilogue) => ({ fuse, simplify, reuse, epilogue }))),
  ),
);

afterEach(() => {
  configurePasses({ fuse: true, simplify: true, reuse: true, epilogue: true, verify: true });
});

/** The results under every combination of passes; the first has all of them off. */
async function underAll(outputs: readonly Tensor[]): Promise<TypedArray[][]> {
  const results: TypedArray[][] = [];
  for (const passes of combinations) {
    configurePasses(passes);
    results.push(await run("native", { outputs }));
  }
  return results;
}

const differences = (results: readonly TypedArray[][], oracle: readonly ArrayLike<number>[]): string[] =>
  results.flatMap((values, k) =>
    values.flatMap((v, i) => mismatches(v, oracle[i]).map((m) => `${JSON.stringify(combinations[k])} output ${i}${m}`)),
  );

describe("random graphs", () => {
  it("give the same bits under every combination of passes", async () => {
    await fc.assert(
      fc.asyncProperty(recipes(40), async (recipe) => {
        const outputs = outputsOf(recipe, build(recipe, leavesOf(recipe), false));
        const [plain, ...others] = await underAll(outputs);
        expect(differences([plain, ...others], plain)).toEqual([]);
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it("of correctly rounded ops give the bits of an interpreter that rounds every node", async () => {
    await fc.assert(
      fc.asyncProperty(recipes(40), async (recipe) => {
        const outputs = outputsOf(recipe, build(recipe, leavesOf(recipe), true));
        expect(differences(await underAll(outputs), inSingle(outputs))).toEqual([]);
      }),
      { numRuns: 150, seed: 2 },
    );
  });
});

describe("one group", () => {
  const same = async (outputs: readonly Tensor[]): Promise<void> => {
    expect(differences(await underAll(outputs), inSingle(outputs))).toEqual([]);
  };

  it("does not contract a product and a sum", async () => {
    const [a, b, c] = [sample(1, [1003]), sample(2, [1003]), sample(3, [1003])];
    await same([a.mul(b).add(c), a.mul(b).sub(c), c.sub(a.mul(b)), a.mul(2.5).add(0.1)]);
  });

  it("reads hundreds of inputs and writes hundreds of outputs", async () => {
    const x = Array.from({ length: 300 }, (_, k) => sample(k, [k % 2 ? 33 : 1]));
    const sums: Tensor[] = [];
    for (const t of x) sums.push(t.add(sums[sums.length - 1] ?? 0).mul(0.5));
    await same(sums);
  });

  it("does not read itself by way of a group that grew after what reads it was made", async () => {
    const [x, y] = [sample(1, [4, 5]), sample(2, [4, 5])];
    const turned = ops.tensor([3, 1, 0, 2], [4], "i32");
    const early = x.add(1);
    const near = early.indexSelect(turned, 0).add(1);
    const far = y.mul(2);
    const late = early.add(far.indexSelect(turned, 0)); // with `early` one group, which now depends on `far`
    await same([late, near.add(far)]); // so that `near` and `far` are none
  });

  it("sums a thousand norms in a chain", async () => {
    const x = Array.from({ length: 1000 }, (_, k) => sample(k, [3]));
    const norm = x
      .map((t) => t.square().sum())
      .reduce((a, b) => a.add(b))
      .sqrt();
    await same([norm, ...x.slice(0, 50).map((t) => t.div(norm))]);
  });

  it("keeps values alive that are read far away", async () => {
    const x = sample(1, [517]);
    const early = Array.from({ length: 60 }, (_, k) => x.add(k));
    const late = early.reduceRight((sum, t) => sum.mul(0.5).add(t), x);
    await same([late]);
  });

  it("reads one tensor plain and through a reshape", async () => {
    const x = sample(1, [6, 6]);
    const y = x.mul(2);
    await same([
      y.add(y.reshape([36]).reshape([6, 6])),
      y.reshape([36]).add(1),
      y.add(y.transpose()),
      y.reshape([1, 6, 6]).add(y),
    ]);
  });

  it("broadcasts a value that it also computes", async () => {
    const row = sample(1, [33]).square();
    const y = sample(2, [17, 33])
      .mul(row)
      .add(row.sqrt())
      .sub(row.expand([17, 33]));
    await same([y, row, y.max({ axes: 0 }).add(row)]);
  });
});

it("a training step gives the same bits fused or not, reusing memory or not", async () => {
  const x = sample(1, [32, 20]);
  const [w1, b1, gain, w2] = [sample(2, [20, 17]), sample(3, [17]), sample(4, [17]), sample(5, [17, 5])];
  const labels = sample(6, [32], [0, 5], "i32");
  const h = x.matmul(w1).add(b1);
  const centred = h.sub(h.mean({ axes: 1, keepDims: true }));
  const normal = centred.mul(h.variance({ axes: 1, keepDims: true }).add(1e-5).rsqrt()).mul(gain);
  const loss = normal.gelu().matmul(w2).logSoftmax().pick(labels).mean().neg();
  const grads = grad(loss, [w1, b1, gain, w2]);
  const length = grads
    .map((g) => g.square().sum())
    .reduce((a, b) => a.add(b))
    .sqrt();
  const outputs = [loss, length, ...grads.map((g) => g.mul(ops.minimum(1, ops.div(1, length))))];
  const results = await underAll(outputs);
  const oracle = inDouble(outputs);
  for (const [k, { simplify }] of combinations.entries()) {
    const plain = results[combinations.findIndex((c) => !c.fuse && !c.reuse && c.simplify === simplify)];
    for (const [i, values] of results[k].entries()) {
      expect(mismatches(values, plain[i]), JSON.stringify(combinations[k])).toEqual([]);
      expect(mismatches(values, oracle[i], { ulps: 8, bounds: 2e-6 })).toEqual([]);
    }
  }
});

describe("literals", () => {
  const x = ops.tensor(specials);
  const neutral: [string, Tensor][] = [
    ["x·1", x.mul(1)],
    ["1·x", ops.mul(1, x)],
    ["x/1", x.div(1)],
    ["x − 0", x.sub(0)],
    ["x + −0", x.add(-0)],
    ["x + 0", x.add(0)], // −0 becomes 0, so this one must stay
    ["x − −0", x.sub(-0)],
    ["x·0", x.mul(0)],
    ["x·−1", x.mul(-1)],
    ["0 − x", ops.sub(0, x)],
    ["1/x", ops.div(1, x)],
  ];
  it.each(neutral)("%s keeps every bit", async (_name, y) => {
    expect(differences(await underAll([y]), inSingle([y]))).toEqual([]);
  });

  it("of every dtype are folded, repeated, reshaped and returned", async () => {
    const five = ops.full([2, 3], 5, "i32");
    const outputs = [
      ops
        .full([3], 2)
        .add(ops.full([2, 1], 3))
        .mul(x.slice([2, 5])),
      five.add(five).reshape([6]),
      five.greater(ops.full([3], 4, "i32")),
      ops.full([3], 300).cast("u8"),
      ops.full([3], -2.7).cast("i32"),
      ops.full([4], 2).sum(),
      ops.full([2, 3], 2).transpose(),
      ops.ones([3]),
      ops.ones([3]),
    ];
    expect(differences(await underAll(outputs), inSingle(outputs))).toEqual([]);
  });
});

describe("transposes", () => {
  it("go into the products that read them, and results stay within rounding", async () => {
    const [a, b, c] = [sample(1, [17, 33]), sample(2, [19, 33]), sample(3, [2, 33, 5])];
    const outputs = [
      a.matmul(b.transpose()),
      b.transpose().slice([0, 17]).matmul(b),
      a.matmul(c),
      c.transpose().matmul(a.transpose()),
    ];
    const oracle = inDouble(outputs);
    for (const values of await underAll(outputs)) {
      for (const [i, v] of values.entries()) expect(mismatches(v, oracle[i], { ulps: 2, bounds: 1e-4 })).toEqual([]);
    }
  });
});

it("the generator reaches every elementwise op, moves and reductions", () => {
  const seen = new Set<string>();
  for (const recipe of fc.sample(recipes(40), { numRuns: 150, seed: 1 })) {
    for (const name of opsIn(outputsOf(recipe, build(recipe, leavesOf(recipe), false)))) seen.add(name);
  }
  const wanted = [
    ...mapOps.map((op) => op.name),
    "cast",
    "expand",
    "permute",
    "slice",
    "concat",
    "reshape",
    "max",
    "min",
    "sum",
  ];
  expect(wanted.filter((name) => !seen.has(name))).toEqual([]);
});
