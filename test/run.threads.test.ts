/** Results do not depend on how many threads compute them, nor on when. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect } from "../lib/compile/graph.js";
import type { TypedArray } from "../lib/dtype.js";
import { grad } from "../lib/grad.js";
import * as ops from "../lib/ops/index.js";
import { initialize, threads } from "../lib/run/index.js";
import { native } from "../lib/run/native.js";
import { type Tensor, Variable } from "../lib/tensor.js";
import { mismatches, run, sample } from "./helpers.js";

const [m, n] = [700, 901];
const a = sample(1, [m, n]);
const b = sample(2, [n, 310]);
const flat = sample(3, [1_000_003]);
const rows = sample(4, [50_000, 10]);
const rowLabels = sample(5, [50_000], [0, 10], "i32");
const at = sample(6, [40_000], [0, 500], "i32");

/** Each large enough to be split. */
const table: [string, () => Tensor[]][] = [
  ["an elementwise chain", () => [flat.mul(2).exp().add(1).log().tanh()]],
  ["a broadcast", () => [a.add(sample(7, [n])).mul(sample(8, [m, 1]))]],
  ["sums of all, rows and columns", () => [flat.sum(), a.sum({ axes: 1 }), a.sum({ axes: 0 })]],
  [
    "other reductions",
    () => [flat.max(), flat.argmin(), a.norm({ axes: 0 }), flat.variance(), a.logSumExp({ axes: 1 })],
  ],
  ["a sum over a middle axis", () => [flat.slice([0, 1_000_000]).reshape([50, 400, 50]).sum({ axes: 1 })]],
  ["a product", () => [a.matmul(b)]],
  [
    "products of turned operands",
    () => [a.transpose().matmul(sample(9, [m, 65])), b.transpose().matmul(a.transpose())],
  ],
  ["a batch of products", () => [sample(10, [20, 65, 70]).matmul(sample(11, [20, 70, 33]))]],
  [
    "a tall product and a wide one",
    () => [sample(12, [9000, 30]).matmul(sample(13, [30, 7])), sample(14, [3, 9000]).matmul(sample(15, [9000, 5]))],
  ],
  [
    "a softmax and its gradient",
    () => {
      const loss = rows.logSoftmax().pick(rowLabels).mean().neg();
      return [rows.softmax(), loss, ...grad(loss, [rows])];
    },
  ],
  [
    "moves",
    () => [
      a.transpose(),
      a.flip([0, 1]),
      a.slice([0, m, 3], [5, n, 2]),
      a.pad([
        [3, 4],
        [1, 2],
      ]),
      ops.concat([a, a], 1),
    ],
  ],
  ["gathers and scattered sums", () => [rows.gather(at), sample(16, [40_000, 9]).scatterAdd(at, 500)]],
  ["counts", () => [rows.histogram(), rows.histogram({ bins: 1000, min: -1, max: 2 })]],
  [
    "draws",
    () => {
      ops.seed(5);
      return [ops.rand([300_001]), ops.randn([300_001]), ops.randint(-5, 1000, [300_001])];
    },
  ],
  ["counting", () => [ops.arange(500_001), ops.eye(600, 700)]],
  ["an orthogonal factor", () => [ops.orthogonalFactor(sample(17, [300, 200]))]],
];

let before = 0;
beforeAll(() => {
  before = threads();
});
afterAll(() => {
  threads(before);
});

describe("the same bits with 1, 2 and 3 threads", () => {
  it.each(table)("%s", async (_name, make) => {
    const results: TypedArray[][] = [];
    for (const count of [1, 2, 3]) {
      threads(count);
      results.push(await run("native", { outputs: make() }));
    }
    for (const values of results.slice(1)) {
      for (const [i, v] of values.entries()) expect(mismatches(v, results[0][i]), `output ${i}`).toEqual([]);
    }
  });

  it("training: a step with momentum, thirty times", async () => {
    const results: TypedArray[][] = [];
    for (const count of [1, 2]) {
      threads(count);
      ops.seed(3);
      const [w1, w2] = [
        new Variable(ops.randn([300, 128], { std: 0.05 })),
        new Variable(ops.randn([128, 10], { std: 0.1 })),
      ];
      const speed = new Variable(ops.zeros([300, 128]));
      const x = sample(20, [512, 300]);
      const loss = x
        .matmul(w1)
        .relu()
        .matmul(w2)
        .logSoftmax()
        .pick(sample(21, [512], [0, 10], "i32"))
        .mean()
        .neg();
      const [d1, d2] = grad(loss, [w1, w2]);
      const next = speed.mul(0.9).add(d1);
      const effects = [
        { variable: speed, value: next },
        { variable: w1, value: w1.sub(next.mul(0.1)) },
        { variable: w2, value: w2.sub(d2.mul(0.1)) },
      ];
      const graph = collect({ outputs: [loss], effects });
      await initialize(graph.leaves);
      const { outputs } = await native().prepare(graph).run({ steps: 30 });
      expect(outputs[0][29]).toBeLessThan(outputs[0][0]);
      results.push([outputs[0], ...[w1, w2, speed].map((v) => (v.storage as TypedArray).slice() as TypedArray)]);
    }
    for (const [i, values] of results[1].entries()) expect(mismatches(values, results[0][i]), `value ${i}`).toEqual([]);
  });
});

it("runs at the same time do not disturb each other", async () => {
  threads(2);
  const graphs = Array.from({ length: 12 }, (_, k) => [
    sample(k, [200, 200]).matmul(a.slice([0, 200], [0, 150])),
    sample(k, [100_000]).sin().sum(),
  ]);
  const alone: TypedArray[][] = [];
  for (const outputs of graphs) alone.push(await run("native", { outputs }));
  const together = await Promise.all(graphs.map((outputs) => run("native", { outputs })));
  for (const [k, values] of together.entries()) {
    for (const [i, v] of values.entries()) expect(mismatches(v, alone[k][i])).toEqual([]);
  }
});
