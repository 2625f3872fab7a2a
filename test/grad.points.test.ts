/** Derivatives where differences cannot judge: kinks, ties, infinities, and the forms in which grad is called. */
import { describe, expect, it } from "vitest";
import { grad } from "../lib/grad.js";
import * as ops from "../lib/ops/index.js";
import { reference } from "../lib/run/reference.js";
import { Tensor } from "../lib/tensor.js";
import { executors, inDouble, mismatches, run, sample } from "./helpers.js";

type Call = (...x: Tensor[]) => Tensor;
const { tensor } = ops;
const inf = Infinity;

/** What a call, its operands and the gradient of its sum to each of them must be. */
const points: [name: string, call: Call, operands: number[][], gradients: number[][]][] = [
  ["abs", ops.abs, [[0, -2, 3]], [[0, -1, 1]]],
  ["relu", ops.relu, [[0, -1, 2]], [[0, 0, 1]]],
  ["sign", ops.sign, [[0, -1, 2]], [[0, 0, 0]]],
  ["leakyRelu", (x) => ops.leakyRelu(x, 0.25), [[0, -1, 2]], [[0.25, 0.25, 1]]],
  ["clamp", (x) => ops.clamp(x, { min: -1, max: 1 }), [[-1, 1, -2, 2, 0.5]], [[1, 1, 0, 0, 1]]],
  [
    "maximum",
    ops.maximum,
    [
      [1, 2, 3],
      [1, 3, 2],
    ],
    [
      [0.5, 0, 1],
      [0.5, 1, 0],
    ],
  ],
  [
    "minimum",
    ops.minimum,
    [
      [1, 2, 3],
      [1, 3, 2],
    ],
    [
      [0.5, 1, 0],
      [0.5, 0, 1],
    ],
  ],
  ["max", (x) => ops.max(x), [[1, 4, 4, 2]], [[0, 0.5, 0.5, 0]]],
  ["min", (x) => ops.min(x), [[3, 1, 1, 1]], [[0, 1 / 3, 1 / 3, 1 / 3]]],
  ["norm", (x) => ops.norm(x), [[0, 0]], [[0, 0]]],
  ["norm", (x) => ops.norm(x), [[3e30, 4e30]], [[0.6, 0.8]]],
  ["norm", (x) => ops.norm(x), [[3e-30, 4e-30]], [[0.6, 0.8]]],
  [
    "pow",
    ops.pow,
    [
      [0, 0, 0, 2],
      [0, 1, 2, 0],
    ],
    [
      [0, 1, 0, 0],
      [0, 0, 0, Math.log(2)],
    ],
  ],
  // the branch not taken gets 0 whatever the cotangent
  [
    "where",
    (x) =>
      x
        .greater(0)
        .where(x, 1)
        .mul(tensor([Number.NaN, -inf, 3])),
    [[-1, 0, 2]],
    [[0, 0, 3]],
  ],
  ["elu", (x) => ops.elu(x, 2), [[1000, -1000, 0]], [[1, 0, 2]]],
  ["celu", (x) => ops.celu(x, 2), [[1000, -1000, 0]], [[1, 0, 1]]],
  ["softplus", ops.softplus, [[1000, -1000]], [[1, 0]]],
  ["logSigmoid", ops.logSigmoid, [[1000, -1000]], [[0, 1]]],
  ["sigmoid", ops.sigmoid, [[1000, -1000]], [[0, 0]]],
  ["tanh", ops.tanh, [[1000, -1000]], [[0, 0]]],
  ["gelu", ops.gelu, [[100, -100]], [[1, 0]]],
  ["silu", ops.silu, [[100, -100]], [[1, 0]]],
  ["mish", ops.mish, [[100, -100]], [[1, 0]]],
  ["logSumExp", (x) => ops.logSumExp(x), [[1000, 1000]], [[0.5, 0.5]]],
  ["logSumExp", (x) => ops.logSumExp(x), [[0, -inf]], [[1, 0]]],
  ["softmax", (x) => ops.softmax(x).slice([0, 1]), [[0, 0, -inf]], [[0.25, -0.25, 0]]],
  ["logSoftmax", (x) => ops.logSoftmax(x).slice([0, 1]), [[1e4, 1e4]], [[0.5, -0.5]]],
  ["stopGradient", (x) => ops.stopGradient(x).mul(x), [[3]], [[3]]],
];

describe.each(executors)("%s", (name) => {
  it.each(points)("%s", async (_op, call, operands, gradients) => {
    const x = operands.map((values) => tensor(values));
    const actual = await run(name, { outputs: grad(call(...x).sum(), x) });
    for (const [k, want] of gradients.entries()) expect(actual[k], `input ${k}`).toHaveLength(want.length);
    for (const [k, want] of gradients.entries()) {
      for (const [i, w] of want.entries()) expect(actual[k][i], `input ${k}[${i}]`).toBeCloseTo(w, 6);
    }
  });
});

