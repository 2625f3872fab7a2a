/**
 * Pass: elementwise nodes of one shape that feed each other become one group, read and written in one pass; so do the
 * outputs of one kernel that are computed from the same inputs.
 */
import { sameShape } from "../shape.js";
import { showAttrs } from "./graph.js";
import { type Group, type IR, type Node, root } from "./ir.js";

/** A set of nodes in the making; merged ones point to their survivor. */
class Part {
  readonly members: Set<Node>;
  readonly deps = new Set<Part>();
  readonly readers = new Set<Part>();
  /** What members read under another shape than it is computed in. */
  readonly reshaped: Set<Node>;
  /** The place of its last member. */
  last: number;
  /** Above the levels of all that it depends on. */
  private level = 0;
  private into: Part | undefined;

  constructor(node: Node, at: number) {
    this.members = new Set([node]);
    this.reshaped = new Set(node.inputs.filter((x) => x.op.kind === "alias").map(root));
    this.last = at;
  }

  get live(): Part {
    let end: Part = this;
    while (end.into) end = end.into;
    for (let part: Part = this; part.into; ) {
      const next: Part = part.into;
      part.into = end;
      part = next;
    }
    return end;
  }

  reads(producer: Part): void {
    this.deps.add(producer);
    producer.readers.add(this);
    this.level = Math.max(this.level, producer.level + 1);
  }

  /** Whether it may depend on another, by its level alone. */
  isAbove(other: Part): boolean {
    return this.level > other.level;
  }

  /** Takes over another part; to be called on the larger one. */
  absorb(other: Part): void {
    other.into = this;
    for (const key of ["members", "reshaped", "deps", "readers"] as const) {
      const own: Set<Node | Part> = this[key];
      for (const item of other[key]) own.add(item);
    }
    this.last = Math.max(this.last, other.last);
    this.level = 0;
    for (const dep of this.deps) if (dep.live !== this) this.level = Math.max(this.level, dep.live.level + 1);
    this.lift();
  }

  /** Lifts what depends on it above it. */
  private lift(): void {
    const open: Part[] = [this];
    for (let part = open.pop(); part; part = open.pop()) {
      for (const reader of part.readers) {
        const above = reader.live;
        if (above === part || above.level > part.level) continue;
        above.level = part.level + 1;
        open.push(above);
      }
    }
  }
}

/** Whether `from` depends on `target`, directly or through others. */
function reaches(from: Part, target: Part): boolean {
  const seen = new Set<Part>();
  const open = [from];
  for (let part = open.pop(); part; part = open.pop()) {
    if (part === target) return true;
    if (seen.has(part) || !part.isAbove(target)) continue;
    seen.add(part);
    for (const dep of part.deps) open.push(dep.live);
  }
  return false;
}

function intersect<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  for (const item of few) if (many.has(item)) return true;
  return false;
}

/** Whether a member of one reads a member of the other under another shape: then the value must be in memory first. */
const reshaped = (a: Part, b: Part): boolean => intersect(a.reshaped, b.members) || intersect(b.reshaped, a.members);

/** Whether a path leads from `b` back to `a` through a third part: then they cannot run as one. */
function detour(a: Part, b: Part): boolean {
  if (!b.isAbove(a)) return false;
  // The sum of a thousand norms has as many deps, but each has few readers: the path is sought from its shorter end.
  const fromB = b.deps.size < a.readers.size;
  for (const near of fromB ? b.deps : a.readers) {
    const part = near.live;
    if (part !== a && part !== b && (fromB ? reaches(part, a) : reaches(b, part))) return true;
  }
  return false;
}

function merge(a: Part, b: Part): void {
  if (a.members.size < b.members.size) b.absorb(a);
  else a.absorb(b);
}

const computed = (node: Node): boolean =>
  node.leaf === undefined && node.literal === undefined && node.op.kind !== "alias";

