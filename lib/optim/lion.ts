/** Lion: steps of one size along the sign of the momentum. */
import type { Tensor } from "../tensor.js";
import {
  type CommonOptions,
  type HostScalar,
  type Moments,
  notNegative,
  Optimizer,
  type Params,
  type Update,
} from "./optimizer.js";

export interface LionOptions extends CommonOptions {
  /** Shares of the momentum in the step and in its own update, [0.9, 0.99] unless told. */
  betas?: readonly [number, number];
}

/**
 * p ← p − lr(sign(β₁m + (1 − β₁)g) + λp), then m ← β₂m + (1 − β₂)g (Chen et al. 2023). lr 1e-4 unless told: about a
 * tenth of Adam's.
 * @example const optimizer = new optim.Lion(model.parameters(), { lr: 1e-4, weightDecay: 0.1 });
 */
export class Lion extends Optimizer<LionOptions> {
  constructor(params: Params<LionOptions>, options: Partial<LionOptions> = {}) {
    super(
      "Lion",
      params,
      options,
      { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0 },
      { lr: notNegative, betas: "betas", weightDecay: notNegative },
      () => ({ momentum: 0 }),
    );
  }

  protected override update(
    p: Tensor,
    g: Tensor,
    { momentum }: Moments,
    options: LionOptions,
    scalar: HostScalar,
  ): Update {
    const { betas: [b1, b2] = [0.9, 0.99], weightDecay = 0 } = options;
    const direction = momentum
      .mul(b1)
      .add(g.mul(1 - b1))
      .sign();
    const move = weightDecay ? direction.add(p.mul(weightDecay)) : direction;
    const lr = scalar("lr", () => this.rate(options));
    return { value: p.sub(move.mul(lr)), moments: { momentum: momentum.mul(b2).add(g.mul(1 - b2)) } };
  }
}
