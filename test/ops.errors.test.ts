/** Every message that a wrong call of an op gives, and that nothing is broken after it. */
import { describe, expect, it } from "vitest";
import { EvengradError } from "../lib/error.js";
import * as ops from "../lib/ops/index.js";
import "../lib/run/index.js";
import type { Tensor } from "../lib/tensor.js";

/** The ops without their types: what plain JavaScript may call them with. */
const o = ops as unknown as Record<string, (...x: unknown[]) => Tensor>;
const x = ops.tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const at = (...values: number[]): Tensor => ops.tensor(values, [values.length], "i32");
const anything = { generator: 3 };

const table: [name: string, call: () => unknown, message: string][] = [
  // creation
  ["tensor", () => o.tensor(null), "values must be numbers, got null"],
  ["tensor", () => o.tensor(["1"]), 'values must be numbers, got "1"'],
  ["tensor", () => o.tensor(new ArrayBuffer(8)), "values must be numbers, got a ArrayBuffer"],
  ["tensor", () => o.tensor(x), "values must be numbers, got a tensor. Use it as it is"],
  [
    "tensor",
    () => o.tensor(new BigInt64Array(2)),
    "values must be a typed array of numbers, got BigInt64Array(2). Convert it to Float32Array first",
  ],
  [
    "tensor",
    () => o.tensor(new DataView(new ArrayBuffer(4))),
    "values must be a typed array of numbers, got DataView(4). Convert it",
  ],
  ["tensor", () => o.tensor([[1], [2, 3]]), "rows must be of equal length, got [2,3] where [1] was expected"],
  ["tensor", () => o.tensor([[1], 2]), "rows must be of equal length, got 2 where [1] was expected"],
  ["tensor", () => o.tensor([1, [2]]), "values must be numbers, got [2]. Rows must be of equal depth"],
  ["tensor", () => o.tensor([1, 2], [3]), "shape [3] wants 3 values, got 2"],
  [
    "tensor",
    () => o.tensor([1, 3e9], [2], "i32"),
    "i32 values must be whole numbers from -2147483648 to 2147483647, got 3000000000 at 1. Use f32, or cast it",
  ],
  ["tensor", () => o.tensor(Float32Array.of(1.5), [1], "i32"), "i32 values must be whole numbers from -2147483648 to"],
  ["tensor", () => o.tensor([-1], [1], "u8"), "u8 values must be whole numbers from 0 to 255, got -1 at 0"],
  ["tensor", () => o.tensor([1], [1], "f64"), 'dtype must be f32, i32, u8 or bool, got "f64"'],
  ["tensor", () => o.tensor([1, 2], "two"), 'shape must be a list of whole numbers, got "two"'],
  ["full", () => o.full([2], "x"), 'value must be a number, got "x"'],
  [
    "full",
    () => o.full([2], 1.5, "i32"),
    "value must be a whole number at least -2147483648 and at most 2147483647, got 1.5",
  ],
  ["full", () => o.full([2], 256, "u8"), "value must be a whole number at least 0 and at most 255, got 256"],
  ["full", () => o.full([2], 1, "f16"), 'dtype must be f32, i32, u8 or bool, got "f16"'],
  ["zeros", () => o.zeros([-1]), "shape must be a list of whole numbers, got [-1]"],
  ["zeros", () => o.zeros([1.5]), "shape must be a list of whole numbers, got [1.5]"],
  ["zeros", () => o.zeros(), "shape must be a list of whole numbers, got undefined"],
  [
    "zeros",
    () => o.zeros([2 ** 39]),
    "shape [549755813888] has 549755813888 elements, more than any memory holds. Check the sizes",
  ],
  ["ones", () => o.ones("3"), 'shape must be a list of whole numbers, got "3"'],
  ["eye", () => o.eye(-1), "shape must be a list of whole numbers, got [-1,-1]"],
  ["arange", () => o.arange(0, 3, 0), "step must not be 0. Leave it out for 1"],
  ["arange", () => o.arange(Number.NaN), "end must be a finite number, got NaN"],
  ["arange", () => o.arange(0, 3, 1, "bool"), 'dtype must be f32 or i32, got "bool". Cast the result'],
  [
    "arange",
    () => o.arange(1e15),
    "shape [1000000000000000] has 1000000000000000 elements, more than any memory holds",
  ],
  ["linspace", () => o.linspace(0, 1, 0), "count must be a whole number at least 1, got 0"],
  ["linspace", () => o.linspace(0, Infinity, 3), "end must be a finite number, got Infinity"],
  ["oneHot", () => o.oneHot(at(1), 0), "classes must be a whole number at least 1, got 0"],
  ["oneHot", () => o.oneHot(x, 3), 'labels must be an i32 tensor, got f32. Use cast("i32")'],
  ["oneHot", () => o.oneHot([1], 3), "labels must be an i32 tensor, got [1]"],
  ["feed", () => o.feed(3, [2]), "produce must be a function that returns values, got 3"],
  ["feed", () => o.feed(() => [1, 2, 3], [2]), "shape [2] wants 2 values, got 3"],
  ["feed", () => o.feed(() => [1], [1], "f64"), 'dtype must be f32, i32, u8 or bool, got "f64"'],
  // random
  ["rand", () => o.rand([2], { low: 2, high: 1 }), "high must be a number at least 2 and at most 3.4e+38, got 1"],
  [
    "rand",
    () => o.rand([2], { low: -3.4e38, high: 1 }),
    "high must be a number at least -3.4e+38 and at most 0, got 1",
  ],
  ["rand", () => o.rand([2], { lo: 2 }), 'unknown option "lo". Did you mean "low"?'],
  ["rand", () => o.rand([2], anything), "generator must be a Generator, got 3"],
  ["randn", () => o.randn([2], { std: -1 }), "std must be a number at least 0 and at most 3.4e+38, got -1"],
  [
    "randn",
    () => o.randn([2], { mean: Infinity }),
    "mean must be a number at least -3.4e+38 and at most 3.4e+38, got Infinity",
  ],
  ["randn", () => o.randn([2], { sdt: 1 }), 'unknown option "sdt". Did you mean "std"?'],
  ["truncatedNormal", () => o.truncatedNormal([2], { std: NaN }), "std must be a number at least 0"],
  ["norms", () => o.norms([]), "tensors must be at least one tensor, got []"],
  ["norms", () => o.norms([3]), "each of tensors must be a tensor, got 3"],
  ["bernoulli", () => o.bernoulli([2], { p: 1.5 }), "p must be a number at least 0 and at most 1, got 1.5"],
  ["bernoulli", () => o.bernoulli([2], { prob: 1 }), 'unknown option "prob". Known: p, generator'],
  ["randint", () => o.randint(3, 3, [2]), "high must be a whole number at least 4 and at most 2147483647, got 3"],
  [
    "randint",
    () => o.randint([2], 0, 3),
    "low must be a whole number at least -2147483648 and at most 2147483647, got [2]",
  ],
  ["randint", () => o.randint(0, 3, [2], anything), "generator must be a Generator, got 3"],
  ["seed", () => ops.seed(-1), "value must be a whole number at least 0 and at most 9007199254740991, got -1"],
  [
    "Generator",
    () => new ops.Generator(1.5),
    "seed must be a whole number at least 0 and at most 9007199254740991, got 1.5",
  ],
  ["Generator", () => new ops.Generator(1).restore({ seed: 1, drawn: -1 }), "drawn must be a whole number at least 0"],
  [
    "permutation",
    () => new ops.Generator(1).permutation(-1),
    "n must be a whole number at least 0 and at most 2147483647, got -1",
  ],
  // elementwise
  ["exp", () => o.exp(3), "x must be a tensor, got 3. Make one with tensor(…)"],
  [
    "add",
    () => x.add(undefined as unknown as number),
    "operands must be tensors or numbers, got undefined. Make one with tensor(…)",
  ],
  ["mul", () => o.mul(x, [1, 2, 3]), "operands must be tensors or numbers, got [1,2,3]. Make one with tensor(…)"],
  ["less", () => o.less(x, "1"), 'operands must be tensors or numbers, got "1"'],
  [
    "add",
    () => x.add(ops.zeros([2])),
    "shapes must be equal or 1 on each axis counted from the last, got [2,3] and [2]. Reshape or expand one of them",
  ],
  [
    "where",
    () => x.where(ops.zeros([4]), 0),
    "shapes must be equal or 1 on each axis counted from the last, got [2,3] and [4] and []",
  ],
  ["cast", () => o.cast(x, "f64"), 'dtype must be f32, i32, u8 or bool, got "f64"'],
  ["cast", () => o.cast(3, "f32"), "x must be a tensor, got 3"],
  ["expand", () => x.expand([3]), "shape must be one the tensor broadcasts to, got [2,3] to [3]"],
  [
    "expand",
    () => x.expand([2, 4]),
    "shapes must be equal or 1 on each axis counted from the last, got [2,3] and [2,4]",
  ],
  ["clamp", () => o.clamp(x), "options must be { min, max } or one of them, got undefined"],
  ["clamp", () => o.clamp(x, { mni: 1 }), 'unknown option "mni". Did you mean "min"?'],
  ["clamp", () => x.clamp({ min: 2, max: 1 }), "max must be a number at least 2, got 1"],
  ["clamp", () => o.clamp(3, { min: 0 }), "x must be a tensor, got 3"],
  // activations
  ["leakyRelu", () => o.leakyRelu(x, "a"), 'slope must be a number, got "a"'],
  ["prelu", () => x.prelu(ops.zeros([2])), "slope must have one value or one per channel (3 of [2,3]), got [2]"],
  ["prelu", () => o.prelu(x, 3), "slope must be a tensor, got 3. Make one with tensor(…)"],
  ["elu", () => o.elu(x, Number.NaN), "alpha must be a number, got NaN"],
  ["celu", () => x.celu(0), "alpha must be a number above 0, got 0"],
  ["hardtanh", () => x.hardtanh(1, 0), "max must be a number at least 1, got 0"],
  ...["relu", "selu", "softsign", "hardSigmoid", "hardSwish", "hardtanh", "leakyRelu", "elu", "celu", "prelu"].map(
    (name): [string, () => unknown, string] => [
      name,
      () => o[name]([1]),
      "x must be a tensor, got [1]. Make one with tensor(…)",
    ],
  ),
  // moves
  ["reshape", () => x.reshape([4]), "sizes must have equal products, got [2,3] to [4]"],
  ["reshape", () => x.reshape([4, -1]), "sizes must have equal products, got [2,3] to [4,-1]"],
  ["reshape", () => x.reshape([-1, -1]), "shape must be a list of whole numbers, got [1,-1]"],
  ["flatten", () => x.flatten(1, 0), "start must not come after end, got 1 and 0 of [2,3]"],
  ["flatten", () => x.flatten(2), "axis must be a whole number from -2 to 1 for 2 axes, got 2"],
  ["unsqueeze", () => x.unsqueeze(5), "axis must be a whole number from -3 to 2 for 3 axes, got 5"],
  ["squeeze", () => x.squeeze(0), "axis 0 must have size 1, got [2,3]"],
  ["permute", () => o.permute(x), "axes must name each of the 2 axes once, got undefined"],
  ["permute", () => x.permute([0, 0]), "axes must name each of the 2 axes once, got [0,0]"],
  ["permute", () => x.permute([0]), "axes must name each of the 2 axes once, got [0]"],
  ["transpose", () => ops.zeros([2]).transpose(), "wants at least 2 axes, got [2]. Reshape first"],
  ["transpose", () => x.transpose(0, 2), "axis must be a whole number from -2 to 1 for 2 axes, got 2"],
  ["flip", () => o.flip(x), "axes must be a number or a list of them, got undefined"],
  ["flip", () => x.flip([0, 0]), "axes must be distinct, got [0,0]"],
  ["slice", () => x.slice(0, 0, 0), "wants at most 2 ranges for [2,3], got 3"],
  ["slice", () => x.slice(-3), "axis must be a whole number from -2 to 1 for 2 axes, got -3"],
  ["slice", () => x.slice([0, 1, 0]), "step must be a whole number other than 0, got 0"],
  ["slice", () => x.slice([0.5]), "bounds must be whole numbers, got 0.5"],
  ["slice", () => o.slice(x, "a"), 'ranges must be numbers or [start, end, step], got "a"'],
  ["slice", () => o.slice(x, {}), "ranges must be numbers or [start, end, step], got {  }"],
  ["pad", () => x.pad([[1, 1]]), "padding must be one [before, after] per axis of [2,3], got [[1,1]]"],
  ["pad", () => o.pad(x, [1, 1]), "padding must be one [before, after] per axis of [2,3], got [1,1]"],
  [
    "pad",
    () =>
      x.pad([
        [0, 0],
        [-1, 0],
      ]),
    "padding must be one [before, after] per axis of [2,3], got [[0,0],[-1,0]]",
  ],
  ["pad", () => o.pad(x), "padding must be one [before, after] per axis of [2,3], got undefined"],
  [
    "pad",
    () =>
      o.pad(
        x,
        [
          [0, 0],
          [0, 1],
        ],
        "a",
      ),
    'value must be a number, got "a"',
  ],
  ["concat", () => o.concat([]), "wants a list of tensors, got []"],
  ["concat", () => o.concat([x, 3]), "each must be a tensor, got 3"],
  [
    "concat",
    () => ops.concat([x, ops.zeros([2, 2])]),
    "tensors must agree in dtype and in every axis but 0, got f32[2,3], f32[2,2]",
  ],
  [
    "concat",
    () => ops.concat([x, x.cast("i32")]),
    "tensors must agree in dtype and in every axis but 0, got f32[2,3], i32[2,3]",
  ],
  ["stack", () => o.stack(x), "wants a list of tensors, got a Constant"],
  ["stack", () => o.stack([3]), "each must be a tensor, got 3"],
  ["split", () => ops.split(x, 4), "parts must divide axis 0 of [2,3], got 4"],
  ["split", () => ops.split(x, -1), "parts must be a whole number at least 1, got -1"],
  ["sumTo", () => x.sumTo([4]), "shape must be one that broadcasts to [2,3], got [4]"],
  ["customGradient", () => o.customGradient(3, [x], () => []), "y must be a tensor, got 3"],
  ["customGradient", () => o.customGradient(x, x, () => []), "inputs must be a list of tensors, got a Constant"],
  ["customGradient", () => o.customGradient(x, [3], () => []), "each input must be a tensor, got 3"],
  ["customGradient", () => o.customGradient(x, [x], 3), "vjp must be a function of the cotangent, got 3"],
  ["stopGradient", () => o.stopGradient(3), "x must be a tensor, got 3"],
  // by index
  ["gather", () => o.gather(x, [0]), "indices must be a tensor, got [0]. Make one with tensor(…)"],
  ["gather", () => x.gather(x), 'indices must be i32, got f32. Use indices.cast("i32")'],
  ["gather", () => x.gather(at(0), 2), "axis must be a whole number from -2 to 1 for 2 axes, got 2"],
  ["indexSelect", () => o.indexSelect(x, [0]), "indices must be a tensor, got [0]"],
  ["indexSelect", () => x.indexSelect(at(0, 1).reshape([1, 2])), "indices must have one axis, got [1,2]. Use gather"],
  ["scatterAdd", () => x.scatterAdd(at(0), 3), "indices must have one entry per slice, got [1] for axis 0 of [2,3]"],
  ["scatterAdd", () => x.scatterAdd(at(0, 1), -1), "size must be a whole number, got -1"],
  ["pick", () => x.pick(at(0)), "labels must have shape [2] for x [2,3], got [1]"],
  ["pick", () => x.pick(ops.tensor([0, 1])), 'labels must be i32, got f32. Use labels.cast("i32")'],
  ["pick", () => o.pick(x, at(0, 1), { ignored: 1 }), 'unknown option "ignored". Did you mean "ignore"?'],
  ["histogram", () => o.histogram([1]), "x must be a tensor, got [1]. Make one with tensor(…)"],
  ["histogram", () => x.histogram({ bins: 0 }), "bins must be a whole number at least 1 and at most 65536, got 0"],
  ["histogram", () => x.histogram({ min: NaN }), "min must be a number, got NaN"],
  ["histogram", () => x.histogram({ max: x }), "max must be a number or a tensor of one element, got [2,3]"],
  ["histogram", () => o.histogram(x, { bin: 3 }), 'unknown option "bin". Did you mean "bins"?'],
  // reductions
  ...["sum", "mean", "max", "min", "argmax", "argmin", "variance", "std", "norm", "logSumExp", "any", "all"].flatMap(
    (name): [string, () => unknown, string][] => [
      [name, () => o[name](3), "x must be a tensor, got 3. Make one with tensor(…)"],
      [name, () => o[name](x, { axis: 0 }), 'unknown option "axis". Did you mean "axes"?'],
      [name, () => o[name](x, { axes: 2 }), "axis must be a whole number from -2 to 1 for 2 axes, got 2"],
      [name, () => o[name](x, { axes: [0, -2] }), "axes must be distinct, got [0,-2]"],
      [name, () => o[name](x, 1), "options must be an object, got 1"],
    ],
  ),
  ["argmax", () => ops.zeros([0]).argmax(), "the reduced axes must not be empty, got size 0"],
  ["variance", () => x.variance({ correction: -1 }), "correction must be a number at least 0, got -1"],
  ["softmax", () => x.softmax(2), "axis must be a whole number from -2 to 1 for 2 axes, got 2"],
  ["logSoftmax", () => o.logSoftmax(3), "x must be a tensor, got 3"],
  // products
  ["matmul", () => x.matmul(x), "inner sizes must match, got [2,3] and [2,3]. Transpose the second?"],
  ["matmul", () => x.matmul(ops.zeros([2, 4])), "inner sizes must match, got [2,3] and [2,4]. Transpose the first?"],
  ["matmul", () => x.matmul(ops.zeros([5])), "inner sizes must match, got [2,3] and [5,1]"],
  ["matmul", () => x.matmul(ops.tensor(1)), "operands must have at least one axis, got [2,3] and []. Use mul"],
  ["matmul", () => o.matmul(x, 2), "the right operand must be a tensor, got 2"],
  ["matmul", () => o.matmul(2, x), "the left operand must be a tensor, got 2"],
  [
    "matmul",
    () => ops.zeros([2, 3, 4]).matmul(ops.zeros([3, 4, 5])),
    "shapes must be equal or 1 on each axis counted from the last, got [2] and [3]",
  ],
  [
    "orthogonalFactor",
    () => ops.orthogonalFactor(x),
    "wants a matrix with at least as many rows as columns, got [2,3]. Transpose it",
  ],
  // a lazy tensor as a number
  [
    "tensor",
    () => +(x as unknown as number),
    "a lazy tensor has no number yet. Read it with `await t.item()`, or compute with `t.add(…)`",
  ],
  ["tensor", () => (x as unknown as number) > 1, "a lazy tensor has no number yet"],
  ["tensor", () => (x as unknown as number) + 1, "a lazy tensor has no number yet"],
  ["tensor", () => Math.max(x as unknown as number, 1), "a lazy tensor has no number yet"],
  [
    "tensor",
    () => JSON.stringify({ x }),
    "a lazy tensor cannot be turned into JSON. Read it first with `await t.array()`",
  ],
];

describe.each([...new Set(table.map(([name]) => name))])("%s", (name) => {
  const own = table.filter(([of]) => of === name);
  it.each(own.map(([, call, message]) => [message, call] as const))("%s", (message, call) => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(EvengradError);
    expect((error as EvengradError).op).toBe(name);
    expect((error as EvengradError).message.slice(0, name.length + 2 + message.length)).toBe(`${name}: ${message}`);
  });
});

it("a tensor shows itself as text", () => {
  expect(`${x.exp()}`).toBe("Tensor(f32[2,3] exp)");
});

it("nothing is broken after all that", async () => {
  for (const [, call] of table) expect(call).toThrow(EvengradError);
  expect(await x.add(1).array()).toEqual([
    [2, 3, 4],
    [5, 6, 7],
  ]);
});