/** Groups of nodes in an order in which they can run. With `fuse` off every node is a group of its own. */
export function group(ir: IR, fuse: boolean): Group[] {
  const parts = new Map<Node, Part>();
  const stored = inMemory(ir);
  const calls = new Map<string, Part>();
  const ids = new Map(ir.nodes.map((node, i) => [node, i]));
  const callOf = ({ op, inputs, attrs }: Node): string | undefined =>
    op.kind === "kernel" && op.part !== undefined
      ? `${op.kernel} ${inputs.map((x) => ids.get(x))} ${showAttrs(attrs)}`
      : undefined;
  for (const [at, node] of ir.nodes.entries()) {
    const wanted = node.literal !== undefined && stored.has(node);
    if (!computed(node) && !wanted) continue;
    const part = new Part(node, at);
    parts.set(node, part);
    for (const x of node.inputs) {
      const producer = parts.get(root(x));
      if (producer) part.reads(producer.live);
    }
    if (!fuse) continue;
    const call = callOf(node);
    if (call !== undefined) {
      const other = calls.get(call);
      // Their inputs are the same, so neither depends on the other.
      if (other) other.absorb(part);
      else calls.set(call, part);
    }
    if (node.op.kind !== "map") continue;
    for (const x of node.inputs) {
      const other = parts.get(x)?.live;
      const self = part.live;
      if (!other || other === self || x.op.kind !== "map" || x.literal !== undefined || !sameShape(x.shape, node.shape))
        continue;
      if (!reshaped(other, self) && !detour(other, self) && !detour(self, other)) merge(other, self);
    }
  }
  const live = [...new Set([...parts.values()].map((part) => part.live))];
  const used = usedOutside(ir, parts);
  return order(live).map((part) => {
    const members = [...part.members].sort((a, b) => (ids.get(a) as number) - (ids.get(b) as number));
    const own = new Set(members);
    const read = members.flatMap((node) => node.inputs.filter((x) => needsBuffer(node, x)).map(root));
    return {
      members,
      inputs: [...new Set(read.filter((x) => !own.has(x)))],
      outputs: members.filter((node) => used.has(node)).sort((a, b) => partOf(a) - partOf(b)),
    };
  });
}

/** The place of an output among those of its kernel; elementwise ones keep their order. */
const partOf = ({ op }: Node): number => (op.kind === "kernel" ? (op.part ?? 0) : 0);

/** Elementwise nodes take literals as immediates; everything else reads memory. */
function needsBuffer(reader: Node, x: Node): boolean {
  return !(reader.op.kind === "map" && x.literal !== undefined);
}

/** What the outside reads, or a node that is not elementwise: literals among them are written to memory. */
function inMemory(ir: IR): Set<Node> {
  const read = ir.nodes.flatMap((node) => (node.op.kind === "map" ? [] : node.inputs));
  return new Set([...ir.outputs.map(root), ...ir.effects.map((e) => root(e.value)), ...read]);
}

/** Nodes read by another group, or by the outside. */
function usedOutside(ir: IR, parts: ReadonlyMap<Node, Part>): Set<Node> {
  const used = new Set<Node>([...ir.outputs.map(root), ...ir.effects.map((e) => root(e.value))]);
  for (const node of ir.nodes) {
    if (node.op.kind === "alias") continue;
    for (const x of node.inputs) {
      const producer = root(x);
      // A member read through a reshape is read from memory.
      if (parts.get(producer)?.live !== parts.get(node)?.live || producer !== x) used.add(producer);
    }
  }
  return used;
}

/** Kahn's order, the part whose last member was made first coming first. */
function order(parts: readonly Part[]): Part[] {
  const waiting = new Map<Part, number>();
  const readers = new Map<Part, Part[]>();
  for (const part of parts) {
    const deps = new Set([...part.deps].map((dep) => dep.live).filter((dep) => dep !== part));
    waiting.set(part, deps.size);
    for (const dep of deps) readers.set(dep, [...(readers.get(dep) ?? []), part]);
  }
  const ready = parts.filter((part) => waiting.get(part) === 0).sort((a, b) => b.last - a.last);
  const done: Part[] = [];
  for (let part = ready.pop(); part; part = ready.pop()) {
    done.push(part);
    for (const reader of readers.get(part) ?? []) {
      const left = (waiting.get(reader) as number) - 1;
      waiting.set(reader, left);
      if (left > 0) continue;
      let at = ready.length;
      while (at > 0 && ready[at - 1].last < reader.last) at--;
      ready.splice(at, 0, reader);
    }
  }
  return done;
}
