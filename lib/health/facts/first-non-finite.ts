/** Which op, in which layer, makes the first value that is not finite. */
import { collect } from "../../compile/graph.js";
import { grad } from "../../grad.js";
import type { Module } from "../../nn/module.js";
import { type LayerTrace, traceLayers } from "../../nn/trace.js";
import { read } from "../../run/index.js";
import type { Tensor } from "../../tensor.js";

/** The innermost module whose output was made with a node or first after it. */
function layerOf(model: Module, trace: LayerTrace, node: Tensor): string | undefined {
  const after = model
    .namedModules()
    .flatMap(([path, part]) => {
      const output = trace.outputs.get(part);
      return path && output && part.children().length === 0 && output.id >= node.id ? [{ path, id: output.id }] : [];
    })
    .sort((a, b) => a.id - b.id);
  return after[0]?.path;
}

/** In words, for a batch that gives a loss or gradient that is not finite; undefined if all is finite. */
export async function firstNonFinite(
  model: Module,
  { x, y }: { readonly x: Tensor; readonly y: Tensor },
  lossOf: (output: Tensor, y: Tensor) => Tensor,
): Promise<{ readonly layer: string | undefined; readonly text: string } | undefined> {
  const trace = traceLayers(model, x, "batch");
  const loss = lossOf(trace.output, y);
  const gradients = grad(
    loss,
    model.parameters().filter((p) => p.trainable),
  );
  const { nodes } = collect({ outputs: [loss, ...gradients] });
  const floats = nodes.filter((node) => node.dtype === "f32" && node.size > 0);
  const flags = await read(floats.map((node) => node.isFinite().all()));
  const at = flags.findIndex(([finite]) => finite === 0);
  if (at < 0) return undefined;
  const node = floats[at];
  const forward = node.id <= loss.id;
  const layer = forward ? layerOf(model, trace, node) : undefined;
  const place = layer ? ` in ${layer}` : forward ? " in the loss" : " on the way back";
  const what = node.inputs.length > 0 ? `the op ${node.op.name}` : node.op.name;
  return { layer, text: `${what}${place} makes the first value that is not finite` };
}
