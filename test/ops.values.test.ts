/** What ops mean: values worked out by hand or by a naive loop, on both executors. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as ops from "../lib/ops/index.js";
import type { NestedArray } from "../lib/run/index.js";
import type { Tensor } from "../lib/tensor.js";
import { executors, inDouble, run, sample } from "./helpers.js";

const { tensor, arange } = ops;
const m = arange(6).reshape([2, 3]); // [[0, 1, 2], [3, 4, 5]]
const v = tensor([3, -1, 2]);
const i32 = (...values: number[]): Tensor => tensor(values, [values.length], "i32");
const inf = Infinity;

const table: [string, Tensor, NestedArray][] = [
  // creation
  [
    "tensor of lists",
    tensor([
      [1, 2],
      [3, 4],
    ]),
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ["tensor of a number", tensor(7), 7],
  ["tensor of flags", tensor([true, false]), [1, 0]],
  ["tensor of bytes as f32", tensor(new Uint8Array([1, 255]), [2], "f32"), [1, 255]],
  ["tensor of numbers as bool", tensor([0, 0.5, -3], [3], "bool"), [0, 1, 1]],
  [
    "tensor reshaped",
    tensor([1, 2, 3, 4], [2, 2]),
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ["zeros", ops.zeros([2]), [0, 0]],
  ["ones", ops.ones([1, 2]), [[1, 1]]],
  ["full", ops.full([2], -0.5), [-0.5, -0.5]],
  ["arange to", arange(3), [0, 1, 2]],
  ["arange from", arange(2, 5), [2, 3, 4]],
  ["arange down", arange(5, 0, -2), [5, 3, 1]],
  ["arange of nothing", arange(3, 3), []],
  ["arange the wrong way", arange(3, 5, -1), []],
  ["linspace", ops.linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1]],
  ["linspace of one", ops.linspace(2, 9, 1), [2]],
  [
    "eye",
    ops.eye(2, 3),
    [
      [1, 0, 0],
      [0, 1, 0],
    ],
  ],
  [
    "oneHot",
    i32(2, 0, 5, -1).oneHot(3),
    [
      [0, 0, 1],
      [1, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ],
  ],
  ["feed", ops.feed(() => [4, 5], [2]), [4, 5]],
  // elementwise
  [
    "add broadcasts",
    m.add(tensor([10, 20, 30])),
    [
      [10, 21, 32],
      [13, 24, 35],
    ],
  ],
  ["sub of a number", ops.sub(1, v), [-2, 2, -1]],
  ["mul of i32", i32(3, -4).mul(2), [6, -8]],
  ["div of i32", i32(3, -4).div(2), [1.5, -2]],
  ["pow", tensor([2, 9, -2, 0]).pow(tensor([10, 0.5, 3, 0])), [1024, 3, -8, 1]],
  ["maximum and minimum", v.maximum(0).minimum(2.5), [2.5, 0, 2]],
  ["comparisons", v.greater(2).logicalOr(v.lessEqual(-1)), [1, 1, 0]],
  ["equal and notEqual", v.equal(3).logicalAnd(v.notEqual(2)), [1, 0, 0]],
  ["less and greaterEqual", v.less(2).logicalNot().equal(v.greaterEqual(2)), [1, 1, 1]],
  ["where", v.greater(0).where(v, tensor(0)), [3, 0, 2]],
  ["clamp", v.clamp({ min: 0, max: 2 }), [2, 0, 2]],
  [
    "cast to i32 truncates",
    tensor([1.9, -1.9, 3e9, Number.NaN, -inf]).cast("i32"),
    [1, -1, 2147483647, 0, -2147483648],
  ],
  ["cast to u8 saturates", tensor([-1, 3.7, 256, Number.NaN]).cast("u8"), [0, 3, 255, 0]],
  ["cast to bool", tensor([0, -0, 0.1, Number.NaN]).cast("bool"), [0, 0, 1, 1]],
  ["round", tensor([0.5, 1.5, 2.5, -0.5, -1.5, 0.4, -2.6]).round(), [0, 2, 2, -0, -2, 0, -3]],
  [
    "floor and ceil",
    tensor([1.2, -1.2])
      .floor()
      .add(tensor([1.2, -1.2]).ceil()),
    [3, -3],
  ],
  [
    "isFinite and isNaN",
    tensor([1, inf, Number.NaN])
      .isFinite()
      .cast("f32")
      .add(tensor([1, inf, Number.NaN]).isNaN().cast("f32").mul(2)),
    [1, 0, 2],
  ],
  ["sign", tensor([-3, 0, 2]).sign(), [-1, 0, 1]],
  // moves
  [
    "reshape with −1",
    m.reshape([3, -1]),
    [
      [0, 1],
      [2, 3],
      [4, 5],
    ],
  ],
  [
    "flatten",
    arange(8).reshape([2, 2, 2]).flatten(1),
    [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ],
  ],
  ["squeeze and unsqueeze", m.unsqueeze(0).squeeze(0).slice(0).unsqueeze(-1), [[0], [1], [2]]],
  [
    "expand",
    tensor([[1], [2]]).expand([2, 2, 3]),
    [
      [
        [1, 1, 1],
        [2, 2, 2],
      ],
      [
        [1, 1, 1],
        [2, 2, 2],
      ],
    ],
  ],
  [
    "transpose",
    m.transpose(),
    [
      [0, 3],
      [1, 4],
      [2, 5],
    ],
  ],
  ["permute", arange(6).reshape([1, 2, 3]).permute([2, 0, 1]), [[[0, 3]], [[1, 4]], [[2, 5]]]],
  [
    "flip",
    m.flip(1),
    [
      [2, 1, 0],
      [5, 4, 3],
    ],
  ],
  [
    "pad",
    tensor([[1]]).pad(
      [
        [0, 1],
        [2, 0],
      ],
      9,
    ),
    [
      [9, 9, 1],
      [9, 9, 9],
    ],
  ],
  [
    "concat",
    ops.concat([m, tensor([[9], [8]])], 1),
    [
      [0, 1, 2, 9],
      [3, 4, 5, 8],
    ],
  ],
  [
    "stack",
    ops.stack([v, v.neg()], 1),
    [
      [3, -3],
      [-1, 1],
      [2, -2],
    ],
  ],
  ["split", ops.split(m, 3, 1)[2], [[2], [5]]],
  [
    "slice of a middle",
    m.slice(null, [1, 3]),
    [
      [1, 2],
      [4, 5],
    ],
  ],
  ["slice from the end", m.slice(-1, -2), 4],
  // by index
  [
    "gather",
    m.gather(i32(2, 0), 1),
    [
      [2, 0],
      [5, 3],
    ],
  ],
  [
    "gather of a matrix of indices",
    v.gather(
      tensor(
        [
          [0, 2],
          [1, 1],
        ],
        [2, 2],
        "i32",
      ),
    ),
    [
      [3, 2],
      [-1, -1],
    ],
  ],
  [
    "indexSelect",
    m.indexSelect(i32(1, 1)),
    [
      [3, 4, 5],
      [3, 4, 5],
    ],
  ],
  ["scatterAdd", tensor([1, 2, 3]).scatterAdd(i32(1, 1, 0), 3), [3, 3, 0]],
  ["pick", m.pick(i32(2, 0)), [2, 3]],
  ["pick along the first axis, one ignored", m.pick(i32(1, -100, 0), { axis: 0, ignore: -100 }), [3, 0, 2]],
  ["histogram: the last bin has its upper bound", tensor([0, 1, 2, 3, 4]).histogram({ bins: 2 }), [2, 3]],
  ["histogram: bins are [low, high)", tensor([0, 1, 1.999, 2, 4]).histogram({ bins: 4, min: 0, max: 4 }), [1, 2, 1, 1]],
  ["histogram: outside and NaN", tensor([-1, 0.5, NaN, inf, 9, -inf]).histogram({ bins: 2, min: 0, max: 1 }), [0, 1]],
  ["histogram: of equal elements", tensor([3, 3]).histogram({ bins: 3 }), [2, 0, 0]],
  ["histogram: of a range that is not finite", tensor([1, NaN]).histogram({ bins: 2 }), [0, 0]],
  ["histogram: of an infinite range", tensor([1, -inf, inf]).histogram({ bins: 2 }), [0, 0]],
  ["histogram: bounds the wrong way round", v.histogram({ bins: 2, min: 3, max: -1 }), [0, 0]],
  ["histogram: the widest range", tensor([-3e38, 0, 3e38]).histogram({ bins: 3 }), [1, 1, 1]],
  ["histogram: of tiny ones", tensor([0, 1e-45]).histogram({ bins: 2 }), [1, 1]],
  ["histogram: of nothing", ops.zeros([0]).histogram({ bins: 2 }), [0, 0]],
  ["histogram: bounds as tensors", m.histogram({ bins: 2, min: v.min(), max: v.max().add(3) }), [3, 3]],
  // reductions
  ["sum of all", m.sum(), 15],
  ["sum of rows", m.sum({ axes: 1 }), [3, 12]],
  ["sum of columns, kept", m.sum({ axes: 0, keepDims: true }), [[3, 5, 7]]],
  [
    "sum of no axes",
    m.sum({ axes: [] }),
    [
      [0, 1, 2],
      [3, 4, 5],
    ],
  ],
  [
    "sum of axes apart",
    arange(8)
      .reshape([2, 2, 2])
      .sum({ axes: [0, 2] }),
    [10, 18],
  ],
  ["sum of flags", m.greater(2).sum(), 3],
  ["sum of wrapped i32", i32(2147483647, 1).sum(), -2147483648],
  ["mean", m.mean({ axes: -1 }), [1, 4]],
  ["max and min", m.max({ axes: 0 }).sub(m.min()), [3, 4, 5]],
  ["argmax takes the first", tensor([1, 3, 3]).argmax(), 1],
  [
    "argmin over rows",
    tensor([
      [2, 1],
      [1, 2],
    ]).argmin({ axes: 1 }),
    [1, 0],
  ],
  ["argmax of NaN", tensor([1, Number.NaN, 3, Number.NaN]).argmax(), 1],
  ["variance", tensor([1, 2, 3, 4]).variance(), 1.25],
  ["variance with correction", tensor([1, 3]).variance({ correction: 1 }), 2],
  ["std", tensor([2, 4]).std(), 1],
  ["norm", tensor([3, 4]).norm(), 5],
  [
    "norm of huge and tiny",
    ops.stack([tensor([3e38, 0]), tensor([1e-45, 0])]).norm({ axes: 1 }),
    [3e38, 1e-45].map(Math.fround),
  ],
  ["any and all", ops.stack([tensor([0, 2]).any(), tensor([0, 2]).all(), tensor([1, 2]).all()]), [1, 0, 1]],
  ["all of nothing, any of nothing", ops.stack([ops.zeros([0]).all(), ops.zeros([0]).any()]), [1, 0]],
  ["softmax of equals", tensor([1e4, 1e4]).softmax(), [0.5, 0.5]],
  ["softmax of one certain", tensor([0, -inf]).softmax(), [1, 0]],
  ["logSumExp of huge", tensor([1e30, 1]).logSumExp(), Math.fround(1e30)],
  ["logSumExp of −∞", tensor([-inf, -inf]).logSumExp(), -inf],
  ["sumTo", m.sumTo([1, 3]), [[3, 5, 7]]],
  // products
  [
    "matmul",
    m.matmul(
      tensor([
        [1, 0],
        [0, 1],
        [1, 1],
      ]),
    ),
    [
      [2, 3],
      [8, 9],
    ],
  ],
  ["matmul of vectors", v.matmul(v), 14],
  ["matmul of a vector and a matrix", tensor([1, 2]).matmul(m), [6, 9, 12]],
  ["matmul of a matrix and a vector", m.matmul(v), [3, 15]],
  [
    "matmul of batches",
    arange(4)
      .reshape([2, 1, 2])
      .matmul(tensor([[1], [10]])),
    [[[10]], [[32]]],
  ],
  ["matmul of nothing", ops.zeros([2, 0]).matmul(ops.zeros([0, 1])), [[0], [0]]],
  // activations
  ["relu", v.relu(), [3, 0, 2]],
  ["relu of −0 and NaN", tensor([-0, Number.NaN]).relu(), [-0, Number.NaN]],
  ["leakyRelu", tensor([-2, 4]).leakyRelu(0.5), [-1, 4]],
  ["prelu per channel", tensor([[-1, -1]]).prelu(tensor([0.5, 0.25])), [[-0.5, -0.25]]],
  ["hardtanh", v.hardtanh(), [1, -1, 1]],
  ["hardSigmoid", tensor([-4, 0, 3]).hardSigmoid(), [0, 0.5, 1]],
  ["hardSwish", tensor([-4, 0, 4]).hardSwish(), [-0, 0, 4]],
  ["softsign", tensor([1, -3]).softsign(), [0.5, -0.75]],
  ["customGradient and stopGradient keep values", ops.stopGradient(ops.customGradient(v, [v], () => [v])), [3, -1, 2]],
];

describe.each(executors)("%s", (name) => {
  it.each(table)("%s", async (_title, y, want) => {
    const [values] = await run(name, { outputs: [y] });
    const flat = (x: NestedArray): number[] => (typeof x === "number" ? [x] : x.flatMap(flat));
    const shape = (x: NestedArray): number[] =>
      typeof x === "number" ? [] : [x.length, ...(x.length ? shape(x[0]) : [])];
    expect([...values]).toEqual(flat(want));
    expect(y.shape).toEqual(shape(want));
  });
});

/** From tables of the functions, to more digits than a float has. */
const functions: [string, (x: Tensor) => Tensor, number, number][] = [
  ["erf", ops.erf, 0.5, 0.5204998778130465],
  ["erf", ops.erf, 2, 0.9953222650189527],
  ["erfc", ops.erfc, 3, 2.209049699858544e-5],
  ["erfc", ops.erfc, -1, 1.842700792949715],
  ["gelu", ops.gelu, 1, 0.8413447460685429],
  ["gelu", ops.gelu, -3, -0.0040496940948],
  ["geluTanh", ops.geluTanh, 1, 0.8411919906082768],
  ["silu", ops.silu, 1, 0.7310585786300049],
  ["mish", ops.mish, 1, 0.8650983882673103],
  ["softplus", ops.softplus, 1, 1.3132616875182228],
  ["logSigmoid", ops.logSigmoid, 1, -0.3132616875182228],
  ["sigmoid", ops.sigmoid, -2, 0.11920292202211755],
  ["elu", (x) => ops.elu(x, 2), -1, -1.2642411176571153],
  ["selu", ops.selu, -1, -1.1113307378125625],
  ["celu", (x) => ops.celu(x, 2), -1, -0.7869386805747332],
  ["expm1", ops.expm1, 1e-5, 1.0000050000166667e-5],
  ["log1p", ops.log1p, 1e-5, 9.999950000333332e-6],
  ["rsqrt", ops.rsqrt, 4, 0.5],
];

