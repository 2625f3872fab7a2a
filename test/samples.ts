/** Sample calls of every exported op that is not a plain elementwise one: what tables over ops run. */
import * as ops from "../lib/ops/index.js";
import type { Shape } from "../lib/shape.js";
import type { Constant, Tensor } from "../lib/tensor.js";
import { sample } from "./helpers.js";

export interface Sample {
  /** The exported function. */
  readonly name: string;
  readonly inputs: readonly Constant[];
  readonly call: (...x: Tensor[]) => Tensor;
  /** Floats that the native result may be away from the rounded double. */
  readonly ulps: number;
  /** Where terms cancel: magnitudes in whose half ULPs the error may be 1 beside that. */
  readonly magnitude?: (...x: Tensor[]) => Tensor;
}

type Call = (...x: Tensor[]) => Tensor;
type Rest = Partial<Pick<Sample, "ulps" | "magnitude">>;

let seed = 1000;
const f = (shape: Shape, range?: readonly [number, number]): Constant => sample(seed++, shape, range);
const i = (shape: Shape, low: number, high: number): Constant => sample(seed++, shape, [low, high], "i32");
const b = (shape: Shape): Constant => sample(seed++, shape, undefined, "bool");
const ints = (...values: number[]): Constant => ops.tensor(values, undefined, "i32");

const table: Sample[] = [];
const add = (name: string, inputs: readonly Constant[], call: Call, { ulps = 0, magnitude }: Rest = {}): void => {
  table.push({ name, inputs, call, ulps, magnitude });
};

/** Sizes of a run: small ones are differentiated as well. */
const runs = [1, 7, 17, 33, 513];
const shapes: Shape[] = [[], [1], [5], [0, 3], [3, 0], [4, 6], [2, 3, 5], [3, 1, 10], [33, 17], [3, 5, 129]];

// activations composed of primitives
for (const shape of [[5], [3, 4], [33, 17]]) {
  add("leakyRelu", [f(shape)], (x) => ops.leakyRelu(x, 0.2), { ulps: 1 });
  add("leakyRelu", [f(shape)], (x) => ops.leakyRelu(x), { ulps: 1 });
  add("elu", [f(shape)], (x) => ops.elu(x, 1.3), { ulps: 2 });
  add("elu", [f(shape)], (x) => ops.elu(x), { ulps: 2 });
  add("selu", [f(shape)], (x) => ops.selu(x), { ulps: 2 });
  add("celu", [f(shape)], (x) => ops.celu(x, 0.7), { ulps: 2, magnitude: (x) => x.abs().add(1) });
  add("softsign", [f(shape)], (x) => ops.softsign(x), { ulps: 2 });
  add("hardSigmoid", [f(shape, [-5, 5])], (x) => ops.hardSigmoid(x), { ulps: 2, magnitude: () => ops.ones(shape) });
  add("hardSwish", [f(shape, [-5, 5])], (x) => ops.hardSwish(x), { ulps: 2, magnitude: (x) => x.abs() });
  add("hardtanh", [f(shape)], (x) => ops.hardtanh(x, -0.5, 0.7));
  add("hardtanh", [f(shape)], (x) => ops.hardtanh(x));
  add("clamp", [f(shape)], (x) => ops.clamp(x, { min: -1, max: 2 }));
  add("clamp", [f(shape)], (x) => ops.clamp(x, { max: 0.3 }));
  add("clamp", [i(shape, -9, 9)], (x) => ops.clamp(x, { min: -2, max: 4 }));
}
add("prelu", [f([2, 3, 4]), f([3])], (x, slope) => ops.prelu(x, slope), { ulps: 1 });
add("prelu", [f([4, 3]), f([3])], (x, slope) => ops.prelu(x, slope), { ulps: 1 });
add("prelu", [f([5]), f([1])], (x, slope) => ops.prelu(x, slope), { ulps: 1 });
add("prelu", [f([9, 33, 17]), f([33])], (x, slope) => ops.prelu(x, slope), { ulps: 1 });

