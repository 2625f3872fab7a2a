/** What a run takes in memory, by its plan. */
import { collect, type Graph } from "../compile/graph.js";
import { arrayOf } from "../dtype.js";
import { fail, show } from "../error.js";
import { Tensor, Variable } from "../tensor.js";
import { executor } from "./evaluate.js";
import type { Prepared } from "./executor.js";

/** Bytes that a run of a graph takes, as the plan has them; what kernels set aside for their own work is not counted. */
export interface Memory {
  /** Of the variables it reads or writes: parameters, moments, running statistics. */
  readonly variableBytes: number;
  /** Of the other values it is given: constants, such as a data set, and what changes from step to step. */
  readonly inputBytes: number;
  /** Of the values in between, which share one arena: each keeps its part of it from its making to its last use. */
  readonly arenaBytes: number;
  /** Of the values it returns. */
  readonly outputBytes: number;
  /** All of it together: the most that one run holds at a time. */
  readonly peakBytes: number;
}

const bytesOf = ({ size, dtype }: Tensor): number => size * arrayOf(dtype).BYTES_PER_ELEMENT;

/** What a graph takes that is ready to run. */
export function memoryOf({ leaves, outputs }: Graph, { arenaBytes }: Prepared): Memory {
  let [variableBytes, inputBytes, outputBytes] = [0, 0, 0];
  for (const leaf of leaves)
    if (leaf instanceof Variable) variableBytes += bytesOf(leaf);
    else inputBytes += bytesOf(leaf);
  for (const output of outputs) outputBytes += bytesOf(output);
  const peakBytes = variableBytes + inputBytes + arenaBytes + outputBytes;
  return { variableBytes, inputBytes, arenaBytes, outputBytes, peakBytes };
}

/**
 * The memory that reading tensors in one run would take, in bytes, without computing anything. `fit` reports that of its
 * steps as `history.memory`.
 * @throws if it is given something else than a list of tensors
 * @example
 * const model = new nn.Sequential(new nn.Linear(784, 512), new nn.ReLU(), new nn.Linear(512, 10));
 * const { arenaBytes, peakBytes } = await memory([model.forward(zeros([64, 784]))]);
 */
export async function memory(tensors: readonly Tensor[]): Promise<Memory> {
  if (!Array.isArray(tensors) || !tensors.every((t) => t instanceof Tensor))
    fail("memory", `wants a list of tensors, got ${show(tensors)}. Write memory([x])`);
  const graph = collect({ outputs: tensors });
  return memoryOf(graph, (await executor()).prepare(graph));
}
