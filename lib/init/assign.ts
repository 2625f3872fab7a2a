/** Giving variables new first values, and remembering which still have those that a layer gave unasked. */
import { fail } from "../error.js";
import { Generator } from "../ops/index.js";
import { demand } from "../run/demand.js";
import type { Tensor, Variable } from "../tensor.js";

/**
 * Lets variables begin anew with other values, whatever they hold.
 * @param sample what the values are made of: if it turns out not to be finite, variables are as they were, and the run that
 * wanted them throws
 */
export function assign(op: string, values: ReadonlyMap<Variable, Tensor>, sample?: Tensor): void {
  for (const variable of values.keys()) {
    if (variable.writer !== undefined)
      fail(op, `no run may be writing the model, got ${variable.label} in use by ${variable.writer}. Await it first`);
  }
  const before = [...values].map(([variable, value]) => {
    const { initial, storage } = variable;
    return { variable, value, initial, storage };
  });
  for (const [variable, value] of values) {
    variable.initial = value;
    variable.storage = undefined;
  }
  if (sample?.dtype !== "f32") return;
  demand(values.values(), {
    holds: sample.isFinite().all(),
    refuse() {
      // What was loaded meanwhile stays.
      for (const { variable, value, ...was } of before) if (variable.initial === value) Object.assign(variable, was);
      return fail(op, "sample must be finite, got NaN or infinity. Leave such rows out, or mend their values");
    },
  });
}

interface Unasked {
  readonly initial: Tensor | undefined;
  readonly state: ReturnType<Generator["state"]>;
}

const unasked = new WeakMap<Variable, Unasked>();

/** Notes that a variable's first values were not asked for, and where the generator stood when they were drawn. */
export function markUnasked(variable: Variable, state: Unasked["state"]): void {
  unasked.set(variable, { initial: variable.initial, state });
}

/** For a variable that nobody has asked for, read or loaded since: a generator that draws its own stream again. */
export function streamOf(variable: Variable): Generator | undefined {
  const found = unasked.get(variable);
  if (!found || variable.storage || variable.initial !== found.initial) return undefined;
  const generator = new Generator();
  generator.restore(found.state);
  return generator;
}

/** Gives a variable that nobody has asked for other first values; it still counts as not asked for. */
export function replaceUnasked(variable: Variable, value: Tensor): void {
  const found = unasked.get(variable);
  if (!found || !streamOf(variable)) return;
  variable.initial = value;
  markUnasked(variable, found.state);
}
