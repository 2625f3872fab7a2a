/** What every layer of a model does with a batch: its activations and the gradient that comes back. */
import { checkOptions, fail, show } from "../error.js";
import { grad } from "../grad.js";
import { Module } from "../nn/module.js";
import { traceLayers } from "../nn/trace.js";
import { read } from "../run/index.js";
import { type Shape, showShape } from "../shape.js";
import { table } from "../table.js";
import { Tensor } from "../tensor.js";
import { asScalar } from "../train/metric.js";

/** One layer's numbers over a batch. */
export interface LayerStatistics {
  /** Where the layer stands in the model, e.g. `0`. */
  readonly path: string;
  /** Class name. */
  readonly layer: string;
  readonly shape: Shape;
  /** Mean and standard deviation of all its outputs. */
  readonly mean: number;
  readonly std: number;
  /** Share of outputs that are exactly 0. */
  readonly zeros: number;
  /** Norm of the loss's gradient with respect to the layer's output. */
  readonly gradNorm: number;
  /** Norm of the loss's gradient with respect to the layer's own parameters; undefined if it has none. */
  readonly weightGradNorm?: number;
}

/** Layers in order; as a string a table. */
export interface LayerReport extends ReadonlyArray<LayerStatistics> {
  toString(): string;
}

/**
 * Passes one batch forward and back, in evaluation mode, and measures every layer that has no layers within.
 * @param batch x (B, …) and y as the loss takes them
 * @param options `loss` from output and y to a scalar
 * @example console.log(`${await health.layers(model, batch, { loss: nn.crossEntropy })}`);
 */
export async function layers(
  model: Module,
  batch: { readonly x: Tensor; readonly y: Tensor },
  options: { loss: (output: Tensor, target: Tensor) => Tensor },
): Promise<LayerReport> {
  checkOptions("layers", options, ["loss"]);
  if (!(model instanceof Module)) fail("layers", `model must be a module, got ${show(model)}`);
  if (!(batch?.x instanceof Tensor) || !(batch.y instanceof Tensor))
    fail("layers", `batch must be { x, y }, got ${show(batch)}`);
  if (typeof options?.loss !== "function")
    fail("layers", `loss must be a function of (output, target), got ${show(options?.loss)}`);
  const { output, outputs } = traceLayers(model, batch.x);
  const loss = asScalar("layers", "loss", options.loss(output, batch.y));
  const leaves = model.namedModules().flatMap(([path, part]) => {
    const y = outputs.get(part);
    return y && part.children().length === 0 ? [{ path, part, y }] : [];
  });
  const weights = leaves.map(({ part }) => part.parameters());
  const all = weights.flat();
  const grads = grad(loss, [...leaves.map(({ y }) => y), ...all]);
  const back = grads.slice(0, leaves.length).map((g) => g.norm());
  let at = leaves.length;
  const own = weights.map((list) => {
    const norms = list.map(() => grads[at++].norm().square());
    return norms.length ? norms.reduce((a, b) => a.add(b)).sqrt() : undefined;
  });
  const numbers = leaves.map(({ y }, i) => [
    y.mean(),
    y.std(),
    y.equal(0).mean(),
    back[i],
    ...(own[i] ? [own[i]] : []),
  ]);
  const values = await read(numbers.flat());
  let next = 0;
  const rows = leaves.map(({ path, part, y }, i): LayerStatistics => {
    const [mean, std, zeros, gradNorm, weightGradNorm] = numbers[i].map(() => values[next++][0]);
    return { path, layer: part.constructor.name, shape: y.shape, mean, std, zeros, gradNorm, weightGradNorm };
  });
  return Object.defineProperty(rows, "toString", { value: () => render(rows), enumerable: false });
}

const digits = (x: number | undefined): string =>
  x === undefined ? "" : Math.abs(x) >= 1e-3 || x === 0 ? x.toFixed(4) : x.toExponential(2);

function render(rows: readonly LayerStatistics[]): string {
  const head = ["layer", "", "output", "mean", "std", "zeros", "grad norm", "weight grad norm"];
  const body = rows.map((r) => [
    r.path || "(model)",
    r.layer,
    showShape(r.shape),
    digits(r.mean),
    digits(r.std),
    `${(100 * r.zeros).toFixed(1)} %`,
    digits(r.gradNorm),
    digits(r.weightGradNorm),
  ]);
  return table([head, ...body], { left: 3 });
}
