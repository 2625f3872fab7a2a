/** The reference executor: plain JavaScript that needs no addon, and the oracle of the native one. */
import { type Graph, isLeaf } from "../compile/graph.js";
import { arrayOf, type DType, type TypedArray } from "../dtype.js";
import { EvengradError, fail } from "../error.js";
import type { Tensor } from "../tensor.js";
import type { Executor, Prepared, RunOptions, RunResult } from "./executor.js";
import { interpret } from "./interpret.js";
import { lock, unlock } from "./lock.js";

function allocate(dtype: DType, count: number): TypedArray {
  try {
    return new (arrayOf(dtype))(count) as TypedArray;
  } catch (error) {
    return fail(
      "run",
      `the result's ${count} elements do not fit in memory (${(error as Error).message}). Use smaller tensors`,
    );
  }
}

/** Notes the step of a run in an error. */
function atStep<T>(step: number, body: () => T): T {
  try {
    return body();
  } catch (error) {
    // What typed arrays throw if they are too large.
    if (error instanceof RangeError)
      fail("run", `out of memory: an intermediate is too large (${error.message}). Use a smaller batch?`);
    if (!(error instanceof EvengradError)) throw error;
    throw new EvengradError(error.op, error.message.slice(error.op.length + 2), step);
  }
}

class PreparedReference implements Prepared {
  constructor(private readonly graph: Graph) {}

  /** All values are kept, in double precision; an alias is the value that it stands for. */
  get arenaBytes(): number {
    const computed = this.graph.nodes.filter((node) => !isLeaf(node) && node.op.kind !== "alias");
    return computed.reduce((sum, { size }) => sum + size * Float64Array.BYTES_PER_ELEMENT, 0);
  }

  async run({ steps = 1, feeds, signal }: RunOptions = {}): Promise<RunResult> {
    const { graph } = this;
    const outputs = graph.outputs.map((t) => allocate(t.dtype, steps * t.size));
    const writes = graph.effects.map((effect) => effect.variable);
    lock(writes);
    let done = 0;
    try {
      for (; done < steps; done++) {
        await new Promise(setImmediate); // let timers and aborts in, also when each call has one step
        if (signal?.aborted) break;
        this.step(done, feeds, outputs);
      }
    } finally {
      unlock(writes);
    }
    return { steps: done, outputs };
  }

  private step(at: number, feeds: RunOptions["feeds"], outputs: readonly TypedArray[]): void {
    const { graph } = this;
    const rows = new Map<Tensor, ArrayLike<number>>();
    for (const [feed, all] of feeds ?? []) rows.set(feed, all.subarray(at * feed.size, (at + 1) * feed.size));
    const values = atStep(at, () => interpret(graph, rows));
    for (const [i, t] of graph.outputs.entries()) outputs[i].set(values.get(t) as Float64Array, at * t.size);
    for (const { variable, value } of graph.effects) variable.storage?.set(values.get(value) as Float64Array);
  }
}

export const reference: Executor = {
  name: "reference",
  prepare: (graph) => new PreparedReference(graph),
  allocate,
};
