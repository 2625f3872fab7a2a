/** Penalties on the size of weights, to add to a loss. */
import { checkNumber, fail, show } from "../error.js";
import { Tensor } from "../tensor.js";

function penalty(op: string, params: readonly Tensor[], strength: number, term: (p: Tensor) => Tensor): Tensor {
  checkNumber(op, "strength", strength, { min: 0 });
  if (!Array.isArray(params) || params.length === 0 || !params.every((p) => p instanceof Tensor)) {
    fail(op, `params must be a list of parameters, got ${show(params)}. Use model.parameters()`);
  }
  return params
    .map(term)
    .reduce((a, b) => a.add(b))
    .mul(strength);
}

/**
 * λ·Σ|p| over all parameters, a scalar.
 * @example await optimizer.step(loss.add(optim.l1Penalty(model.parameters(), 1e-4)));
 */
export function l1Penalty(params: readonly Tensor[], strength: number): Tensor {
  return penalty("l1Penalty", params, strength, (p) => p.abs().sum());
}

/**
 * ½λ·Σp² over all parameters, a scalar: its gradient is λp, as of SGD's weight decay.
 * @example await optim.l2Penalty([tensor([3, 4])], 0.1).item() // 1.25
 */
export function l2Penalty(params: readonly Tensor[], strength: number): Tensor {
  return penalty("l2Penalty", params, strength / 2, (p) => p.square().sum());
}