/** Derivatives far out, where a careless formula has lost every digit. */
const far: [name: string, call: Call, x: number, derivative: number][] = [
  ["sigmoid", ops.sigmoid, 30, Math.exp(-30)],
  ["sigmoid", ops.sigmoid, -80, Math.exp(-80)],
  ["softplus", ops.softplus, -30, Math.exp(-30)],
  ["logSigmoid", ops.logSigmoid, 30, Math.exp(-30)],
  ["erfc", ops.erfc, 8, (-2 / Math.sqrt(Math.PI)) * Math.exp(-64)],
  ["silu", ops.silu, -40, -39 * Math.exp(-40)],
  ["elu", (x) => ops.elu(x), -40, Math.exp(-40)],
  ["log1p", ops.log1p, -0.5, 2],
  ["rsqrt", ops.rsqrt, 1e-10, -0.5 * 1e15],
  [
    "logSoftmax",
    (x) =>
      ops
        .stack([x, ops.zeros([])])
        .logSoftmax()
        .slice(0),
    40,
    Math.exp(-40),
  ],
];

it.each(far)("%s at %d keeps its digits", async (_name, call, at, derivative) => {
  const x = tensor(at);
  for (const name of executors) {
    const [actual] = await run(name, { outputs: grad(call(x).sum(), [x]) });
    expect(Math.abs(actual[0] / derivative - 1)).toBeLessThan(5e-6);
  }
});

describe("grad", () => {
  it("gives zeros for a leaf the loss does not depend on, and for integers", () => {
    const [x, y, n] = [tensor([1, 2]), tensor([[3, 4, 5]]), tensor([1, 2], [2], "i32")];
    const [dx, dy, dn] = grad(x.mul(n).sum(), [x, y, n]);
    expect(inDouble([dx, dy, dn]).map((v) => [...v])).toEqual([
      [1, 2],
      [0, 0, 0],
      [0, 0],
    ]);
    expect(dy.shape).toEqual([1, 3]);
  });

  it("takes leaves in the middle of the graph, and one leaf twice", () => {
    const x = tensor([2, 3]);
    const h = x.square();
    const loss = h.mul(h).sum();
    const [dh, dx, again] = inDouble(grad(loss, [h, x, x]));
    expect([...dh]).toEqual([8, 18]);
    expect([...dx]).toEqual([32, 108]);
    expect([...again]).toEqual([32, 108]);
  });

  it("is the loss's own gradient, 1", () => {
    const loss = tensor([2]).square().sum();
    expect([...inDouble(grad(loss, [loss]))[0]]).toEqual([1]);
  });

  it("takes a cotangent for a loss of any shape", () => {
    const x = tensor([1, 2, 3]);
    expect([...inDouble(grad(x.square(), [x], tensor([1, 10, 100])))[0]]).toEqual([2, 40, 600]);
  });

  it("sums over every path of a shared value", () => {
    const x = tensor([0.5]);
    let y: Tensor = x;
    for (let k = 0; k < 10; k++) y = y.add(y);
    expect([...inDouble(grad(y.sum(), [x]))[0]]).toEqual([1024]);
  });

  it("differentiates a chain of 20,000 ops and runs it", async () => {
    const x = tensor([0.5]);
    let y: Tensor = x;
    for (let k = 0; k < 20_000; k++) y = y.add(1e-6);
    const [dx] = grad(y.sum(), [x]);
    for (const name of executors) expect([...(await run(name, { outputs: [dx, y] }))[0]]).toEqual([1]);
  });

  it("differentiates three times", () => {
    const x = tensor([0.7]);
    const [d1] = grad(x.sin().sum(), [x]);
    const [d2] = grad(d1.sum(), [x]);
    const [d3] = grad(d2.sum(), [x]);
    expect(inDouble([d3])[0][0]).toBeCloseTo(-Math.cos(Math.fround(0.7)), 12);
  });

  it("does not depend on the executor", async () => {
    const [w, x] = [sample(1, [7, 5]), sample(2, [9, 7])];
    const labels = tensor([0, 1, 2, 3, 4, 0, 1, 2, 3], [9], "i32");
    const loss = x.matmul(w).logSoftmax().pick(labels).mean().neg();
    const outputs = grad(loss, [w, x]);
    const actual = await run("native", { outputs });
    const oracle = inDouble(outputs);
    for (const [k, values] of actual.entries())
      expect(mismatches(values, oracle[k], { ulps: 4, bounds: 1e-6 })).toEqual([]);
  });

  const x = tensor([1, 2]);
  const refusals: [string, () => unknown, RegExp][] = [
    ["a loss that is no tensor", () => grad(3 as unknown as Tensor, [x]), /^grad: loss must be a tensor, got 3/],
    [
      "leaves that are no list",
      () => grad(x.sum(), x as unknown as Tensor[]),
      /^grad: leaves must be a list of tensors, got a Constant/,
    ],
    [
      "leaves that are no tensors",
      () => grad(x.sum(), [1] as unknown as Tensor[]),
      /^grad: leaves must be a list of tensors, got \[1\]/,
    ],
    [
      "a loss of integers",
      () => grad(x.argmax(), [x]),
      /^grad: loss must be f32, got i32\. Nothing flows through integers/,
    ],
    [
      "a loss of several elements",
      () => grad(x, [x]),
      /^grad: loss must have one element, got \[2\]\. Reduce it first, e\.g\. with mean\(\)/,
    ],
    [
      "a cotangent of another shape",
      () => grad(x, [x], tensor([1])),
      /^grad: the cotangent must have the shape of loss \[2\], got \[1\]/,
    ],
  ];
  it.each(refusals)("refuses %s", (_name, call, message) => {
    expect(call).toThrow(message);
    expect(x).toBeInstanceOf(Tensor);
    expect(reference.name).toBe("reference");
  });
});
