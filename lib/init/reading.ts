/** Tensors that are read together, and what their values mean. */
import type { TypedArray } from "../dtype.js";
import { norms, tensor } from "../ops/index.js";
import type { Tensor } from "../tensor.js";

export interface Reading<T> {
  readonly tensors: readonly Tensor[];
  decode(values: readonly TypedArray[]): T;
}

/** Readings as one. */
export function joined<T extends readonly unknown[]>(
  ...readings: { readonly [K in keyof T]: Reading<T[K]> }
): Reading<T> {
  const list: readonly Reading<unknown>[] = readings;
  return {
    tensors: list.flatMap(({ tensors }) => tensors),
    decode: (values) => {
      let next = 0;
      const decoded = list.map(({ tensors, decode }) => {
        const from = next;
        next += tensors.length;
        return decode(values.slice(from, next));
      });
      return decoded as unknown as T;
    },
  };
}

/** What needs no tensor. */
export const known = <T>(value: T): Reading<T> => ({ tensors: [], decode: () => value });

/** The root mean square of each tensor, in one call. */
export function rootMeanSquares(tensors: readonly Tensor[]): Reading<ArrayLike<number>> {
  if (tensors.length === 0) return known([]);
  const roots = tensor(tensors.map(({ size }) => Math.sqrt(size)));
  return { tensors: [norms(tensors).div(roots)], decode: ([values]) => values };
}
