/** The plain network of most experiments: hidden layers of one width, and what they begin with. */
import * as init from "../../lib/init/index.js";
import * as nn from "../../lib/nn/index.js";

export interface Stack {
  /** Hidden layers. */
  readonly depth: number;
  readonly width: number;
  readonly activation: () => nn.Module;
  readonly weights: init.Initializer;
  /** 0 unless told. */
  readonly biases?: init.Initializer;
}

export const [inputs, classes] = [784, 10];

/** 784 → width, depth times with the activation, → 10 logits. */
export function stack({ depth, width, activation, weights, biases = init.zeros }: Stack): nn.Sequential {
  const layers = Array.from({ length: depth }, (_, i) => [
    new nn.Linear(i ? width : inputs, width, { weightInit: weights, biasInit: biases }),
    activation(),
  ]);
  return new nn.Sequential(...layers.flat(), new nn.Linear(width, classes, { weightInit: weights, biasInit: biases }));
}

/** U(±1/√fanIn), the default of PyTorch's `Linear`: variance 1/(3·fanIn). */
export const inverseRootFanIn: init.Initializer = (shape, options) => {
  const bound = 1 / Math.sqrt(init.fans(shape).fanIn);
  return init.uniform(shape, { ...options, low: -bound, high: bound });
};

/** Orthogonal with a gain. */
export const orthogonal =
  (gain: number): init.Initializer =>
  (shape, options) =>
    init.orthogonal(shape, { ...options, gain });

/** Normal of variance gain²/fanIn. */
export const gaussian =
  (gain: number): init.Initializer =>
  (shape, options) =>
    init.lecunNormal(shape, { ...options, gain });
