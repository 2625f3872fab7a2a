/** Losses and accuracy beyond the fixtures: derivatives, limits, equalities between losses, refusals. */
import { beforeAll, describe, expect, test } from "vitest";
import { grad } from "../lib/grad.js";
import * as nn from "../lib/nn/index.js";
import { arange, ones, tensor, zeros } from "../lib/ops/index.js";
import { read, useExecutor } from "../lib/run/index.js";
import type { Constant, Tensor } from "../lib/tensor.js";
import { apart } from "./fixtures/read.js";
import { gradientErrors, secondDerivativeErrors } from "./gradcheck.js";
import { executors, sample } from "./helpers.js";

const labels = (...values: number[]): Constant => tensor(values, [values.length], "i32");

beforeAll(() => useExecutor("reference"));

describe("derivatives of losses, first and second", () => {
  const x = sample(1, [4, 3]);
  const t = sample(2, [4, 3]);
  const shares = sample(3, [4, 3], [0.1, 1]);
  const y = labels(0, 2, 1, 1);
  const classWeights = tensor([0.5, 2, 1]);
  const rows: [string, (...x: Tensor[]) => Tensor, Constant[]][] = [
    ["crossEntropy of labels", (z) => nn.crossEntropy(z, y), [x]],
    [
      "crossEntropy, everything on",
      (z) => nn.crossEntropy(z, y, { classWeights, labelSmoothing: 0.1, ignoreIndex: 2 }),
      [x],
    ],
    [
      "crossEntropy of probabilities",
      (z, p) => nn.crossEntropy(z, p, { labelSmoothing: 0.1, classWeights }),
      [x, shares],
    ],
    ["nll", (z) => nn.nll(z, y, { classWeights, reduction: "none" }), [x]],
    ["klDivergence", (z, p) => nn.klDivergence(z, p), [x, shares]],
    ["klDivergence of logarithms", (z, p) => nn.klDivergence(z, p, { logTarget: true }), [x, t]],
    [
      "binaryCrossEntropyWithLogits",
      (z, p) => nn.binaryCrossEntropyWithLogits(z, p, { posWeight: classWeights }),
      [x, shares],
    ],
    ["mse", (a, b) => nn.mse(a, b), [x, t]],
    ["l1", (a, b) => nn.l1(a, b), [x, t]],
    ["huber", (a, b) => nn.huber(a, b, { delta: 0.7 }), [x, t]],
  ];

  test.each(rows)("%s", (_, call, inputs) => {
    expect(gradientErrors(call, inputs)).toEqual([]);
    expect(secondDerivativeErrors(call, inputs)).toEqual([]);
  });
});

