/** Activations by name, as initializers know them. */
import { closest, fail, show } from "../error.js";
import * as ops from "../ops/index.js";
import type { Tensor } from "../tensor.js";
import { type Elementwise, type Moments, moments } from "./quadrature.js";

const named = {
  linear: (x: Tensor) => x,
  sigmoid: ops.sigmoid,
  tanh: ops.tanh,
  relu: ops.relu,
  leakyRelu: (x: Tensor) => ops.leakyRelu(x),
  elu: (x: Tensor) => ops.elu(x),
  selu: ops.selu,
  celu: (x: Tensor) => ops.celu(x),
  gelu: ops.gelu,
  geluTanh: ops.geluTanh,
  silu: ops.silu,
  swish: ops.silu,
  softplus: ops.softplus,
  softsign: ops.softsign,
  mish: ops.mish,
  hardSigmoid: ops.hardSigmoid,
  hardSwish: ops.hardSwish,
  hardtanh: (x: Tensor) => ops.hardtanh(x),
  logSigmoid: ops.logSigmoid,
} satisfies Record<string, Elementwise>;

/** The names; each is the op's own, with its defaults. */
export type ActivationName = keyof typeof named;

/** An activation: a name, or a function of each element such as `(x) => x.leakyRelu(0.2)`. */
export type Activation = ActivationName | Elementwise;

/** The function of an activation. */
export function functionOf(op: string, activation: unknown): Elementwise {
  if (typeof activation === "function") return activation as Elementwise;
  if (typeof activation === "string" && Object.hasOwn(named, activation)) return named[activation as ActivationName];
  const guess = typeof activation === "string" ? closest(activation, Object.keys(named)) : undefined;
  return fail(
    op,
    `activation must be a name or a function of a tensor, got ${show(activation)}. ${
      guess ? `Did you mean ${show(guess)}?` : `Names: ${Object.keys(named).join(", ")}`
    }`,
  );
}

const known = new WeakMap<Elementwise, Map<number, Moments>>();

/**
 * Moments of an activation at pre-activations of variance q; each is computed once.
 * @param called what a refusal calls it
 */
export function momentsOf(op: string, phi: Elementwise, q = 1, called = "the activation"): Moments {
  const own = known.get(phi) ?? new Map<number, Moments>();
  known.set(phi, own);
  const found = own.get(q) ?? moments(op, phi, q, called);
  own.set(q, found);
  return found;
}
