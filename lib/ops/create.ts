/** Tensors from values, and regular ones. */
import { arrayOf, checkDType, type DType, type TypedArray } from "../dtype.js";
import { checkNumber, fail, show } from "../error.js";
import { checkShape, type Shape, showShape, sizeOf } from "../shape.js";
import { Constant, Feed, Tensor } from "../tensor.js";
import { expand, scalar } from "./map.js";
import { apply, type KernelOp, type Op } from "./op.js";

/** Values a tensor is made from: a number, nested lists of them, or any typed array. */
export type Values = number | boolean | readonly Values[] | ArrayBufferView;

function shapeOf(values: Values): number[] {
  const shape: number[] = [];
  for (let level: Values = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  return shape;
}

/** Writes nested lists into `into`; ragged ones and other things than numbers are refused. */
function flatten(values: Values, shape: Shape, depth: number, into: number[]): void {
  if (depth === shape.length) {
    if (typeof values !== "number" && typeof values !== "boolean") {
      fail(
        "tensor",
        `values must be numbers, got ${show(values)}${Array.isArray(values) ? ". Rows must be of equal depth" : ""}`,
      );
    }
    into.push(Number(values));
    return;
  }
  if (!Array.isArray(values) || values.length !== shape[depth]) {
    fail(
      "tensor",
      `rows must be of equal length, got ${show(values)} where ${showShape(shape.slice(depth))} was expected`,
    );
  }
  for (const value of values) flatten(value, shape, depth + 1, into);
}

function dtypeOf(values: Values, first: unknown): DType {
  if (ArrayBuffer.isView(values)) {
    if (values instanceof Uint8Array || values instanceof Uint8ClampedArray) return "u8";
    if (
      values instanceof Int32Array ||
      values instanceof Int16Array ||
      values instanceof Int8Array ||
      values instanceof Uint16Array
    )
      return "i32";
    return "f32";
  }
  return typeof first === "boolean" ? "bool" : "f32";
}

function numbersOf(view: ArrayBufferView): ArrayLike<number> {
  if (view instanceof DataView || view instanceof BigInt64Array || view instanceof BigUint64Array) {
    fail("tensor", `values must be a typed array of numbers, got ${show(view)}. Convert it to Float32Array first`);
  }
  return view as Float32Array;
}

/**
 * A tensor of given values, copied once.
 * @param values a number, nested lists, or a typed array (Float32Array and Float64Array give f32, Uint8Array u8, other
 * integers i32)
 * @param shape the shape of the lists unless told
 * @param dtype by the values unless told: lists of numbers are f32, of booleans bool
 * @example await tensor([[1, 2], [3, 4]]).sum().item() // 10
 */
export function tensor(values: Values, shape?: Shape, dtype?: DType): Constant {
  if (values instanceof Tensor) fail("tensor", "values must be numbers, got a tensor. Use it as it is");
  const own = ArrayBuffer.isView(values) ? undefined : shapeOf(values);
  const flat: number[] = [];
  if (own) flatten(values, own, 0, flat);
  const source = ArrayBuffer.isView(values) ? numbersOf(values) : flat;
  let first: Values = values;
  while (Array.isArray(first)) first = first[0];
  const type = dtype ?? dtypeOf(values, first);
  const to = checkShape("tensor", shape ?? own ?? [source.length]);
  if (sizeOf(to) !== source.length)
    fail("tensor", `shape ${showShape(to)} wants ${sizeOf(to)} values, got ${source.length}`);
  checkDType("tensor", type);
  const Array_ = arrayOf(type);
  if (!(source instanceof Array_)) checkWhole(source, type);
  return new Constant(type === "bool" ? Uint8Array.from(source, (x) => Number(x !== 0)) : new Array_(source), to, type);
}

/** Refuses values that an integer dtype does not hold; nothing is rounded or wrapped unasked. */
function checkWhole(values: ArrayLike<number>, dtype: DType): void {
  if (dtype !== "i32" && dtype !== "u8") return;
  const [min, max] = dtype === "i32" ? [-(2 ** 31), 2 ** 31 - 1] : [0, 255];
  for (let i = 0; i < values.length; i++) {
    const x = values[i];
    if (Number.isInteger(x) && x >= min && x <= max) continue;
    fail(
      "tensor",
      `${dtype} values must be whole numbers from ${min} to ${max}, got ${x} at ${i}. Use f32, or cast it`,
    );
  }
}

/** Every element `value`. */
export function full(shape: Shape, value: number, dtype: DType = "f32"): Tensor {
  checkDType("full", dtype);
  if (dtype === "i32") checkNumber("full", "value", value, { min: -(2 ** 31), max: 2 ** 31 - 1, integer: true });
  else if (dtype === "u8") checkNumber("full", "value", value, { min: 0, max: 255, integer: true });
  else checkNumber("full", "value", Number.isNaN(value) ? 0 : value);
  return expand(scalar(value, dtype), checkShape("full", shape));
}

/** Every element 0. */
export const zeros = (shape: Shape, dtype?: DType): Tensor => full(checkShape("zeros", shape), 0, dtype);

/** Every element 1. */
export const ones = (shape: Shape, dtype?: DType): Tensor => full(checkShape("ones", shape), 1, dtype);

const iotaOp: KernelOp<{ count: number; start: number; step: number; dtype: DType }> = {
  name: "iota",
  kind: "kernel",
  kernel: "iota",
  infer: (_inputs, { count, dtype }) => ({ shape: [count], dtype }),
  params: ({ attrs: { start, step } }) => [start, step],
  reference: (_inputs, { attrs: { count, start, step } }) =>
    Float64Array.from({ length: count }, (_, i) => start + i * step),
};

function iota(count: number, start: number, step: number, dtype: DType): Tensor {
  return apply(iotaOp as Op, [], { count, start, step, dtype });
}

/**
 * Numbers from `start` up to but without `end`. With one argument: from 0 to it.
 * @example await arange(-8, 8, 0.1).sigmoid().data() // Float32Array(160)
 */
export function arange(start: number, end?: number, step = 1, dtype: DType = "f32"): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  for (const [name, x] of Object.entries({ start: from, end: to, step })) {
    checkNumber("arange", name, x, { min: -Number.MAX_VALUE, max: Number.MAX_VALUE });
  }
  if (dtype !== "f32" && dtype !== "i32")
    fail("arange", `dtype must be f32 or i32, got ${show(dtype)}. Cast the result`);
  if (step === 0) fail("arange", "step must not be 0. Leave it out for 1");
  // (8 − −8)/0.1 is 160.00000000000003 or so in binary: a hair must not add an element.
  const count = Math.max(0, Math.ceil((to - from) / step - 1e-9));
  return iota(checkShape("arange", [count])[0], from, step, dtype);
}