it.each(functions)("%s at %d", async (_name, call, x, want) => {
  const at = sample(1, [], [x, x]);
  for (const name of executors) expect((await run(name, { outputs: [call(at)] }))[0][0] / want).toBeCloseTo(1, 5);
  expect(inDouble([call(at)])[0][0] / want).toBeCloseTo(1, 6);
});

it("slice follows Python's rules", () => {
  const bound = fc.option(fc.integer({ min: -9, max: 9 }), { nil: null });
  const wanted = fc.record({
    n: fc.nat(6),
    start: bound,
    end: bound,
    step: fc.integer({ min: -4, max: 4 }).filter((s) => s !== 0),
  });
  fc.assert(
    fc.property(wanted, ({ n, start, end, step }) => {
      // The reference of CPython's PySlice_AdjustIndices.
      const fix = (x: number | null, none: number): number => {
        if (x === null) return none;
        const at = x < 0 ? x + n : x;
        return step > 0 ? Math.min(n, Math.max(0, at)) : Math.min(n - 1, Math.max(-1, at));
      };
      const [from, to] = [fix(start, step > 0 ? 0 : n - 1), fix(end, step > 0 ? n : -1)];
      const want: number[] = [];
      for (let i = from; step > 0 ? i < to : i > to; i += step) want.push(i);
      expect([...inDouble([ops.zeros([n]).add(arange(n)).slice([start, end, step])])[0]]).toEqual(want);
    }),
    { numRuns: 500, seed: 1 },
  );
});
