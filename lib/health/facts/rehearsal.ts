/** Some steps on one batch, made and taken back. */
import { inMode, type Module } from "../../nn/module.js";
import { defaultGenerator } from "../../ops/index.js";
import type { Optimizer } from "../../optim/index.js";
import { initialize, prepare } from "../../run/index.js";
import type { Tensor } from "../../tensor.js";
import type { Rehearsal } from "../rules/view.js";

/** Losses of so many steps of an optimizer on a batch; weights, moments, statistics and random streams are as before. */
export async function rehearse(
  model: Module,
  { x, y }: { readonly x: Tensor; readonly y: Tensor },
  lossOf: (output: Tensor, y: Tensor) => Tensor,
  optimizer: Optimizer,
  signal?: AbortSignal,
  steps = 20,
): Promise<Rehearsal> {
  const variables = [...model.namedVariables().map(([, v]) => v), ...optimizer.variables()];
  await initialize(variables);
  const before = variables.map((v) => v.storage?.slice());
  const [made, drawn] = [optimizer.steps, defaultGenerator.state()];
  try {
    const loss = lossOf(
      inMode(model, true, () => model.forward(x)),
      y,
    );
    const { outputs, effects } = optimizer.graph(loss, { nonFinite: "skip" });
    const { prepared } = await prepare({ outputs: [outputs.loss], effects });
    const run = await prepared.run({ steps, signal });
    signal?.throwIfAborted();
    return [...run.outputs[0]];
  } finally {
    for (const [i, v] of variables.entries()) v.storage?.set(before[i] as NonNullable<(typeof before)[number]>);
    optimizer.steps = made;
    defaultGenerator.restore(drawn);
  }
}
