/** Batch normalization. */
import { checkNumber, checkOptions, fail } from "../error.js";
import { ones, zeros } from "../ops/index.js";
import { requireTensor } from "../ops/map.js";
import { showShape } from "../shape.js";
import { type Effect, type Tensor, Variable } from "../tensor.js";
import { Module } from "./module.js";
import { normalizeChannels } from "./normalize.js";

/** Options of {@link BatchNorm}. */
export interface BatchNormOptions {
  /** Added to the variance; 1e-5. */
  eps?: number;
  /** Share of the new batch in the running statistics; 0.1. */
  momentum?: number;
  /** Whether a learned weight and bias per channel follow; true. */
  affine?: boolean;
  /** Whether running statistics are kept and used in evaluation; true. Without them, the batch's always are. */
  trackRunningStats?: boolean;
}

/**
 * Brings every channel (axis 1 of (N, C) or (N, C, …)) to mean 0 and variance 1 over the others, then weight·ŷ + bias. In
 * training it uses the batch's statistics and a run updates `runningMean` and `runningVar` (of the unbiased variance, as
 * in PyTorch); in evaluation it uses those (Ioffe & Szegedy 2015).
 * @throws if the input has other channels, or in training only one value per channel
 * @example const norm = new nn.BatchNorm(512);
 * norm.forward(zeros([64, 512])).shape // [64, 512]
 */
export class BatchNorm extends Module {
  override readonly normalizes = true;
  readonly weight: Variable | undefined;
  readonly bias: Variable | undefined;
  readonly runningMean: Variable | undefined;
  readonly runningVar: Variable | undefined;
  readonly eps: number;
  readonly momentum: number;

  constructor(
    readonly features: number,
    options: BatchNormOptions = {},
  ) {
    super();
    checkNumber("BatchNorm", "features", features, { min: 1, integer: true });
    checkOptions("BatchNorm", options, ["eps", "momentum", "affine", "trackRunningStats"]);
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    checkNumber("BatchNorm", "eps", eps, { min: 0 });
    checkNumber("BatchNorm", "momentum", momentum, { min: 0, max: 1 });
    this.eps = eps;
    this.momentum = momentum;
    if (affine) {
      this.weight = new Variable(ones([features]), { label: "weight" });
      this.bias = new Variable(zeros([features]), { label: "bias" });
    }
    if (trackRunningStats) {
      this.runningMean = new Variable(zeros([features]), { label: "runningMean", trainable: false });
      this.runningVar = new Variable(ones([features]), { label: "runningVar", trainable: false });
    }
  }

  forward(x: Tensor): Tensor {
    requireTensor("BatchNorm", "the input", x);
    if (x.rank < 2 || x.shape[1] !== this.features) {
      fail("BatchNorm", `the input must be (N, ${this.features}, …), got ${showShape(x.shape)}`);
    }
    const { weight: w, bias: b } = this;
    if (!this.training && this.runningMean && this.runningVar) {
      const perChannel = [this.features, ...new Array<number>(x.rank - 2).fill(1)];
      const weight = w?.reshape(perChannel);
      const bias = b?.reshape(perChannel);
      const r = this.runningVar.add(this.eps).rsqrt().reshape(perChannel);
      const y = x.sub(this.runningMean.reshape(perChannel)).mul(r);
      return weight && bias ? y.mul(weight).add(bias) : y;
    }
    const n = x.size / this.features;
    if (this.training && n < 2) {
      fail(
        "BatchNorm",
        `training needs more than 1 value per channel, got ${showShape(x.shape)}. ` +
          "Use a larger batch, dropLast or eval()",
      );
    }
    const affine = w && b ? { weight: w, bias: b } : undefined;
    const { y, mean, variance } = normalizeChannels(x.cast("f32"), this.eps, affine);
    y.effects = this.update(mean, variance.mul(n / (n - 1)));
    return y;
  }

  /** running ← running + momentum·(batch − running). */
  private update(mean: Tensor, variance: Tensor): Effect[] {
    const { runningMean, runningVar, momentum } = this;
    if (!runningMean || !runningVar) return [];
    const blend = (running: Variable, batch: Tensor): Effect => ({
      variable: running,
      value: running.mul(1 - momentum).add(batch.mul(momentum)),
    });
    return [blend(runningMean, mean), blend(runningVar, variance)];
  }
}
