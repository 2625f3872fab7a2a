/** What is known of each parameter before the first step. */
import { collect } from "../../compile/graph.js";
import { grad } from "../../grad.js";
import type { Module } from "../../nn/module.js";
import { eye } from "../../ops/index.js";
import type { Optimizer } from "../../optim/index.js";
import type { Tensor, Variable } from "../../tensor.js";
import type { Reading } from "./data.js";

export interface ParameterFacts {
  readonly path: string;
  readonly rank: number;
  readonly size: number;
  /** False if it is frozen. */
  readonly trainable: boolean;
  /** Whether the optimizer has it. */
  readonly given: boolean;
  /** Whether the loss depends on it at all. */
  readonly used: boolean;
  /** Root mean squares of its elements and of its gradient. */
  readonly rms: number;
  readonly gradient: number;
  /** Share of rows of a matrix (units) that point where another row does; 0 for other shapes. */
  readonly twins: number;
}

/** As many units are compared with each other. */
const mostUnits = 256;

/** Cosines of a unit's weights with every other's: the share of units for which one is 1. */
function twins(weight: Tensor): Tensor {
  const rows = weight.slice([0, Math.min(mostUnits, weight.shape[0])]);
  const flat = rows.reshape([rows.shape[0], rows.size / rows.shape[0]]);
  const directions = flat.div(flat.square().sum({ axes: 1, keepDims: true }).sqrt().add(1e-30));
  const cosines = directions.matmul(directions.transpose()).sub(eye(rows.shape[0]).mul(2));
  return cosines
    .max({ axes: 1 })
    .greater(1 - 1e-5)
    .mean();
}

export function parameterFacts(
  model: Module,
  loss: Tensor,
  optimizer: Optimizer | undefined,
): Reading<ParameterFacts[]> {
  const named = model.namedParameters();
  const reached = new Set<Tensor>(collect({ outputs: [loss] }).leaves);
  const given = optimizer && new Set<Variable>(optimizer.params);
  const used = named.filter(([, v]) => reached.has(v));
  const gradients = grad(
    loss,
    used.map(([, v]) => v),
  );
  const gradientOf = new Map(used.map(([, v], i) => [v, gradients[i]]));
  const rms = (t: Tensor): Tensor => t.norm().mul(1 / Math.sqrt(t.size));
  const tensors = named.map(([, v]) => {
    const g = gradientOf.get(v);
    const matrix = v.rank >= 2 && v.shape[0] > 1 && v.size / v.shape[0] > 1;
    return [rms(v), g ? rms(g) : rms(v).mul(0), matrix ? twins(v) : rms(v).mul(0)];
  });
  return {
    tensors: tensors.flat(),
    decode: (values) =>
      named.map(([path, v], i) => ({
        path,
        rank: v.rank,
        size: v.size,
        trainable: v.trainable,
        given: given?.has(v) ?? true,
        used: reached.has(v),
        rms: values[3 * i][0],
        gradient: values[3 * i + 1][0],
        twins: values[3 * i + 2][0],
      })),
  };
}
