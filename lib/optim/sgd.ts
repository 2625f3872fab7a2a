/** Stochastic gradient descent with momentum. */
import { fail } from "../error.js";
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

export interface SGDOptions extends CommonOptions {
  /** Share of the last update that is kept, 0 unless told. */
  momentum?: number;
  /** Part of the gradient that momentum leaves out, 0 unless told. */
  dampening?: number;
  /** Looks ahead along the momentum (Nesterov 1983). */
  nesterov?: boolean;
}

/**
 * v ← μv + (1 − d)g, p ← p − lr·v (Nesterov: p − lr(g + μv)); weight decay adds λp to g. As PyTorch, v begins as g.
 * @example const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: Params<SGDOptions>, options: SGDOptions) {
    super(
      "SGD",
      params,
      options,
      { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false },
      {
        lr: notNegative,
        momentum: { min: 0, max: 1 },
        dampening: { min: 0, max: 1 },
        weightDecay: notNegative,
        nesterov: "flag",
      },
      ({ momentum }) => ({ momentum: momentum ? 0 : undefined }),
    );
    for (const { options: o } of this.groups) {
      if (!o.nesterov || (o.momentum && !o.dampening)) continue;
      fail(
        "SGD",
        `nesterov wants a momentum and no dampening, got momentum ${o.momentum} and dampening ${o.dampening}`,
      );
    }
  }

  protected override update(p: Tensor, g: Tensor, moments: Moments, options: SGDOptions, scalar: HostScalar): Update {
    const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
    const lr = scalar("lr", () => this.rate(options));
    const d = weightDecay ? g.add(p.mul(weightDecay)) : g;
    if (!momentum) return { value: p.sub(d.mul(lr)), moments: {} };
    const share = dampening ? d.mul(scalar("share", () => (this.steps === 1 ? 1 : 1 - dampening))) : d;
    const v = moments.momentum.mul(momentum).add(share);
    const move = nesterov ? d.add(v.mul(momentum)) : v;
    return { value: p.sub(move.mul(lr)), moments: { momentum: v } };
  }
}
