/** Metrics: numbers about a batch's output, averaged over a data set. */
import { fail, show } from "../error.js";
import { showShape } from "../shape.js";
import { Tensor } from "../tensor.js";

/** From the model's output and the batch's y to a scalar that is a mean over the batch. */
export type Metric = (output: Tensor, target: Tensor) => Tensor;

/** Metrics under their functions' names, or under names of one's own. */
export type Metrics = readonly Metric[] | Readonly<Record<string, Metric>>;

/** The metrics as name and function; names must be distinct. */
export function namedMetrics(op: string, metrics: Metrics = []): [name: string, metric: Metric][] {
  const list = Array.isArray(metrics)
    ? (metrics as readonly Metric[]).map((metric): [string, Metric] => [metric.name, metric])
    : Object.entries(metrics as Readonly<Record<string, Metric>>);
  const seen = new Set<string>();
  for (const [name, metric] of list) {
    if (typeof metric !== "function") fail(op, `metrics must be functions of (output, target), got ${show(metric)}`);
    if (!name || seen.has(name))
      fail(op, `metrics must have distinct names, got ${show(name)}. Give { name: function }`);
    seen.add(name);
  }
  return list;
}

/** A loss or metric as a scalar, or an error that says how to make it one. */
export function asScalar(op: string, name: string, value: unknown): Tensor {
  if (!(value instanceof Tensor)) fail(op, `${name} must return a tensor, got ${show(value)}`);
  if (value.size !== 1)
    fail(op, `${name} must return one number, got ${showShape(value.shape)}. Reduce it with mean()`);
  return value.reshape([]).cast("f32");
}