// creation; a tensor's gradient flows through what uses it
add("tensor", [], () =>
  ops
    .tensor([
      [1, 2],
      [3, 4],
    ])
    .mul(2),
);
add("feed", [], () => ops.feed(() => [1, 2, 3], [3]).mul(2));
add("full", [f([3, 4])], (x) => ops.full([2, 3, 4], 2.5).mul(x));
add("full", [], () => ops.full([0, 4], Number.NaN));
add("full", [], () => ops.full([33], 7, "i32"));
add("zeros", [f([5])], (x) => ops.zeros([5]).mul(x));
add("ones", [f([5])], (x) => ops.ones([3, 5]).add(x));
for (const n of [0, ...runs]) {
  add("arange", [], () => ops.arange(n));
  add("arange", [], () => ops.arange(n, -n, -3, "i32"));
  add("arange", [], () => ops.arange(-8, 8, 16 / (n + 0.5)), { ulps: 1 });
  if (n > 0) add("linspace", [], () => ops.linspace(-2, 3, n), { ulps: 1 });
  add("eye", [], () => ops.eye(n, 7));
}
for (const shape of [[], [4], [0], [3, 5], [129]]) {
  add("oneHot", [i(shape, -1, 6)], (x) => ops.oneHot(x, 5));
}

// moves
for (const shape of shapes) {
  const size = shape.reduce((n, k) => n * k, 1);
  const axes = shape.map((_, k) => k);
  const every = axes.map(() => [1, null, 2] as const);
  add("reshape", [f(shape)], (x) => ops.reshape(x, [size]).neg());
  add("flatten", [f(shape)], (x) => ops.flatten(x).neg());
  add("unsqueeze", [f(shape)], (x) => ops.unsqueeze(x, -1).neg());
  add("squeeze", [f([1, ...shape, 1])], (x) => ops.squeeze(x).neg());
  add("squeeze", [f([...shape, 1])], (x) => ops.squeeze(x, -1).neg());
  add("expand", [f(shape)], (x) => ops.expand(x, [2, ...shape]));
  add("cast", [f(shape)], (x) => ops.cast(ops.cast(x.mul(2), "i32"), "f32"));
  add("permute", [f(shape)], (x) => ops.permute(x, [...axes].reverse()));
  add("permute", [b(shape)], (x) => ops.permute(x, [...axes].reverse()));
  add("sumTo", [f([3, ...shape])], (x) => ops.sumTo(x, shape), { ulps: 1, magnitude: (x) => x.abs().sum({ axes: 0 }) });
  add("customGradient", [f(shape)], (x) => ops.customGradient(x.exp(), [x], (g) => [g.mul(x.exp())]), { ulps: 1 });
  if (shape.length === 0) continue;
  add("slice", [f(shape)], (x) => ops.slice(x, ...every));
  add("slice", [f(shape)], (x) => ops.slice(x, ...axes.map(() => [null, null, -2] as const)));
  add("slice", [i(shape, -99, 99)], (x) => ops.slice(x, [1, -1]));
  add("slice", [f(shape)], (x) => ops.slice(x, [2, 1]));
  if (shape[0] > 0) add("slice", [f(shape)], (x) => ops.slice(x, -1));
  add("flip", [f(shape)], (x) => ops.flip(x, axes));
  add("flip", [b(shape)], (x) => ops.flip(x, 0));
  add("pad", [f(shape)], (x) =>
    ops.pad(
      x,
      axes.map((k) => [k, 2] as const),
      1.5,
    ),
  );
  add("pad", [i(shape, -9, 9)], (x) =>
    ops.pad(
      x,
      axes.map(() => [1, 0] as const),
      -1,
    ),
  );
  for (const axis of axes) {
    const other = shape.map((n, k) => (k === axis ? 3 : n));
    add("concat", [f(shape), f(other), f(shape)], (...x) => ops.concat(x, axis));
    add("concat", [b(shape), b(other)], (...x) => ops.concat(x, axis));
    add("split", [f(other)], (x) => ops.split(x, 3, axis)[1].sub(ops.split(x, 3, axis)[2]));
    if (axis > 0) add("transpose", [f(shape)], (x) => ops.transpose(x, 0, axis));
    if (shape[axis] === 0) continue;
    const labels = i([4, 2], 0, shape[axis]);
    add("gather", [f(shape), labels], (x, at) => ops.gather(x, at, axis));
    add("gather", [i(shape, -99, 99), labels], (x, at) => ops.gather(x, at, axis));
    add("gather", [b(shape), ints()], (x, at) => ops.gather(x, at, axis));
    add("indexSelect", [f(shape), i([9], 0, shape[axis])], (x, at) => ops.indexSelect(x, at, axis));
    add("scatterAdd", [f(shape), i([shape[axis]], 0, 4)], (x, at) => ops.scatterAdd(x, at, 4, axis), {
      ulps: 2,
      magnitude: (x, at) => ops.scatterAdd(x.abs(), at, 4, axis).mul(shape[axis]),
    });
    const picks = i(
      shape.filter((_, k) => k !== axis),
      0,
      shape[axis],
    );
    add("pick", [f(shape), picks], (x, at) => ops.pick(x, at, { axis }));
    add("pick", [f(shape), picks], (x, at) => ops.pick(x, at, { axis, ignore: 0 }));
  }
  add("stack", [f(shape), f(shape)], (...x) => ops.stack(x, -1));
  add("stack", [f(shape), f(shape), f(shape)], (...x) => ops.stack(x));
}
add("reshape", [f([2, 6])], (x) => ops.reshape(x, [3, -1]).mul(2));
add("flatten", [f([2, 3, 4])], (x) => ops.flatten(x, 1).mul(2));
add("permute", [f([2, 3, 4])], (x) => ops.permute(x, [1, 2, 0]));
add("permute", [f([5, 33, 17])], (x) => ops.permute(x, [0, 2, 1]));
add("permute", [i([3, 4, 5, 6], -9, 9)], (x) => ops.permute(x, [3, 1, 0, 2]));
add("transpose", [f([7, 129, 65])], (x) => ops.transpose(x));
// second derivatives of what is linear are zero: a square behind it shows the chain
add("gather", [f([3, 5]), ints(4, 0, 0, 2)], (x, at) => ops.gather(x, at, 1).square());
add("pick", [f([4, 5]), ints(4, 0, 2, 1)], (x, at) => ops.pick(x, at).square());
add("scatterAdd", [f([4, 2]), ints(1, 1, 0, 2)], (x, at) => ops.scatterAdd(x, at, 3).square(), {
  ulps: 2,
  magnitude: () => ops.full([3, 2], 40),
});
add("slice", [f([4, 6])], (x) => ops.slice(x, [null, null, 2], [4, 0, -2]).square());
add("pad", [f([2, 3])], (x) =>
  ops
    .pad(
      x,
      [
        [1, 0],
        [2, 1],
      ],
      0.5,
    )
    .square(),
);
add("concat", [f([2, 3]), f([2, 1])], (...x) => ops.concat(x, 1).square());
// only the part that flows: differences do see a stopped gradient, so it must come out even
add("stopGradient", [f([5])], (x) => ops.stopGradient(x.greater(0).cast("f32")).mul(x));

