/** Residual networks without normalization that train at any depth: Fixup (Zhang, Dauphin & Ma 2019). */
import { checkOptions, fail } from "../error.js";
import { checkModule, type Module } from "../nn/module.js";
import { assign } from "./assign.js";
import { type InitReport, inputOf, inTurn, reportOf, type Sample, traceFor, unfrozen } from "./auto.js";
import { drawByTheory } from "./calibrate.js";
import { type Choice, choose } from "./choose.js";
import type { InitOptions } from "./initializer.js";
import { isBare } from "./structure.js";

/**
 * Fixup, for models whose residual branches x + f(x) have no norm: in each of L branches the last weight begins with 0,
 * the m − 1 others with what fits their activation (He before ReLU) times L^(−1/(2m − 2)); the model's output begins with
 * 0. A step then changes the function as much at any depth. Where a branch ends in what has no slope at 0, such as ReLU, 0
 * would stay 0: all m are drawn, times L^(−1/2m). Its rule for branches is that of `init.auto`; the output's is its own.
 * The paper's scalars are parts of the model: `nn.Bias` before each layer and activation, and `nn.Residual`'s
 * `{ learned: true }` as the branch's multiplier; they begin with 0 and 1 by themselves.
 * Frozen weights stay.
 * @param sample a batch (N, …), or the shape of one; may be left out if the first weight is a `Linear` layer's
 * @throws if no branch is without norm, or the model does not accept the sample
 * @example const layer = () => [new nn.Bias(), new nn.Linear(64, 64, { bias: false }), new nn.Bias(), new nn.ReLU()];
 * const block = () => new nn.Residual(new nn.Sequential(...layer(), ...layer().slice(0, 2)), { learned: true });
 * const model = new nn.Sequential(new nn.Linear(784, 64), block(), block(), new nn.Bias(), new nn.Linear(64, 10));
 * init.fixup(model)[1].std // √(2/64) · 2^−½
 */
export function fixup(model: Module, sample?: Sample, options: InitOptions = {}): InitReport {
  const op = "init.fixup";
  checkOptions(op, options, ["generator", "seed"]);
  checkModule(op, "model", model);
  const structure = traceFor(op, model, inputOf(op, model, sample));
  if (!structure.blocks.some(isBare)) {
    fail(
      op,
      "the model must have a branch x + f(x) that neither norms nor begins with a factor 0, got none. Use init.auto",
    );
  }
  const choices = unfrozen(
    choose(structure).map((choice): Choice => {
      if (choice.use.meets !== "head") return choice;
      return { ...choice, draw: "zeros", std: 0, q: undefined, reason: "the model's output: 0 (Fixup)" };
    }),
  );
  assign(op, drawByTheory(choices, inTurn(op, options)));
  return reportOf(choices, false);
}
