/** Compiled programs, shared by graphs of equal structure; a graph that never repeats is named once as a warning. */
import type { Graph } from "../compile/graph.js";
import { keyOf } from "../compile/graph.js";
import { passKey } from "../compile/index.js";

const capacity = 256;
const patience = 64;

/** A least-recently-used cache keyed by structure. */
export class ProgramCache<P> {
  private readonly programs = new Map<string, P>();
  /** Graphs that differ only in attributes and shapes: how often one was compiled, and its last key. */
  private readonly kin = new Map<string, { misses: number; last: string }>();
  private warned = false;

  get(graph: Graph, make: () => P): P {
    const key = `${passKey()}\n${keyOf(graph)}`;
    const known = this.programs.get(key);
    if (known !== undefined) {
      this.programs.delete(key);
      this.programs.set(key, known);
      return known;
    }
    this.watch(graph, key);
    const program = make();
    this.programs.set(key, program);
    if (this.programs.size > capacity) this.programs.delete(this.programs.keys().next().value as string);
    return program;
  }

  private watch(graph: Graph, key: string): void {
    if (this.warned) return;
    const family = graph.nodes.map((node) => node.op.name).join(" ");
    const before = this.kin.get(family);
    const misses = (before?.misses ?? 0) + 1;
    if (before && misses >= patience) {
      this.warned = true;
      const [now, then] = [key.split("\n"), before.last.split("\n")];
      const at = now.findIndex((line, i) => line !== then[i]);
      process.emitWarning(
        `the same graph was compiled ${misses} times because a part of it changes: "${then[at]}" became "${now[at]}". ` +
          "Give numbers that change as tensors (tensor(x)), and keep shapes the same",
        { type: "EvengradWarning", code: "EVENGRAD_RECOMPILE" },
      );
    }
    if (this.kin.size > capacity) this.kin.clear();
    this.kin.set(family, { misses, last: key });
  }
}