// reductions as exported, over axes that meet and that do not
const over: readonly (readonly [Shape, ops.ReduceOptions | undefined])[] = [
  [[], undefined],
  [[5], undefined],
  [[3, 4], { axes: 0 }],
  [[3, 4], { axes: -1, keepDims: true }],
  [[2, 3, 5], { axes: [0, 2] }],
  [[2, 3, 5], { axes: [0, 2], keepDims: true }],
  [[2, 3, 5], { axes: [1, 2] }],
  [[2, 3], { axes: [] }],
  [[33, 17, 10], { axes: 1 }],
  [[0, 3], { axes: 1 }],
];
const mean = (x: Tensor, o?: ops.ReduceOptions): Tensor => x.abs().mean(o);
for (const [shape, o] of over) {
  const spread = (x: Tensor): Tensor => ops.max(x.abs(), o).square();
  add("sum", [f(shape)], (x) => ops.sum(x, o), { ulps: 1 });
  add("sum", [i(shape, -99, 99)], (x) => ops.sum(x, o));
  add("mean", [f(shape)], (x) => ops.mean(x, o), { ulps: 2, magnitude: (x) => mean(x, o) });
  add("mean", [i(shape, -99, 99)], (x) => ops.mean(x, o), { ulps: 2 });
  add("max", [f(shape)], (x) => ops.max(x, o));
  add("min", [f(shape)], (x) => ops.min(x, o));
  add("max", [i(shape, -99, 99)], (x) => ops.max(x, o));
  add("variance", [f(shape)], (x) => ops.variance(x, o), { ulps: 2, magnitude: spread });
  add("norm", [f(shape)], (x) => ops.norm(x, o), { ulps: 1 });
  add("logSumExp", [f(shape)], (x) => ops.logSumExp(x, o), { ulps: 2, magnitude: () => ops.full([], 4) });
  add("argmax", [f(shape)], (x) => ops.argmax(x, o));
  add("argmin", [i(shape, -9, 9)], (x) => ops.argmin(x, o));
  add("any", [b(shape)], (x) => ops.any(x, o));
  add("all", [b(shape)], (x) => ops.all(x.logicalNot().logicalNot(), o));
  if (shape.length > 0 && o?.axes !== undefined && shape[0] > 0) {
    if (typeof o.axes !== "object" || o.axes.length > 0) {
      add("variance", [f(shape)], (x) => ops.variance(x, { ...o, correction: 1 }), { ulps: 3, magnitude: spread });
      add("std", [f(shape)], (x) => ops.std(x, o), { ulps: 3 });
    }
  }
}
// counts, over a range of one's own, given and computed; values on the bounds of bins are in ops.values.test.ts
for (const shape of [...shapes, [513], [70_001]]) {
  add("histogram", [f(shape)], (x) => ops.histogram(x));
  add("histogram", [f(shape)], (x) => ops.histogram(x, { bins: 7, min: -1, max: 2.5 }));
  add("histogram", [i(shape, -9, 9), f([1])], (x, max) => ops.histogram(x, { bins: 4, min: -2, max: max.add(3) }));
}
for (const [shape, axis] of [
  [[5], -1],
  [[3, 4], -1],
  [[3, 4], 0],
  [[2, 3, 2], 1],
  [[33, 10], -1],
  [[5, 513], 1],
  [[4, 1], -1],
  [[3, 0], -1],
  [[2, 5, 33], 1],
] as const) {
  add("softmax", [f(shape)], (x) => ops.softmax(x, axis), { ulps: 8 }); // e^(x − max) multiplies the rounding of x − max by up to 6
  add("logSoftmax", [f(shape)], (x) => ops.logSoftmax(x, axis), { ulps: 2, magnitude: () => ops.full([], 8) });
}