/** `count` numbers from `start` to `end`, both included. */
export function linspace(start: number, end: number, count: number): Tensor {
  checkNumber("linspace", "count", count, { min: 1, integer: true });
  for (const [name, x] of Object.entries({ start, end })) {
    checkNumber("linspace", name, x, { min: -Number.MAX_VALUE, max: Number.MAX_VALUE });
  }
  return iota(count, start, count === 1 ? 0 : (end - start) / (count - 1), "f32");
}

/** The identity matrix, or a rectangle with ones on its diagonal. */
export function eye(rows: number, columns = rows): Tensor {
  const [m, n] = checkShape("eye", [rows, columns]);
  return iota(m, 0, 1, "i32")
    .reshape([m, 1])
    .equal(iota(n, 0, 1, "i32"))
    .cast("f32");
}

/** Labels (i32, any shape) as rows of zeros with a one at the label; a label outside the classes gives only zeros. */
export function oneHot(labels: Tensor, classes: number): Tensor {
  checkNumber("oneHot", "classes", classes, { min: 1, integer: true });
  if (!(labels instanceof Tensor) || labels.dtype !== "i32") {
    fail(
      "oneHot",
      `labels must be an i32 tensor, got ${labels instanceof Tensor ? labels.dtype : show(labels)}. Use cast("i32")`,
    );
  }
  return labels
    .unsqueeze(-1)
    .equal(iota(classes, 0, 1, "i32"))
    .cast("f32");
}

/** A leaf that the host supplies anew at every step of a replayed graph. */
export function feed(produce: () => ArrayLike<number>, shape: Shape = [], dtype: DType = "f32"): Feed {
  if (typeof produce !== "function")
    fail("feed", `produce must be a function that returns values, got ${show(produce)}`);
  checkDType("feed", dtype);
  const to = checkShape("feed", shape);
  const values = arrayOf(dtype).from(produce()) as TypedArray;
  if (values.length !== sizeOf(to))
    fail("feed", `shape ${showShape(to)} wants ${sizeOf(to)} values, got ${values.length}`);
  return new Feed(produce, values, to, dtype);
}
