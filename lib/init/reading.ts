/** Tensors that are read together, and what their values mean. */
import type { TypedArray } from "../dtype.js";
import { concat, norms, tensor } from "../ops/index.js";
import type { Tensor } from "../tensor.js";

export interface Reading<T> {
  readonly tensors: readonly Tensor[];
  decode(values: readonly TypedArray[]): T;
}

const tensorsOf = ({ tensors }: Reading<unknown>): readonly Tensor[] => tensors;

function decodeAll(list: readonly Reading<unknown>[], values: readonly TypedArray[]): unknown[] {
  const decoded: unknown[] = [];
  let at = 0;
  for (const { tensors, decode } of list) {
    decoded.push(decode(values.slice(at, at + tensors.length)));
    at += tensors.length;
  }
  return decoded;
}

/** Readings as one. */
export function joined<T extends readonly unknown[]>(
  ...readings: { readonly [K in keyof T]: Reading<T[K]> }
): Reading<T> {
  const list: readonly Reading<unknown>[] = readings;
  return {
    tensors: list.flatMap(tensorsOf),
    decode: (values) => decodeAll(list, values) as unknown as T,
  };
}

const flat = (x: Tensor): Tensor => x.cast("f32").reshape([x.size]);

function split(all: TypedArray, tensors: readonly Tensor[]): TypedArray[] {
  const values: TypedArray[] = [];
  let at = 0;
  for (const { size } of tensors) {
    values.push(all.subarray(at, at + size));
    at += size;
  }
  return values;
}

/** The same of one tensor of f32, in which whole numbers are exact up to 2²⁴: every array that a run returns is made, bound and collected by itself. */
export function packed<T>({ tensors, decode }: Reading<T>): Reading<T> {
  if (tensors.length === 0) return { tensors, decode };
  return {
    tensors: [concat(tensors.map(flat))],
    decode: ([all]) => decode(split(all, tensors)),
  };
}

/** What needs no tensor. */
export const known = <T>(value: T): Reading<T> => ({ tensors: [], decode: () => value });

const rootOfSize = ({ size }: Tensor): number => Math.sqrt(size);

/** The root mean square of each tensor, in one call. */
export function rootMeanSquares(tensors: readonly Tensor[]): Reading<ArrayLike<number>> {
  if (tensors.length === 0) return known([]);
  const roots = tensor(tensors.map(rootOfSize));
  return { tensors: [norms(tensors).div(roots)], decode: ([values]) => values };
}
