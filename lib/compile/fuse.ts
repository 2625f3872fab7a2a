/** Pass: elementwise nodes of one shape that feed each other become one group, read and written in one pass. */
import { sameShape } from "../shape.js";
import { type Group, type IR, type Node, root } from "./ir.js";

/** A set of nodes in the making; merged ones point to their survivor. */
class Part {
  members: Node[];
  readonly deps = new Set<Part>();
  /** What members read under another shape than it is computed in. */
  readonly reshaped: Node[];
  first: number;
  last: number;
  into: Part | undefined;

  constructor(
    readonly node: Node,
    at: number,
  ) {
    this.members = [node];
    this.reshaped = node.inputs.filter((x) => x.op.kind === "alias").map(root);
    this.first = at;
    this.last = at;
  }

  get live(): Part {
    let part: Part = this;
    while (part.into) part = part.into;
    return part;
  }
}

/** Whether `from` depends on `target`, directly or through others. */
function reaches(from: Part, target: Part): boolean {
  const seen = new Set<Part>();
  const open = [from];
  for (let part = open.pop(); part; part = open.pop()) {
    if (part === target) return true;
    // Everything a part depends on was made before its last member.
    if (seen.has(part) || part.last < target.first) continue;
    seen.add(part);
    for (const dep of part.deps) open.push(dep.live);
  }
  return false;
}

/** Whether a member of one reads a member of the other under another shape: then the value must be in memory first. */
function reshaped(a: Part, b: Part, parts: ReadonlyMap<Node, Part>): boolean {
  const reads = (x: Part, y: Part): boolean => x.reshaped.some((node) => parts.get(node)?.live === y);
  return reads(a, b) || reads(b, a);
}

/** Whether a path leads from `b` back to `a` through a third part: then they cannot run as one. */
function detour(a: Part, b: Part): boolean {
  for (const dep of b.deps) {
    const part = dep.live;
    if (part !== a && part !== b && reaches(part, a)) return true;
  }
  return false;
}

function merge(a: Part, b: Part): void {
  b.into = a;
  a.members.push(...b.members);
  a.reshaped.push(...b.reshaped);
  for (const dep of b.deps) a.deps.add(dep);
  a.first = Math.min(a.first, b.first);
  a.last = Math.max(a.last, b.last);
}

const computed = (node: Node): boolean =>
  node.leaf === undefined && node.literal === undefined && node.op.kind !== "alias";

/** Groups of nodes in an order in which they can run. With `fuse` off every node is a group of its own. */
export function group(ir: IR, fuse: boolean): Group[] {
  const parts = new Map<Node, Part>();
  for (const [at, node] of ir.nodes.entries()) {
    const wanted = node.literal !== undefined && materialized(node, ir);
    if (!computed(node) && !wanted) continue;
    const part = new Part(node, at);
    parts.set(node, part);
    for (const x of node.inputs) {
      const producer = parts.get(root(x));
      if (producer) part.deps.add(producer.live);
    }
    if (!fuse || node.op.kind !== "map") continue;
    for (const x of node.inputs) {
      const other = parts.get(x)?.live;
      const self = part.live;
      if (!other || other === self || x.op.kind !== "map" || x.literal !== undefined || !sameShape(x.shape, node.shape))
        continue;
      if (!reshaped(other, self, parts) && !detour(other, self) && !detour(self, other)) merge(other, self);
    }
  }
  const live = [...new Set([...parts.values()].map((part) => part.live))];
  const position = new Map(ir.nodes.map((node, i) => [node, i]));
  const used = usedOutside(ir, parts);
  return order(live).map((part) => {
    const members = part.members.sort((a, b) => (position.get(a) as number) - (position.get(b) as number));
    const own = new Set(members);
    const read = members.flatMap((node) => node.inputs.filter((x) => needsBuffer(node, x)).map(root));
    return {
      members,
      inputs: [...new Set(read.filter((x) => !own.has(x)))],
      outputs: members.filter((node) => used.has(node)),
    };
  });
}

/** Elementwise nodes take literals as immediates; everything else reads memory. */
function needsBuffer(reader: Node, x: Node): boolean {
  return !(reader.op.kind === "map" && x.literal !== undefined);
}

function materialized(literal: Node, ir: IR): boolean {
  return (
    ir.outputs.some((x) => root(x) === literal) ||
    ir.effects.some((e) => root(e.value) === literal) ||
    ir.nodes.some((node) => node.inputs.includes(literal) && node.op.kind !== "map")
  );
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
