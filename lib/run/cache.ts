/** Programs shared by graphs of equal structure; a graph that never repeats is named once as a warning. */
import { type Graph, linesOf } from "../compile/graph.js";
import { passFlags } from "../compile/index.js";
import { signatureOf } from "../compile/signature.js";

const capacity = 256;
/** Programs of one hash, at most; of 256 programs, two share one once in 3 · 10¹¹ times. */
const namesakes = 4;
const patience = 64;

/** Two hashes in the bits of a number: FNV-1a, and the same with another prime from the other end. */
function hashOf(words: Int32Array): number {
  let [a, b] = [0x811c9dc5, 0x811c9dc5];
  for (let i = 0, j = words.length - 1; j >= 0; i++, j--) {
    a = Math.imul(a ^ words[i], 0x01000193);
    b = Math.imul(b ^ words[j], 0x85ebca6b);
    b ^= b >>> 15;
  }
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}

function same(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

interface Kept<P> {
  readonly signature: Int32Array;
  readonly program: P;
}

/** A least-recently-used cache keyed by structure. */
export class ProgramCache<P> {
  /** By hash. */
  private readonly programs = new Map<number, readonly Kept<P>[]>();
  /** Graphs that differ only in attributes and shapes: how often one was compiled, and, before the warning, its last text. */
  private readonly kin = new Map<string, { readonly misses: number; readonly last: readonly string[] | undefined }>();
  private warned = false;

  /** @param hash of signatures */
  constructor(private readonly hash = hashOf) {}

  get(graph: Graph, make: () => P): P {
    const signature = signatureOf(graph, passFlags());
    const hash = this.hash(signature);
    const known = this.programs.get(hash);
    const found = known?.find((kept) => same(kept.signature, signature));
    if (known && found) {
      this.programs.delete(hash);
      this.programs.set(hash, known);
      return found.program;
    }
    const own = signature.slice(); // what is made next may ask for another one
    this.watch(graph);
    const program = make();
    const others = this.programs.get(hash) ?? [];
    this.programs.set(hash, [...others.slice(1 - namesakes), { signature: own, program }]);
    if (this.programs.size > capacity) this.programs.delete(this.programs.keys().next().value as number);
    return program;
  }

  private watch(graph: Graph): void {
    if (this.warned) return;
    const family = graph.nodes.map((node) => node.op.name).join(" ");
    const before = this.kin.get(family);
    const misses = (before?.misses ?? 0) + 1;
    const lines = misses >= patience - 1 ? linesOf(graph) : undefined; // nobody reads those of the misses before
    if (lines && before?.last) {
      this.warned = true;
      const { last } = before;
      const at = lines.findIndex((line, i) => line !== last[i]);
      process.emitWarning(
        `the same graph was compiled ${misses} times because a part of it changes: "${last[at]}" became "${lines[at]}". ` +
          "Give numbers that change as tensors (tensor(x)), and keep shapes the same",
        { type: "EvengradWarning", code: "EVENGRAD_RECOMPILE" },
      );
    }
    if (this.kin.size > capacity) this.kin.clear();
    this.kin.set(family, { misses, last: lines });
  }
}
