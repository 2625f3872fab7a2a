/** Gradients against central finite differences, both in double precision. */
import { collect } from "../lib/compile/graph.js";
import { grad } from "../lib/grad.js";
import { interpret } from "../lib/run/interpret.js";
import type { Constant, Tensor } from "../lib/tensor.js";
import { sample } from "./helpers.js";

type Call = (...x: Tensor[]) => Tensor;

const step = 1e-5; // truncation ~ step², rounding ~ 1e-16 / step: both near 1e-10

/** A random projection of a call's result: one number that depends on every element. */
const project = (y: Tensor, seed: number): Tensor =>
  y
    .cast("f32")
    .mul(sample(seed, y.shape, [0.5, 1.5]))
    .sum();

/** Where the gradient of a random projection of `call` leaves its finite differences; empty if nowhere. */
export function gradientErrors(call: Call, inputs: readonly Constant[], tolerance = 1e-6): string[] {
  const leaves = inputs.filter((x) => x.dtype === "f32");
  const loss = project(call(...inputs), 77);
  const grads = grad(loss, leaves);
  const values = interpret(collect({ outputs: grads }));
  const graph = collect({ outputs: [loss] });
  const lossAt = (x: Constant, at: number, value: number): number => {
    const moved = Float64Array.from(x.values);
    moved[at] = value;
    return (interpret(graph, new Map([[x, moved]])).get(loss) as Float64Array)[0];
  };
  const found: string[] = [];
  for (const [k, x] of leaves.entries()) {
    const own = values.get(grads[k]) as Float64Array;
    if (own.length !== x.size || grads[k].shape.join() !== x.shape.join())
      found.push(`input ${k}: [${grads[k].shape}] for [${x.shape}]`);
    for (const [at, value] of x.values.entries()) {
      const difference = (lossAt(x, at, value + step) - lossAt(x, at, value - step)) / (2 * step);
      // Against the value itself, or 1 where it is small.
      if (Math.abs(difference - own[at]) <= tolerance * Math.max(1, Math.abs(difference))) continue;
      found.push(`input ${k}[${at}] = ${value}: gradient ${own[at]}, differences ${difference}`);
    }
  }
  return found;
}

/** The same for the gradient itself: a random projection of all its parts is differentiated again. */
export function secondDerivativeErrors(call: Call, inputs: readonly Constant[], tolerance?: number): string[] {
  const once: Call = (...x) => {
    const parts = grad(
      project(call(...x), 78),
      x.filter((t) => t.dtype === "f32"),
    );
    return parts.map((g, k) => project(g, 79 + k)).reduce((a, b) => a.add(b));
  };
  return gradientErrors(once, inputs, tolerance);
}
