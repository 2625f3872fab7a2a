/** Node-by-node execution that names the op, and the user's line, where the first non-finite value appears. */
import { collect, type Graph, isLeaf, needs } from "../compile/graph.js";
import { arrayOf, type TypedArray } from "../dtype.js";
import { EvengradError, internal } from "../error.js";
import { showShape } from "../shape.js";
import { Constant, type Feed, Tensor, Variable } from "../tensor.js";
import type { Executor, Prepared, RunOptions, RunResult } from "./executor.js";
import { userFrame } from "./frame.js";

/** Wraps an executor so that every node runs alone and is checked. Slow; for finding where a NaN comes from. */
export function inspecting(executor: Executor): Executor {
  return {
    ...executor,
    name: executor.name,
    allocate: executor.allocate.bind(executor),
    prepare: (graph) => new Inspected(graph, executor),
  };
}

class Inspected implements Prepared {
  constructor(
    private readonly graph: Graph,
    private readonly executor: Executor,
  ) {}

  /** Every node's value is kept for a whole step. */
  get arenaBytes(): number {
    const computed = this.graph.nodes.filter((node) => !isLeaf(node));
    return computed.reduce((sum, { dtype, size }) => sum + size * arrayOf(dtype).BYTES_PER_ELEMENT, 0);
  }

  async run({ steps = 1, feeds, signal }: RunOptions = {}): Promise<RunResult> {
    const outputs = this.graph.outputs.map(({ dtype, size }) => this.executor.allocate(dtype, steps * size));
    let step = 0;
    for (; step < steps && !signal?.aborted; step++) {
      const values = new Map<Tensor, Constant>();
      for (const node of this.graph.nodes) values.set(node, await this.compute(node, values, feeds, step));
      for (const [i, t] of this.graph.outputs.entries())
        outputs[i].set((values.get(t) as Constant).values, step * t.size);
      for (const { variable, value } of this.graph.effects)
        variable.storage?.set((values.get(value) as Constant).values);
    }
    return { steps: step, outputs };
  }

  private async compute(
    node: Tensor,
    values: ReadonlyMap<Tensor, Constant>,
    feeds: RunOptions["feeds"],
    step: number,
  ): Promise<Constant> {
    const wrap = (array: TypedArray): Constant => new Constant(array, node.shape, node.dtype);
    if (isLeaf(node)) {
      const rows = feeds?.get(node as Feed);
      if (rows) return wrap(rows.slice(step * node.size, (step + 1) * node.size) as TypedArray);
      if (node instanceof Variable)
        return wrap((node.storage ?? internal("variable without value")).slice() as TypedArray);
      return node as Constant;
    }
    const inputs = needs(node).map((x) => values.get(x) as Constant);
    const result = wrap(await this.single(new Tensor(node.op, inputs, node.attrs, node.shape, node.dtype)));
    if (node.dtype === "f32") await this.check(node, inputs, result);
    return result;
  }

  private async single(t: Tensor): Promise<TypedArray> {
    return (await this.executor.prepare(collect({ outputs: [t] })).run()).outputs[0];
  }

  private async bad(t: Tensor): Promise<number> {
    if (t.dtype !== "f32" || t.size === 0) return 0;
    return (await this.single(t.isFinite().logicalNot().sum()))[0];
  }

  private async check(node: Tensor, inputs: readonly Constant[], result: Constant): Promise<void> {
    const count = await this.bad(result);
    if (count === 0) return;
    const [at] = await this.single(result.isFinite().logicalNot().cast("f32").reshape([result.size]).argmax());
    const dirty: string[] = [];
    for (const [i, x] of inputs.entries()) if ((await this.bad(x)) > 0) dirty.push(`input ${i}`);
    const made = userFrame(node.made)?.trim() ?? "by a graph that was not traced: call debugNonFinite() first";
    const given = dirty.length ? `; ${dirty.join(" and ")} was given so` : ", from finite inputs";
    throw new EvengradError(
      node.op.name,
      `the first non-finite value appears here: ${result.values[at]} at element ${at} of ${node.dtype}${showShape(node.shape)}, ` +
        `${count} in all${given}. Made ${made}`,
    );
  }
}
