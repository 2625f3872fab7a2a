/** The fully connected layer. */
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { markUnasked } from "../init/assign.js";
import { zeros } from "../init/basic.js";
import type { Initializer } from "../init/initializer.js";
import { heNormal } from "../init/scaling.js";
import { defaultGenerator, type Generator } from "../ops/index.js";
import { requireTensor } from "../ops/map.js";
import { sameShape, showShape } from "../shape.js";
import { type Tensor, Variable } from "../tensor.js";
import { Module } from "./module.js";

/** Options of {@link Linear}. */
export interface LinearOptions {
  /** Whether a bias is added; true. */
  bias?: boolean;
  /**
   * `init.heNormal`: variance 2/inFeatures, which keeps activations alive through any depth of ReLU. In a `Sequential` of
   * plain layers, what fits the layer's place there: see `init.auto`.
   */
  weightInit?: Initializer;
  /** `init.zeros`; in a `Sequential`, as `init.auto` has it. */
  biasInit?: Initializer;
  /** What the initializers draw from; the default generator. */
  generator?: Generator;
}

/**
 * y = x·Wᵀ + b: (…, inFeatures) → (…, outFeatures). The weight is (outFeatures, inFeatures), as in PyTorch.
 * @throws if the input's last axis is not `inFeatures`
 * @example const layer = new nn.Linear(784, 10);
 * layer.forward(zeros([64, 784])).shape // [64, 10]
 */
export class Linear extends Module {
  readonly weight: Variable;
  readonly bias: Variable | undefined;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: LinearOptions = {},
  ) {
    super();
    checkNumber("Linear", "inFeatures", inFeatures, { min: 1, integer: true });
    checkNumber("Linear", "outFeatures", outFeatures, { min: 1, integer: true });
    checkOptions("Linear", options, ["bias", "weightInit", "biasInit", "generator"]);
    const { bias = true, weightInit = heNormal, biasInit = zeros, generator } = options;
    const state = (generator ?? defaultGenerator).state();
    this.weight = initialized("Linear", "weight", weightInit, [outFeatures, inFeatures], generator);
    this.bias = bias ? initialized("Linear", "bias", biasInit, [outFeatures], generator) : undefined;
    if (!options.weightInit) markUnasked(this.weight, state);
    if (this.bias && !options.biasInit) markUnasked(this.bias, state);
  }

  forward(x: Tensor): Tensor {
    requireTensor("Linear", "the input", x);
    const features = x.shape[x.rank - 1];
    if (features !== this.inFeatures) {
      const flat = x.size / x.shape[0] === this.inFeatures ? ". Flatten it first, with new nn.Flatten()" : "";
      fail("Linear", `the input's last axis must be ${this.inFeatures}, got ${showShape(x.shape)}${flat}`);
    }
    const y = x.matmul(this.weight.transpose());
    return this.bias ? y.add(this.bias) : y;
  }
}

/** A parameter that begins with what an initializer gives; one of the wrong shape is refused. */
function initialized(
  op: string,
  name: string,
  initializer: Initializer,
  shape: number[],
  generator?: Generator,
): Variable {
  if (typeof initializer !== "function") {
    fail(op, `${name}Init must be a function of a shape, got ${show(initializer)}. Use one of init`);
  }
  const values = initializer(shape, { generator });
  requireTensor(op, `what ${name}Init returns`, values);
  if (!sameShape(values.shape, shape) || values.dtype !== "f32") {
    fail(op, `${name}Init must give f32${showShape(shape)}, got ${values.dtype}${showShape(values.shape)}`);
  }
  return new Variable(values, { label: name });
}
