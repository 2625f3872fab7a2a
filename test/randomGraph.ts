/** Random expression graphs: fast-check draws instructions, this builds tensors from them. */
import fc from "fast-check";
import * as ops from "../lib/ops/index.js";
import { mapOps } from "../lib/ops/map.js";
import { broadcastShapes, type Shape, sizeOf } from "../lib/shape.js";
import type { Tensor } from "../lib/tensor.js";
import { randomFrom, sample } from "./helpers.js";

/** One instruction: what to do, and which earlier values (counted from the latest) to do it with. */
interface Instruction {
  readonly what: number;
  readonly from: readonly [number, number, number];
  readonly detail: number;
}

export interface Recipe {
  readonly seed: number;
  /** Which of the leaves' shapes to use. */
  readonly scale: number;
  readonly instructions: readonly Instruction[];
  /** Values that are outputs, counted from the latest; some may be equal, or leaves. */
  readonly outputs: readonly number[];
}

const near = fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(60) });

export const recipes = (length: number): fc.Arbitrary<Recipe> =>
  fc.record({
    seed: fc.nat(1000),
    scale: fc.nat(2),
    instructions: fc.array(fc.record({ what: fc.nat(99), from: fc.tuple(near, near, near), detail: fc.nat(999) }), {
      minLength: 1,
      maxLength: length,
    }),
    outputs: fc.array(fc.nat(60), { minLength: 1, maxLength: 5 }),
  });

/** Ops whose f32 results are the rounded exact ones, so that an interpreter of rounded doubles is their oracle. */
export const exactOps = new Set(
  (
    "neg abs sign sqrt reciprocal square relu floor ceil round logicalNot isFinite isNaN add sub mul div maximum minimum " +
    "equal notEqual less lessEqual greater greaterEqual logicalAnd logicalOr where"
  ).split(" "),
);

/** Which of two zeros is the larger is open; adding 0 makes both +0. */
const extremes = new Set(["maximum", "minimum"]);

const literals = [0, -0, 1, -1, 0.5, 2, 3.25, -7, Infinity, Number.NaN];
const call = ops as unknown as Record<string, (...x: unknown[]) => Tensor>;

const broadcasts = (shapes: readonly Shape[]): boolean => {
  try {
    return sizeOf(broadcastShapes("test", shapes)) <= 20_000;
  } catch {
    return false;
  }
};

/** Leaves that broadcast against each other: a matrix, rows, columns, a scalar, integers and flags. */
export function leavesOf({ seed, scale }: Pick<Recipe, "seed" | "scale">): Tensor[] {
  const [m, n] = [
    [3, 5],
    [17, 33],
    [40, 131],
  ][scale];
  return [
    sample(seed, [m, n]),
    sample(seed + 1, [n]),
    sample(seed + 2, [m, 1]),
    sample(seed + 3, []),
    sample(seed + 4, [m, n], [-9, 10], "i32"),
    sample(seed + 5, [1, n], undefined, "bool"),
    sample(seed + 6, [n], undefined, "u8"),
    sample(seed + 7, [m, n], [-0.001, 1000]),
  ];
}

function elementwise(pick: (at: number) => Tensor, { from, detail }: Instruction, exact: boolean): Tensor {
  const choice = exact ? mapOps.filter((op) => exactOps.has(op.name)) : mapOps;
  const op = choice[detail % choice.length];
  const x = from.slice(0, op.arity).map(pick);
  while (!broadcasts(x.map((t) => t.shape))) x[x.findIndex((t) => t !== x[0])] = x[0];
  const operands: unknown[] = x;
  // A literal on either side now and then, never on all.
  if (op.arity === 2 && detail % 3 === 0) operands[detail % 2] = literals[(detail >> 4) % literals.length];
  const y = call[op.name](...operands);
  return exact && extremes.has(op.name) ? y.add(0) : y;
}

function structured(x: Tensor, { what, detail }: Instruction, exact: boolean): Tensor {
  const axis = x.rank ? detail % x.rank : 0;
  if (x.rank === 0) return x.reshape([1]);
  const n = x.shape[axis];
  const forms: (() => Tensor)[] = [
    () => x.reshape([x.size]),
    () => x.reshape([1, ...x.shape]),
    () => (x.rank > 1 && x.shape[0] === 1 ? x.squeeze(0) : x.reshape([...x.shape, 1])),
    () => x.transpose(0, x.rank - 1),
    () => x.flip(axis),
    () => x.max({ axes: axis, keepDims: true }).add(0),
    () => x.min({ axes: axis }).add(0),
    () => x.slice(...x.shape.map((_, k) => (k === axis ? ([0, Math.max(1, n - 1)] as const) : null))),
    () =>
      x
        .unsqueeze(0)
        .expand([2, ...x.shape])
        .slice(detail % 2),
    () => x.cast((["f32", "i32", "bool", "u8"] as const)[detail % 4]),
    () => (exact ? x.max().add(0) : x.sum({ axes: axis, keepDims: true })),
    () => (exact ? x.neg() : x.cast("f32").softmax(axis)),
    () => ops.concat([x, x], axis).slice(...x.shape.map((_, k) => (k === axis ? ([0, n] as const) : null))),
  ];
  return x.rank < 2 && what % forms.length === 3 ? x.neg() : forms[what % forms.length]();
}

/** All values that a recipe makes, leaves first. `exact` keeps to ops whose rounding is known. */
export function build(recipe: Recipe, leaves: readonly Tensor[], exact: boolean): Tensor[] {
  const values = [...leaves];
  for (const instruction of recipe.instructions) {
    const pick = (at: number): Tensor => values[Math.max(0, values.length - 1 - (at % values.length))];
    const { what, from } = instruction;
    const x = pick(from[0]);
    const next = what < 65 || x.rank > 4 ? elementwise(pick, instruction, exact) : structured(x, instruction, exact);
    if (next.size <= 20_000) values.push(next);
  }
  return values;
}

/** The outputs of a recipe among its values; the latest is always one. */
export function outputsOf(recipe: Recipe, values: readonly Tensor[]): Tensor[] {
  return [0, ...recipe.outputs].map((at) => values[values.length - 1 - (at % values.length)]);
}

/** Numbers in an order that a seed gives. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = randomFrom(seed);
  return items
    .map((x) => [random(), x] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, x]) => x);
}