describe.each(executors)("on %s", (executor) => {
  beforeAll(() => useExecutor(executor));

  test("losses and gradients of sure and right answers keep their digits", async () => {
    const logits = tensor([[0, 20]]);
    const loss = nn.crossEntropy(logits, labels(1));
    const [value, dx] = await read([loss, grad(loss, [logits])[0]]);
    const p = Math.exp(-20) / (1 + Math.exp(-20));
    expect(apart(value, [Math.log1p(Math.exp(-20))], 1e-6)).toEqual([]);
    expect(apart(dx, [p, -p], 1e-6)).toEqual([]); // in PyTorch the second is 0
    const z = tensor([20, -20, 100, -100]);
    const binary = nn.binaryCrossEntropyWithLogits(z, tensor([1, 0, 1, 0]), { reduction: "sum" });
    const [dz] = await read(grad(binary, [z]));
    expect(apart(dz, [-p, p, -Math.exp(-100), Math.exp(-100)], 1e-6, "own")).toEqual([]);
  });

  test("losses of sure and wrong answers are large and finite", async () => {
    const got = await read([
      nn.crossEntropy(tensor([[-1e30, 1e30, 0]]), labels(0)),
      nn.binaryCrossEntropyWithLogits(tensor([1e30]), tensor([0])),
      nn.huber(tensor([1e30]), tensor([0])),
    ]);
    expect(got.map(([x]) => x)).toEqual([2e30, 1e30, 1e30].map(Math.fround));
  });

  test("a mean of nothing but ignored labels is 0 and has no gradient", async () => {
    const logits = sample(1, [3, 4]);
    for (const options of [{}, { labelSmoothing: 0.1 }, { classWeights: ones([4]) }]) {
      const loss = nn.crossEntropy(logits, labels(-1, -1, -1), { ignoreIndex: -1, ...options });
      const [value, dx] = await read([loss, grad(loss, [logits])[0]]);
      expect(Math.abs(value[0])).toBe(0);
      expect(dx.every((g) => g === 0)).toBe(true);
    }
  });

  test("ignored rows may hold anything that is finite, and get no gradient", async () => {
    const logits = tensor([
      [1, 2],
      [1e30, -1e30],
    ]);
    const loss = nn.crossEntropy(logits, labels(0, 9), { ignoreIndex: 9 });
    const [value, dx] = await read([loss, grad(loss, [logits])[0]]);
    expect(apart(value, [Math.log1p(Math.E)], 1e-6)).toEqual([]);
    expect([...dx.slice(2)].map(Math.abs)).toEqual([0, 0]);
  });

  test("probabilities of 0 and 1 are labels", async () => {
    const logits = sample(5, [3, 4]);
    const [a, b, c] = await read([
      nn.crossEntropy(logits, labels(2, 0, 3)),
      nn.crossEntropy(logits, labels(2, 0, 3).oneHot(4)),
      nn.nll(logits.logSoftmax(), labels(2, 0, 3)),
    ]);
    expect(apart(a, b, 1e-6)).toEqual([]);
    expect(apart(a, c, 1e-6)).toEqual([]);
  });

  test("labels may be bytes, and flags the targets of a binary loss", async () => {
    const logits = sample(5, [2, 4]);
    const bytes = tensor(Uint8Array.of(1, 3));
    expect(await nn.crossEntropy(logits, bytes).item()).toBe(await nn.crossEntropy(logits, labels(1, 3)).item());
    const [a, b] = await read([
      nn.binaryCrossEntropyWithLogits(tensor([1, 2]), tensor([true, false])),
      nn.binaryCrossEntropyWithLogits(tensor([1, 2]), tensor([1, 0])),
    ]);
    expect(a).toEqual(b);
  });

  test("a label outside the classes is refused when run, by its position", async () => {
    const loss = nn.crossEntropy(zeros([3, 4]), labels(0, 4, 1));
    await expect(loss.item()).rejects.toThrow("label 4 at position 1 is out of range for 4 classes (0 to 3)");
    await expect(nn.crossEntropy(zeros([1, 4]), labels(-1)).item()).rejects.toThrow(
      "label -1 at position 0 is out of range",
    );
    expect(await nn.crossEntropy(zeros([1, 4]), labels(0)).item()).toBeCloseTo(Math.log(4), 6); // all is well after it
  });

  test("klDivergence of equal distributions is 0, also where they are 0", async () => {
    const p = tensor([
      [0.5, 0.5, 0],
      [0.25, 0.25, 0.5],
    ]);
    const input = tensor([
      [0.5, 0.5, 1e-30],
      [0.25, 0.25, 0.5],
    ]).log();
    const loss = nn.klDivergence(input, p);
    const [value, dp] = await read([loss, grad(loss, [p])[0]]);
    expect(Math.abs(value[0])).toBeLessThan(1e-7);
    expect(dp.every(Number.isFinite)).toBe(true);
  });

  test("accuracy counts the right answers", async () => {
    const rows: [Tensor, Tensor, number][] = [
      [
        tensor([
          [0, 2],
          [3, 1],
          [1, 4],
        ]),
        labels(1, 1, 1),
        2 / 3,
      ],
      [
        tensor([
          [0, 2],
          [3, 1],
        ]),
        tensor(Uint8Array.of(1, 0)),
        1,
      ],
      [
        tensor([
          [0, 2],
          [3, 1],
        ]),
        tensor([
          [0.1, 0.9],
          [0.2, 0.8],
        ]),
        0.5,
      ],
      [tensor([[-1], [2], [3], [0]]), labels(0, 1, 0, 0), 0.75],
      [tensor([-1, 2]), tensor([0, 1]), 1],
      [tensor([-1, 2]), tensor([true, true]), 0.5],
      [tensor([[-1], [2]]), tensor([[1], [1]]), 0.5],
      [
        arange(12).reshape([2, 3, 2]),
        tensor(
          [
            [2, 2],
            [2, 0],
          ],
          [2, 2],
          "i32",
        ),
        0.75,
      ],
    ];
    const got = await read(rows.map(([logits, y]) => nn.accuracy(logits, y)));
    expect(got.flatMap(([x], i) => apart([x], [rows[i][2]], 1e-6))).toEqual([]);
  });
});

