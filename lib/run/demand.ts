/** What first values demand of a tensor that they are made of: known only once it is computed, as they are. */
import type { Tensor } from "../tensor.js";

export interface Demand {
  /** A scalar that is 0 if the demand is not met. */
  readonly holds: Tensor;
  /** Takes the values back and says why. */
  refuse(): never;
}

const demands = new WeakMap<Tensor, Demand>();

/** Lets first values of variables depend on a demand. */
export function demand(values: Iterable<Tensor>, made: Demand): void {
  for (const value of values) demands.set(value, made);
}

const demandOf = (value: Tensor): Demand | readonly Demand[] => demands.get(value) ?? [];

/** The demands of first values, each once. */
export const demandsOf = (values: readonly Tensor[]): Demand[] => [...new Set(values.flatMap(demandOf))];
