/** Optimizers that scale each step by the size of past gradients: RMSprop, Adagrad, Adam, AdamW. */
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

/** Gradients are squared in f32: above 1.8e19 the second moment would be infinite and the weight never move again. */
abstract class Adaptive<H extends CommonOptions> extends Optimizer<H> {
  protected override get limit(): number {
    return 1.8e19;
  }
}

export interface RMSpropOptions extends CommonOptions {
  /** Share of the old mean square that is kept, 0.99 unless told. */
  alpha?: number;
  /** Added to the root, 1e-8 unless told. */
  eps?: number;
  momentum?: number;
  /** Uses the variance rather than the mean square. */
  centered?: boolean;
}

/**
 * s ← αs + (1 − α)g², p ← p − lr·g/(√s + ε) (Tieleman & Hinton 2012). lr 0.01 unless told.
 * @example const optimizer = new optim.RMSprop(model.parameters(), { lr: 0.001, momentum: 0.9 });
 */
export class RMSprop extends Adaptive<RMSpropOptions> {
  constructor(params: Params<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super(
      "RMSprop",
      params,
      options,
      { lr: 0.01, alpha: 0.99, eps: 1e-8, momentum: 0, weightDecay: 0, centered: false },
      {
        lr: notNegative,
        alpha: { min: 0, below: 1 },
        eps: notNegative,
        momentum: { min: 0, max: 1 },
        weightDecay: notNegative,
        centered: "flag",
      },
      ({ momentum, centered }) => ({ square: 0, mean: centered ? 0 : undefined, momentum: momentum ? 0 : undefined }),
    );
  }

  protected override update(
    p: Tensor,
    g: Tensor,
    moments: Moments,
    options: RMSpropOptions,
    scalar: HostScalar,
  ): Update {
    const { alpha = 0.99, eps = 1e-8, momentum = 0, weightDecay = 0, centered = false } = options;
    const lr = scalar("lr", () => this.rate(options));
    const d = weightDecay ? g.add(p.mul(weightDecay)) : g;
    const square = moments.square.mul(alpha).add(d.square().mul(1 - alpha));
    const mean = centered ? moments.mean.mul(alpha).add(d.mul(1 - alpha)) : undefined;
    const spread = mean ? square.sub(mean.square()).maximum(0) : square;
    const move = d.div(spread.sqrt().add(eps));
    const v = momentum ? moments.momentum.mul(momentum).add(move) : undefined;
    return { value: p.sub((v ?? move).mul(lr)), moments: { square, ...(mean && { mean }), ...(v && { momentum: v }) } };
  }
}

export interface AdagradOptions extends CommonOptions {
  /** The rate at step t is lr/(1 + (t − 1)·lrDecay). */
  lrDecay?: number;
  eps?: number;
  /** What the sum of squares begins with, 0 unless told. */
  initialAccumulator?: number;
}

/**
 * s ← s + g², p ← p − lr·g/(√s + ε) (Duchi et al. 2011). lr 0.01 unless told.
 * @example const optimizer = new optim.Adagrad(model.parameters(), { lr: 0.1 });
 */
export class Adagrad extends Adaptive<AdagradOptions> {
  constructor(params: Params<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    super(
      "Adagrad",
      params,
      options,
      { lr: 0.01, lrDecay: 0, eps: 1e-10, initialAccumulator: 0, weightDecay: 0 },
      {
        lr: notNegative,
        lrDecay: notNegative,
        eps: notNegative,
        initialAccumulator: notNegative,
        weightDecay: notNegative,
      },
      ({ initialAccumulator = 0 }) => ({ sum: initialAccumulator }),
    );
  }

  protected override update(
    p: Tensor,
    g: Tensor,
    moments: Moments,
    options: AdagradOptions,
    scalar: HostScalar,
  ): Update {
    const { lrDecay = 0, eps = 1e-10, weightDecay = 0 } = options;
    const lr = scalar("rate", () => this.rate(options) / (1 + (this.steps - 1) * lrDecay));
    const d = weightDecay ? g.add(p.mul(weightDecay)) : g;
    const sum = moments.sum.add(d.square());
    return { value: p.sub(d.div(sum.sqrt().add(eps)).mul(lr)), moments: { sum } };
  }
}

export interface AdamOptions extends CommonOptions {
  /** Shares of the old first and second moments that are kept, [0.9, 0.999] unless told. */
  betas?: readonly [number, number];
  eps?: number;
}

/**
 * m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², p ← p − lr·m̂/(√v̂ + ε), both moments divided by 1 − βᵗ (Kingma & Ba 2015).
 * lr 0.001 unless told; weight decay adds λp to g.
 * @example const optimizer = new optim.Adam(model.parameters(), { lr: 0.001 });
 */
export class Adam extends Adaptive<AdamOptions> {
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}, name = "Adam", weightDecay = 0) {
    super(
      name,
      params,
      options,
      { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay },
      { lr: notNegative, betas: "betas", eps: notNegative, weightDecay: notNegative },
      () => ({ mean: 0, square: 0 }),
    );
  }

  protected override update(p: Tensor, g: Tensor, moments: Moments, options: AdamOptions, scalar: HostScalar): Update {
    const d = options.weightDecay ? g.add(p.mul(options.weightDecay)) : g;
    return this.adam(p, d, moments, options, scalar);
  }

  /** Adam's rule proper, from the value that the step starts at. */
  protected adam(p: Tensor, g: Tensor, moments: Moments, options: AdamOptions, scalar: HostScalar): Update {
    const { betas: [b1, b2] = [0.9, 0.999], eps = 1e-8 } = options;
    const rate = scalar("rate", () => this.rate(options) / (1 - b1 ** this.steps));
    const root = scalar("root", () => 1 / Math.sqrt(1 - b2 ** this.steps));
    const mean = moments.mean.mul(b1).add(g.mul(1 - b1));
    const square = moments.square.mul(b2).add(g.square().mul(1 - b2));
    return { value: p.sub(mean.div(square.sqrt().mul(root).add(eps)).mul(rate)), moments: { mean, square } };
  }
}

/**
 * Adam whose weight decay shrinks the weight by lr·λ directly, outside of the moments (Loshchilov & Hutter 2019);
 * λ 0.01 unless told.
 * @example const [weights, biases] = [2, 1].map((rank) => model.parameters().filter((p) => p.rank === rank));
 * const optimizer = new optim.AdamW([{ params: weights }, { params: biases, weightDecay: 0 }], { lr: 0.001 });
 */
export class AdamW extends Adam {
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, options, "AdamW", 0.01);
  }

  protected override update(p: Tensor, g: Tensor, moments: Moments, options: AdamOptions, scalar: HostScalar): Update {
    const { weightDecay = 0 } = options;
    const decayed = weightDecay ? p.mul(scalar("keep", () => 1 - this.rate(options) * weightDecay)) : p;
    return this.adam(decayed, g, moments, options, scalar);
  }
}
