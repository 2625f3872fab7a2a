/** Modules one after the other. */
import type { Tensor } from "../tensor.js";
import { checkModule, Module } from "./module.js";

/**
 * Applies modules one after the other: the output of each is the input of the next. They are its properties 0, 1, ….
 * @example const model = new nn.Sequential(new nn.Linear(784, 512), new nn.ReLU(), new nn.Linear(512, 10));
 * model.namedParameters().map(([name]) => name) // ["0.weight", "0.bias", "2.weight", "2.bias"]
 */
export class Sequential extends Module {
  readonly [index: number]: Module;
  /** How many modules. */
  readonly length: number;

  constructor(...modules: Module[]) {
    super();
    for (const [i, module] of modules.entries()) checkModule("Sequential", `module ${i}`, module);
    Object.assign(this, modules);
    this.length = modules.length;
  }

  forward(x: Tensor): Tensor {
    let y = x;
    for (let i = 0; i < this.length; i++) y = this[i].forward(y);
    return y;
  }
}
