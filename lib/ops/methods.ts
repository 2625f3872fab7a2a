/** Every op whose first argument is a tensor, as a method of it: `x.sigmoid().sum()`. */
import { Tensor } from "../tensor.js";
import * as activation from "./activation.js";
import * as binary from "./binary.js";
import { oneHot } from "./create.js";
import * as gather from "./gather.js";
import { histogram } from "./histogram.js";
import { cast, expand } from "./map.js";
import { matmul } from "./matmul.js";
import * as reduce from "./reduce.js";
import * as shape from "./shape.js";
import * as softmax from "./softmax.js";
import * as unary from "./unary.js";

const { reduceOps: _reduceOps, ...reductions } = reduce;
const { permuteOp: _permuteOp, concat: _concat, stack: _stack, ...shapes } = shape;

const methods = {
  ...unary,
  ...binary,
  ...reductions,
  ...softmax,
  ...shapes,
  ...activation,
  ...gather,
  histogram,
  cast,
  expand,
  matmul,
  oneHot,
};

type Bound<T> = {
  [K in keyof T]: T[K] extends (x: Tensor, ...rest: infer R) => infer Y ? (...rest: R) => Y : never;
};

/** The ops as methods; each is the function of the same name with the tensor as its first argument. */
export interface TensorMethods extends Bound<typeof methods> {}

declare module "../tensor.js" {
  interface Tensor extends TensorMethods {}
}

for (const [name, op] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: unknown[]) {
      return (op as (x: Tensor, ...rest: unknown[]) => Tensor)(this, ...rest);
    },
    writable: true,
    configurable: true,
  });
}
