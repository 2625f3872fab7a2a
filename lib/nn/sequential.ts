/** Modules one after the other. */
import { checkOptions, fail, show } from "../error.js";
import { autoUnasked } from "../init/auto.js";
import type { Tensor } from "../tensor.js";
import * as activations from "./activation.js";
import { BatchNorm } from "./batch-norm.js";
import { Bias } from "./bias.js";
import { Dropout } from "./dropout.js";
import { Flatten } from "./lambda.js";
import { LayerNorm, RMSNorm } from "./layer-norm.js";
import { Linear } from "./linear.js";
import { checkModule, Module } from "./module.js";
import { Residual } from "./residual.js";

/** Options of {@link Sequential}, after its modules. */
export interface SequentialOptions {
  /**
   * Whether layers that were given no initializer begin with what fits their place (`init.auto`, by theory); true. It
   * applies where all modules are plain: layers of `nn` other than `Lambda`.
   */
  autoInit?: boolean;
}

const plainLayers = new Set<unknown>([
  ...[BatchNorm, Bias, Dropout, Flatten, LayerNorm, Linear, Residual, RMSNorm],
  ...Object.values(activations),
]);

/** Whether tracing a module before it has data can surprise nobody. */
const isPlain = (module: Module): boolean =>
  (plainLayers.has(module.constructor) || module.constructor === Sequential) && module.children().every(isPlain);

/**
 * Applies modules one after the other: the output of each is the input of the next. They are its properties 0, 1, ….
 * Plain layers begin with what fits their place, such as less variance at the output than before a ReLU: see `init.auto`,
 * which also tells what and why.
 * @param modules modules, and then options if any
 * @example const model = new nn.Sequential(new nn.Linear(784, 512), new nn.ReLU(), new nn.Linear(512, 10));
 * model.namedParameters().map(([name]) => name) // ["0.weight", "0.bias", "2.weight", "2.bias"]
 */
export class Sequential extends Module {
  readonly [index: number]: Module;
  /** How many modules. */
  readonly length: number;

  constructor(...modules: Module[] | [...Module[], SequentialOptions]) {
    super();
    const last = modules.at(-1);
    const options =
      last !== undefined && Object.getPrototypeOf(last) === Object.prototype ? (last as object) : undefined;
    const parts = options ? modules.slice(0, -1) : modules;
    for (const [i, module] of parts.entries()) checkModule("Sequential", `module ${i}`, module);
    checkOptions("Sequential", options, ["autoInit"]);
    const { autoInit = true } = (options ?? {}) as SequentialOptions;
    if (typeof autoInit !== "boolean") fail("Sequential", `autoInit must be true or false, got ${show(autoInit)}`);
    Object.assign(this, parts);
    this.length = parts.length;
    if (autoInit && isPlain(this)) autoUnasked(this);
  }

  forward(x: Tensor): Tensor {
    let y = x;
    for (let i = 0; i < this.length; i++) y = this[i].forward(y);
    return y;
  }
}
