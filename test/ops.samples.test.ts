/** Sample calls of every exported op, native against double precision; and that no op is without a table. */
import { describe, expect, it } from "vitest";
import { collect } from "../lib/compile/graph.js";
import * as ops from "../lib/ops/index.js";
import { mapOps } from "../lib/ops/map.js";
import { reduceOps } from "../lib/ops/reduce.js";
import { addon } from "../lib/run/addon.js";
import { inDouble, mismatches, run, sample } from "./helpers.js";
import { elsewhere, samples } from "./samples.js";

const names = [...new Set(samples.map((s) => s.name))];

describe.each(names)("%s", (name) => {
  const own = samples.filter((s) => s.name === name);
  it(`has the reference's values in ${own.length} calls`, async () => {
    const outputs = own.map(({ call, inputs }) => call(...inputs));
    const magnitudes = own.map(({ magnitude, inputs }) => magnitude?.(...inputs));
    const [actual, oracle] = [await run("native", { outputs }), inDouble(outputs)];
    for (const [i, { ulps, inputs }] of own.entries()) {
      const m = magnitudes[i]?.expand(outputs[i].shape);
      const bounds = m ? inDouble([m])[0].map((x) => x * 2 ** -24) : 0;
      const title = `#${i} ${inputs.map((x) => `${x.dtype}[${x.shape}]`)} to ${outputs[i].dtype}[${outputs[i].shape}]`;
      expect(mismatches(actual[i], oracle[i], { ulps, bounds }), title).toEqual([]);
    }
  });
});

it("every exported op is in a table", () => {
  const inTables = new Set([...names, ...mapOps.map((op) => op.name), ...Object.keys(elsewhere)]);
  expect(Object.keys(ops).filter((name) => !inTables.has(name))).toEqual([]);
});

it("swish is silu", () => {
  expect(ops.swish).toBe(ops.silu);
});

it("the tables name nothing that is not exported", () => {
  const exported = new Set(Object.keys(ops));
  expect([...names, ...Object.keys(elsewhere)].filter((name) => !exported.has(name))).toEqual([]);
});

it("every kernel, fused operation and reduction of the addon is one that a table runs", () => {
  const structured = samples.flatMap(({ call, inputs }) =>
    collect({ outputs: [call(...inputs)] }).nodes.map((node) => node.op),
  );
  const kernels = new Set([...structured].flatMap((op) => (op.kind === "kernel" ? [op.kernel] : [])));
  const others = ["random", "orthogonal", "map", "mapEach", "crossEntropy", "moments", "layerNorm", "norms"]; // with tests of their own
  const gradients = [
    "channelSums",
    "layerNormGradient",
    "unpick",
    "softmaxGradient",
    "logSoftmaxGradient",
    "crossEntropyGradient",
  ];
  expect(
    addon()
      .kernels()
      .filter((name) => !kernels.has(name) && ![...others, ...gradients].includes(name)),
  ).toEqual([]);
  const maps = new Set(mapOps.flatMap((op) => [op.name, `${op.name}I`]));
  expect(
    addon()
      .mapOps()
      .map((op) => op.name)
      .filter((name) => !maps.has(name)),
  ).toEqual(["toI32", "toF32"]); // of cast
  expect([...addon().reduceOps()].sort()).toEqual(reduceOps.map((op) => op.name).sort());
});

describe("orthogonalFactor", () => {
  it.each([
    [1, 1],
    [5, 3],
    [33, 17],
    [64, 64],
    [129, 10],
    [3, 0],
  ])("of (%i, %i) has orthonormal columns, as the reference's", async (m, n) => {
    const x = sample(3, [m, n], [-1, 1]);
    const q = ops.orthogonalFactor(x);
    const [actual] = await run("native", { outputs: [q] });
    // Errors grow with the condition of x: squares of 64 are the worst here.
    expect(mismatches(actual, inDouble([q])[0], { ulps: 0, bounds: 1e-4 })).toEqual([]);
    const product = inDouble([
      ops
        .tensor(actual, [m, n])
        .transpose()
        .matmul(ops.tensor(actual, [m, n])),
    ])[0];
    for (let a = 0; a < n; a++) for (let b = 0; b < n; b++) expect(product[a * n + b]).toBeCloseTo(Number(a === b), 5);
  });
});

it("unpick puts a gradient where pick read", async () => {
  const [g, labels] = [sample(1, [5]), ops.tensor([0, 3, 2, 9, 1], [5], "i32")];
  const x = sample(2, [5, 4]);
  const { grad } = await import("../lib/grad.js");
  const [dx] = grad(ops.pick(x, labels, { ignore: 9 }).mul(g).sum(), [x]);
  const [actual] = await run("native", { outputs: [dx] });
  expect(mismatches(actual, inDouble([dx])[0])).toEqual([]);
  expect(actual[3]).toBe(0);
});
