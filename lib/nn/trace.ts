/** The forward graph of a model with the output of every layer on the way. */
import { defaultGenerator } from "../ops/index.js";
import type { Tensor } from "../tensor.js";
import { inMode, type Module } from "./module.js";

/** A traced forward pass. */
export interface LayerTrace {
  readonly output: Tensor;
  /** Latest output of every module that was called, and the input it was made from. */
  readonly outputs: ReadonlyMap<Module, Tensor>;
  readonly inputs: ReadonlyMap<Module, Tensor>;
}

/** `batch`: as evaluation, but norms use the batch's statistics, as in training. */
export type TraceMode = "evaluation" | "batch" | "training";

function restoreForward(part: Module, own: PropertyDescriptor | undefined): void {
  Reflect.deleteProperty(part, "forward");
  if (own) Object.defineProperty(part, "forward", own);
}

/**
 * Builds the forward graph and notes what every module returned. Unless it is a training step's, looking at a model changes
 * nothing: effects are dropped and the random stream stays where it was.
 */
export function traceLayers(module: Module, x: Tensor, mode: TraceMode = "evaluation"): LayerTrace {
  const training = mode === "training";
  const [outputs, inputs] = [new Map<Module, Tensor>(), new Map<Module, Tensor>()];
  const drawn = defaultGenerator.state();
  const parts = module.namedModules();
  const owns: (PropertyDescriptor | undefined)[] = [];
  for (const [, part] of parts) {
    const { forward } = part;
    owns.push(Object.getOwnPropertyDescriptor(part, "forward"));
    const noting = (...args: Parameters<Module["forward"]>): Tensor => {
      const y = forward.apply(part, args);
      if (mode === "batch") y.effects = undefined;
      outputs.set(part, y);
      inputs.set(part, args[0]);
      return y;
    };
    Object.defineProperty(part, "forward", { value: noting, configurable: true, enumerable: false });
  }
  try {
    const forward = (): Tensor => {
      if (mode === "batch") for (const [, part] of parts) part.training = part.normalizes === true;
      return module.forward(x);
    };
    return { output: inMode(module, training, forward), outputs, inputs };
  } finally {
    for (let i = 0; i < parts.length; i++) restoreForward(parts[i][1], owns[i]);
    if (!training) defaultGenerator.restore(drawn);
  }
}
