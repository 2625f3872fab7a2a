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

/** How many of a weight's units are compared. */
const unitsOf = ({ shape }: Tensor): number => Math.min(mostUnits, shape[0]);

/** The share of each weight's units that have a twin: another one with equal weights. */
function twins(weights: readonly Tensor[]): Reading<number[]> {
  const mixers = new Map<number, Tensor>();
  const mixer = (fanIn: number): Tensor => {
    const known = mixers.get(fanIn) ?? randn([fanIn, mostNumbers], { generator: new Generator() });
    mixers.set(fanIn, known);
    return known;
  };
  const tensors: Tensor[] = [];
  for (const weight of weights) {
    const n = unitsOf(weight);
    const fanIn = weight.size / weight.shape[0];
    const rows = weight.slice([0, n]).reshape([n, fanIn]);
    tensors.push(fanIn > mostNumbers ? rows.matmul(mixer(fanIn)) : rows);
  }
  return {
    tensors,
    decode: (values) => {
      const shares: number[] = [];
      for (let i = 0; i < weights.length; i++) shares.push(shareOfTwins(values[i], unitsOf(weights[i])));
      return shares;
    },
  };
}

/** A matrix, of several units with several weights each, or what is one by its leading axis. */
const isMatrix = ({ rank, shape, size }: Variable): boolean => rank >= 2 && shape[0] > 1 && size / shape[0] > 1;

/** @param gradients of the loss, for the parameters that it depends on */
export function parameterFacts(
  model: Module,
  gradients: ReadonlyMap<Variable, Tensor>,
  optimizer: Optimizer | undefined,
): Reading<ParameterFacts[]> {
  const named = model.namedParameters();
  const given = optimizer && new Set<Variable>(optimizer.params);
  const [all, backs, matrices]: [Variable[], Tensor[], Variable[]] = [[], [], []];
  for (const [, variable] of named) {
    const gradient = gradients.get(variable);
    all.push(variable);
    if (gradient) backs.push(gradient);
    if (isMatrix(variable)) matrices.push(variable);
  }
  const { tensors, decode } = joined(rootMeanSquares(all), rootMeanSquares(backs), twins(matrices));
  return {
    tensors,
    decode: (values) => {
      const [own, back, shares] = decode(values);
      const facts: ParameterFacts[] = [];
      let [usedSoFar, matricesSoFar] = [0, 0];
      for (const [path, variable] of named) {
        const { rank, size, trainable } = variable;
        const used = gradients.has(variable);
        facts.push({
          ...{ path, rank, size, trainable, used },
          given: given?.has(variable) ?? true,
          rms: own[facts.length],
          gradient: used ? back[usedSoFar++] : 0,
          twins: isMatrix(variable) ? shares[matricesSoFar++] : 0,
        });
      }
      return facts;
    },
  };
}
