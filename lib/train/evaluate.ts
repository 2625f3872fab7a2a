/** Loss and metrics of a model over a data set, in evaluation mode. */
import { DataSet } from "../data/index.js";
import { checkNumber, checkOptions, checkSignal, fail, show } from "../error.js";
import { inMode, Module } from "../nn/module.js";
import type { Tensor } from "../tensor.js";
import { asScalar, type Metrics, namedMetrics } from "./metric.js";
import { Replay } from "./replay.js";

export interface EvaluateOptions {
  /** From output and y to a scalar that is a mean over the batch, e.g. `nn.crossEntropy`. */
  loss?: (output: Tensor, target: Tensor) => Tensor;
  metrics?: Metrics;
  /** Rows computed at once, 256 unless told. */
  batchSize?: number;
  signal?: AbortSignal;
}

export interface Evaluation {
  /** Mean over the rows; NaN if no loss was asked for. */
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/**
 * Loss and metrics over all rows. The model's mode afterwards is as before.
 * @throws the signal's reason when aborted
 * @example const { metrics } = await evaluate(model, test, { metrics: [nn.accuracy] });
 */
export async function evaluate(model: Module, set: DataSet, options: EvaluateOptions = {}): Promise<Evaluation> {
  checkOptions("evaluate", options, ["loss", "metrics", "batchSize", "signal"]);
  if (!(model instanceof Module)) fail("evaluate", `model must be a module, got ${show(model)}`);
  if (!(set instanceof DataSet)) fail("evaluate", `set must be a data set, got ${show(set)}. Use data.fromArrays`);
  const { loss, batchSize = 256, signal } = options;
  checkNumber("evaluate", "batchSize", batchSize, { min: 1, integer: true });
  checkSignal("evaluate", signal);
  signal?.throwIfAborted();
  const metrics = namedMetrics("evaluate", options.metrics);
  const named = [...(loss ? [["loss", loss] as const] : []), ...metrics];
  if (named.length === 0) fail("evaluate", "wants a loss or metrics, got neither");
  const replay = new Replay((indices) => {
    const { x, y } = set.batch(indices);
    const output = inMode(model, false, () => model.forward(x));
    return { outputs: named.map(([name, f]) => asScalar("evaluate", name, f(output, y))) };
  });
  const began = performance.now();
  const order = set.order();
  const sums = named.map(() => 0);
  for (let at = 0; at < set.size; ) {
    const size = Math.min(batchSize, set.size - at);
    const count = Math.min(replay.suggested, Math.max(1, Math.floor((set.size - at) / size)));
    let from = at;
    const next = (): Int32Array => {
      from += size;
      return order.subarray(from - size, from);
    };
    const { steps, outputs } = await replay.run(count, next, signal);
    if (steps < count) throw signal?.reason ?? new Error("internal: a run ended early");
    for (const [i, rows] of outputs.entries()) for (const value of rows) sums[i] += value * size;
    at += count * size;
  }
  const means = new Map(named.map(([name], i) => [name, sums[i] / set.size]));
  return {
    loss: loss ? (means.get("loss") as number) : Number.NaN,
    metrics: Object.fromEntries(metrics.map(([name]) => [name, means.get(name) as number])),
    seconds: (performance.now() - began) / 1000,
  };
}
