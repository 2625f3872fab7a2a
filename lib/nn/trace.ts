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

/** Builds the forward graph in evaluation mode and notes what every module returned; the random stream stays where it was. */
export function traceLayers(module: Module, x: Tensor): LayerTrace {
  const [outputs, inputs] = [new Map<Module, Tensor>(), new Map<Module, Tensor>()];
  const drawn = defaultGenerator.state();
  const restore = module.namedModules().map(([, part]) => {
    const own = Object.getOwnPropertyDescriptor(part, "forward");
    const forward = part.forward;
    const noting = (...args: Parameters<Module["forward"]>): Tensor => {
      const y = forward.apply(part, args);
      outputs.set(part, y);
      inputs.set(part, args[0]);
      return y;
    };
    Object.defineProperty(part, "forward", { value: noting, configurable: true, enumerable: false });
    return () => {
      Reflect.deleteProperty(part, "forward");
      if (own) Object.defineProperty(part, "forward", own);
    };
  });
  try {
    return { output: inMode(module, false, () => module.forward(x)), outputs, inputs };
  } finally {
    for (const undo of restore) undo();
    defaultGenerator.restore(drawn);
  }
}
