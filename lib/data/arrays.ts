/** Data sets from arrays of numbers. */
import { checkOptions, EvengradError, fail, show } from "../error.js";
import { tensor, type Values } from "../ops/create.js";
import { type Shape, showShape, sizeOf } from "../shape.js";
import { Constant, Tensor } from "../tensor.js";
import { DataSet } from "./dataset.js";
import { checkFlag } from "./options.js";

/** Numbers as nested lists, as a typed array, or as a tensor of values. */
export type Column = Values | Tensor;

/** What {@link fromArrays} makes a data set of. */
export interface Arrays {
  /** Inputs, (N, …). */
  x: Column;
  /** Labels (N) or targets (N, …). */
  y: Column;
  /** The shape of x, rows first; needed for a typed array of rows with more than one number. */
  xShape?: Shape;
  /** The shape of y, rows first. */
  yShape?: Shape;
  /** Whether y holds labels (i32) rather than targets (f32), where the rule below would decide otherwise. */
  labels?: boolean;
}

function read(name: string, values: Column, shape: Shape | undefined): Constant {
  if (values instanceof Tensor) {
    if (!(values instanceof Constant)) {
      fail("fromArrays", `${name} must have its values, got the lazy ${values}. Read it first with await t.data()`);
    }
    return shape ? reshaped(name, values, shape) : values;
  }
  if (values === undefined) fail("fromArrays", `${name} must be given, got undefined`);
  try {
    return tensor(values, shape);
  } catch (error) {
    if (!(error instanceof EvengradError)) throw error;
    return fail("fromArrays", `${name}: ${error.message}`);
  }
}

function reshaped(name: string, { values, shape: own, dtype }: Constant, shape: Shape): Constant {
  if (sizeOf(shape) === values.length) return new Constant(values, shape, dtype);
  return fail(
    "fromArrays",
    `${name}Shape must hold ${values.length} values, got ${showShape(shape)} for ${showShape(own)}`,
  );
}

const isWhole = (x: number): boolean => x === (x | 0);

/** The rule of {@link fromArrays}: integer arrays, and lists of whole numbers on one axis. */
function looksLikeLabels(given: Column, y: Constant): boolean {
  if (y.dtype === "i32" || y.dtype === "u8" || given instanceof Uint32Array) return true;
  return Array.isArray(given) && y.rank === 1 && y.dtype === "f32" && y.values.every(isWhole);
}

function asLabels(y: Constant): Constant {
  if (y.dtype === "i32" || y.dtype === "u8") return y;
  const wrong = y.values.findIndex((label) => !isWhole(label));
  if (wrong >= 0) {
    fail(
      "fromArrays",
      `labels must be whole numbers, got ${y.values[wrong]} at position ${wrong}. Leave out labels: true`,
    );
  }
  return new Constant(Int32Array.from(y.values), y.shape, "i32");
}

function asTargets(y: Constant): Constant {
  return y.dtype === "f32" ? y : new Constant(Float32Array.from(y.values), y.shape, "f32");
}

/**
 * A data set of arrays, copied once. Bytes (Uint8Array) as x are taken for images: a batch holds x/255.
 *
 * y holds labels (i32) if it is an integer array or tensor, or a plain list of whole numbers; it holds targets (f32) if
 * it is a Float32Array or Float64Array, or a list with fractions or of lists. `labels` decides otherwise.
 * @param arrays x (N, …) and y (N, …), with shapes where typed arrays have more than one number per row
 * @throws if rows differ in number or length, or there are none
 * @example
 * const set = data.fromArrays({ x: [[0, 0], [0, 1], [1, 0], [1, 1]], y: [0, 1, 1, 0] });
 * set.size // 4
 */
export function fromArrays(arrays: Arrays): DataSet {
  if (typeof arrays !== "object" || arrays === null) {
    fail("fromArrays", `wants { x, y }, got ${show(arrays)}`);
  }
  checkOptions("fromArrays", arrays, ["x", "y", "xShape", "yShape", "labels"]);
  const { labels } = arrays;
  if (labels !== undefined) checkFlag("fromArrays", "labels", labels);
  const x = read("x", arrays.x, arrays.xShape);
  const y = read("y", arrays.y, arrays.yShape);
  const [rows, n] = [x.shape[0], y.shape[0]];
  if (x.rank === 1 && rows !== n && n > 0 && rows % n === 0 && ArrayBuffer.isView(arrays.x)) {
    const fix = `Give xShape: [${n}, ${rows / n}]`;
    fail("fromArrays", `x must have as many rows as y, got ${rows} numbers and ${n} rows. ${fix}`);
  }
  return new DataSet(x, (labels ?? looksLikeLabels(arrays.y, y)) ? asLabels(y) : asTargets(y));
}
