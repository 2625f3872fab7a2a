/** Fans: how many values meet in one output of a layer, and how many outputs one input reaches. */
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { checkShape, type Shape, showShape, sizeOf } from "../shape.js";

/** The fans of a weight. */
export interface Fans {
  /** Values that meet in one output. */
  fanIn: number;
  /** Outputs that one input reaches. */
  fanOut: number;
}

/**
 * Fans of a weight stored as (out, in, …kernel): fanIn = in · kernel elements, fanOut = out · kernel elements. For a
 * convolution of g groups the weight is (out, in/g, …kernel): fanIn is exact, and fanOut, as in PyTorch and Keras, g times
 * what one input reaches. A transposed convolution stores (in, out, …kernel): swap the two, as in
 * `{ fans: { fanIn: f.fanOut, fanOut: f.fanIn } }`. A recurrent layer stacks its gates, (gates·hidden, in): fanIn is
 * right, and `init.gates` makes fanOut that of one gate. A layer with another layout passes its own `fans`.
 * @throws if the shape has fewer than two axes or a fan is 0
 * @example init.fans([512, 784]) // { fanIn: 784, fanOut: 512 }
 * init.fans([16, 3, 5, 5]) // { fanIn: 75, fanOut: 400 }
 */
export function fans(shape: Shape): Fans {
  return fansOf("init.fans", shape);
}

/** Fans of a shape, for an initializer that is not asked for others. */
export function fansOf(op: string, shape: Shape): Fans {
  const sizes = checkShape(op, shape);
  if (sizes.length < 2)
    fail(op, `shape must be (out, in, …kernel), got ${showShape(sizes)}. For biases use init.zeros`);
  const [outputs, inputs, ...kernel] = sizes;
  const fans = { fanIn: inputs * sizeOf(kernel), fanOut: outputs * sizeOf(kernel) };
  for (const [name, fan] of Object.entries(fans))
    if (fan === 0) fail(op, `${name} must be above 0, got 0 of shape ${showShape(sizes)}. Is a size of the layer 0?`);
  return fans;
}

/** Refuses fans that no variance can be scaled by. */
export function checkFans(op: string, given: unknown): Fans {
  if (typeof given !== "object" || given === null)
    fail(op, `fans must be { fanIn, fanOut }, got ${show(given)}. Leave them out for those of the shape`);
  checkOptions(op, given, ["fanIn", "fanOut"]);
  const { fanIn, fanOut } = given as Fans;
  for (const [name, fan] of Object.entries({ fanIn, fanOut }))
    checkNumber(op, name, fan, { above: 0, max: Number.MAX_VALUE });
  return { fanIn, fanOut };
}
