/** What is known of each parameter before the first step. */
import { joined, type Reading, rootMeanSquares } from "../../init/reading.js";
import type { Module } from "../../nn/module.js";
import { Generator, randn } from "../../ops/index.js";
import type { Optimizer } from "../../optim/index.js";
import type { Tensor, Variable } from "../../tensor.js";
import { shareOfTwins } from "./twins.js";

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
  /** Share of rows of a matrix (units) that are as another row is, of the first 1024; 0 for other shapes. */
  readonly twins: number;
}

/** As many units are compared with each other. */
const mostUnits = 1024;
/** Weights of a unit, or where it has more so many random sums of them, which are equal where the weights are. */
const mostNumbers = 16;

/** The share of each weight's units that have a twin: another one with equal weights. */
function twins(weights: readonly Tensor[]): Reading<number[]> {
  const mixers = new Map<number, Tensor>();
  const mixer = (fanIn: number): Tensor => {
    const known = mixers.get(fanIn) ?? randn([fanIn, mostNumbers], { generator: new Generator() });
    mixers.set(fanIn, known);
    return known;
  };
  const units = weights.map(({ shape }) => Math.min(mostUnits, shape[0]));
  return {
    tensors: weights.map((weight, i) => {
      const fanIn = weight.size / weight.shape[0];
      const rows = weight.slice([0, units[i]]).reshape([units[i], fanIn]);
      return fanIn > mostNumbers ? rows.matmul(mixer(fanIn)) : rows;
    }),
    decode: (values) => values.map((numbers, i) => shareOfTwins(numbers, units[i])),
  };
}

/** @param gradients of the loss, for the parameters that it depends on */
export function parameterFacts(
  model: Module,
  gradients: ReadonlyMap<Variable, Tensor>,
  optimizer: Optimizer | undefined,
): Reading<ParameterFacts[]> {
  const named = model.namedParameters();
  const given = optimizer && new Set<Variable>(optimizer.params);
  const used = named.filter(([, v]) => gradients.has(v));
  const place = new Map(used.map(([, v], i) => [v, i]));
  const matrices = named.flatMap(([, v]) => (v.rank >= 2 && v.shape[0] > 1 && v.size / v.shape[0] > 1 ? [v] : []));
  const alike = new Map(matrices.map((v, i) => [v, i]));
  const { tensors, decode } = joined(
    rootMeanSquares(named.map(([, v]) => v)),
    rootMeanSquares(used.map(([, v]) => gradients.get(v) as Tensor)),
    twins(matrices),
  );
  return {
    tensors,
    decode: (values) => {
      const [own, back, units] = decode(values);
      return named.map(([path, v], i) => ({
        path,
        rank: v.rank,
        size: v.size,
        trainable: v.trainable,
        given: given?.has(v) ?? true,
        used: gradients.has(v),
        rms: own[i],
        gradient: back[place.get(v) ?? -1] ?? 0,
        twins: units[alike.get(v) ?? -1] ?? 0,
      }));
    },
  };
}
