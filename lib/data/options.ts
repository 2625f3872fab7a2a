/** Checks of option values that the data functions share. */
import { fail, show } from "../error.js";
import { defaultGenerator, Generator } from "../ops/random.js";

/** The generator given, or the default one; refuses anything else. */
export function checkGenerator(op: string, generator: unknown): Generator {
  if (generator === undefined) return defaultGenerator;
  if (generator instanceof Generator) return generator;
  return fail(op, `generator must be a Generator, got ${show(generator)}. Make one with new Generator(seed)`);
}

/** Refuses what is not true or false. */
export function checkFlag(op: string, name: string, value: unknown): asserts value is boolean {
  if (typeof value !== "boolean") fail(op, `${name} must be true or false, got ${show(value)}`);
}