describe("losses refuse", () => {
  const [z, y, t] = [zeros([4, 3]), labels(0, 1, 2, 0), zeros([4, 3])];
  const loosely = nn as unknown as Record<string, (...args: unknown[]) => Tensor>;
  const rows: [string, unknown[], string][] = [
    ["crossEntropy", [z, labels(0, 1)], "labels must have shape [4] for [4,3], got [2]"],
    [
      "crossEntropy",
      [z, z.cast("i32")],
      'labels must have shape [4] for [4,3], got [4,3]. As probabilities: target.cast("f32")',
    ],
    [
      "crossEntropy",
      [z, y.reshape([4, 1])],
      "labels must have shape [4] for [4,3], got [4,1]. Use target.reshape([4])",
    ],
    [
      "crossEntropy",
      [z, zeros([4])],
      'target must be i32 labels [4] or f32 probabilities [4,3], got f32[4]. Use target.cast("i32")',
    ],
    ["crossEntropy", [z, zeros([4, 2])], "target must be i32 labels [4] or f32 probabilities [4,3], got f32[4,2]"],
    ["crossEntropy", [z, [0, 1, 2, 0]], "target must be a tensor, got [0,1,2,0]. Make one with tensor(…)"],
    ["crossEntropy", [y, y], 'logits must be f32, got i32[4]. Use logits.cast("f32")'],
    ["crossEntropy", [zeros([]), y], "logits must be (N, C, …) or (C), got []"],
    [
      "crossEntropy",
      [z, y, { labelsmoothing: 0.1 }],
      'unknown option "labelsmoothing". Did you mean "labelSmoothing"?',
    ],
    ["crossEntropy", [z, y, { labelSmoothing: 2 }], "labelSmoothing must be a number at least 0 and at most 1, got 2"],
    ["crossEntropy", [z, y, { reduction: "avg" }], 'reduction must be "mean", "sum" or "none", got "avg"'],
    [
      "crossEntropy",
      [z, y, { classWeights: zeros([4]) }],
      "classWeights must have one weight for each of 3 classes, got [4]",
    ],
    ["crossEntropy", [z, y, { classWeights: [1, 2, 3] }], "classWeights must be a tensor, got [1,2,3]"],
    ["crossEntropy", [z, y, { ignoreIndex: 0.5 }], "ignoreIndex must be a whole number"],
    ["crossEntropy", [z, t, { ignoreIndex: 0 }], "ignoreIndex is for labels, got probabilities. Leave it out"],
    ["nll", [z, zeros([4])], 'labels must be i32, got f32. Use labels.cast("i32")'],
    ["nll", [z, labels(1)], "labels must have shape [4] for [4,3], got [1]"],
    [
      "nll",
      [z, y, { labelSmoothing: 0.1 }],
      'unknown option "labelSmoothing". Known: classWeights, ignoreIndex, reduction',
    ],
    [
      "klDivergence",
      [z, t, { reduction: "batch" }],
      'reduction must be "batchMean", "mean", "sum" or "none", got "batch"',
    ],
    ["klDivergence", [z, t, { logTarget: 1 }], "logTarget must be true or false, got 1"],
    [
      "mse",
      [z, zeros([4, 1])],
      "target must have the output's shape [4,3], got [4,1]. Use outputs and targets of equal shape",
    ],
    [
      "mse",
      [zeros([4, 1]), zeros([4])],
      "target must have the output's shape [4,1], got [4]. Use target.reshape([4,1])",
    ],
    ["mse", [1, t], "output must be a tensor, got 1. Make one with tensor(…)"],
    ["l1", [z, t, { reduce: "sum" }], 'unknown option "reduce". Known: reduction'],
    ["huber", [z, t, { delta: 0 }], "delta must be a number above 0, got 0"],
    ["binaryCrossEntropyWithLogits", [z, t, { posWeight: -1 }], "posWeight must be a number at least 0, got -1"],
    ["binaryCrossEntropyWithLogits", [z, t, { posWeight: zeros([4]) }], "shapes must be equal or 1 on each axis"],
    [
      "binaryCrossEntropyWithLogits",
      [z, t, { weight: zeros([2, 4, 3]) }],
      "weight must broadcast to the logits' shape [4,3], got [2,4,3]",
    ],
    ["binaryCrossEntropyWithLogits", [z, t, { weight: "w" }], 'weight must be a tensor, got "w"'],
    ["accuracy", [z, labels(1, 2)], "labels must have shape [4] or [4,3] for logits [4,3], got [2]"],
    ["accuracy", [zeros([4]), labels(1, 2)], "labels must have shape [4] for logits [4], got [2]"],
    ["accuracy", [zeros([]), labels(1)], "logits must be (N, C, …) or (N), got a scalar"],
  ];

  test.each(rows)("%s of %#", (name, args, message) => {
    expect(() => loosely[name](...args)).toThrow(`${name}: `);
    expect(() => loosely[name](...args)).toThrow(message);
  });
});