// products of every rank; sizes have a table of their own in ops.matmul.test.ts
const products: [Shape, Shape][] = [
  [[3], [3]],
  [[3], [3, 2]],
  [[2, 3], [3]],
  [
    [2, 3],
    [3, 4],
  ],
  [
    [2, 2, 3],
    [3, 2],
  ],
  [
    [2, 3],
    [2, 3, 2],
  ],
  [
    [2, 2, 3],
    [2, 3, 2],
  ],
  [
    [2, 1, 2, 3],
    [3, 3, 2],
  ],
  [
    [1, 2, 3],
    [2, 3, 2],
  ],
  [
    [0, 3],
    [3, 2],
  ],
  [
    [2, 0],
    [0, 3],
  ],
];
const depth = (a: Shape): number => a[a.length - 1] + 2;
for (const [a, c] of products) {
  const magnitude = (x: Tensor, y: Tensor): Tensor => x.abs().matmul(y.abs()).mul(depth(a));
  add("matmul", [f(a), f(c)], (x, y) => ops.matmul(x, y), { ulps: 1, magnitude });
  if (a.length < 2 || c.length < 2) continue;
  const turned = (s: Shape): Shape => [...s.slice(0, -2), s[s.length - 1], s[s.length - 2]];
  add("matmul", [f(turned(a)), f(c)], (x, y) => ops.matmul(x.transpose(), y), {
    ulps: 1,
    magnitude: (x, y) => magnitude(x.transpose(), y),
  });
  add("matmul", [f(a), f(turned(c))], (x, y) => ops.matmul(x, y.transpose()), {
    ulps: 1,
    magnitude: (x, y) => magnitude(x, y.transpose()),
  });
  add("matmul", [f(turned(a)), f(turned(c))], (x, y) => ops.matmul(x.transpose(), y.transpose()), {
    ulps: 1,
    magnitude: (x, y) => magnitude(x.transpose(), y.transpose()),
  });
}

/** Every sample, in the order of the ops' files. */
export const samples: readonly Sample[] = table;

/** Exported names that are no ops, or that other tables cover. */
export const elsewhere: Readonly<Record<string, string>> = {
  Generator: "a class, in ops.random.test.ts",
  defaultGenerator: "an object",
  seed: "in ops.random.test.ts",
  rand: "in ops.random.test.ts",
  randn: "in ops.random.test.ts",
  randint: "in ops.random.test.ts",
  truncatedNormal: "in ops.random.test.ts",
  bernoulli: "in ops.random.test.ts",
  norms: "without a gradient, in ops.reduce.test.ts",
  orthogonalFactor: "in ops.samples.test.ts",
  swish: "silu by its other name, in ops.samples.test.ts",
};
