/** The compiler: a graph becomes a flat program of kernel calls over one arena. */
import { showShape } from "../shape.js";
import { type Encoded, encode, type Opcodes } from "./encode.js";
import { absorb } from "./epilogue.js";
import { group } from "./fuse.js";
import type { Graph } from "./graph.js";
import { type IR, lower, type Node } from "./ir.js";
import { type Place, type Plan, plan } from "./plan.js";
import { simplify } from "./simplify.js";
import { verifyGroups, verifyIR, verifyPlan } from "./verify.js";

/** The passes that can be switched off; results stay the same (to rounding, for `simplify`). */
export interface Passes {
  simplify: boolean;
  fuse: boolean;
  /** Kernels finish their outputs themselves where they can: a product adds its bias and takes the relu. */
  epilogue: boolean;
  /** Values share arena memory once they are no longer needed. */
  reuse: boolean;
  /** Check after every pass. */
  verify: boolean;
}

const passes: Passes = { simplify: true, fuse: true, epilogue: true, reuse: true, verify: true };
for (const name of (process.env.EVENGRAD_PASSES_OFF ?? "").split(","))
  if (name in passes) passes[name as keyof Passes] = false;

/** Reads or changes which passes run, for programs compiled from now on. */
export function configurePasses(change: Partial<Passes> = {}): Readonly<Passes> {
  return Object.assign(passes, change);
}

/** A compiled graph. */
export interface Program extends Encoded {
  /** What each instruction computes, for messages and profiles: the members of its group. */
  readonly steps: readonly (readonly Node[])[];
  readonly outputs: Plan["outputs"];
  /** Leaf slots that a run writes. */
  readonly written: ReadonlySet<number>;
  /** The program as text: a line about it all, then one for each instruction. */
  dump(): string[];
}

/** Compiles a graph under the current passes. */
export function compile(graph: Graph, opcodes: Opcodes): Program {
  const checked = (ir: IR, pass: string): IR => {
    if (passes.verify) verifyIR(ir, pass);
    return ir;
  };
  let ir = checked(lower(graph), "lower");
  if (passes.simplify) ir = checked(simplify(ir), "simplify");
  let groups = group(ir, passes.fuse);
  if (passes.verify) verifyGroups(ir, groups, "fuse");
  if (passes.epilogue) {
    groups = absorb(ir, groups);
    if (passes.verify) verifyGroups(ir, groups, "epilogue");
  }
  const planned = plan(ir, groups, graph.leaves.length, passes.reuse);
  if (passes.verify) verifyPlan(planned, ir);
  const leaves = graph.leaves.map(
    (t, leaf): Node => ({ op: t.op, inputs: [], attrs: {}, shape: t.shape, dtype: t.dtype, leaf }),
  );
  return {
    ...encode(planned, leaves, opcodes),
    steps: planned.steps.map((step) => step.group?.members ?? []),
    outputs: planned.outputs,
    written: planned.written,
    dump: () => dump(planned, graph),
  };
}

/** The passes in force, as part of a cache key. */
export function passKey(): string {
  return Object.values(passes).map(Number).join("");
}

function dump(planned: Plan, graph: Graph): string[] {
  const labels = graph.leaves.map((leaf) => ("label" in leaf ? leaf.label : leaf.op.name));
  const where = (p: Place): string => {
    if (p.kind === "arena") return `@${p.at}`;
    return p.at < labels.length ? `$${p.at}:${labels[p.at]}` : `out${p.at - labels.length}`;
  };
  const text = (step: Plan["steps"][number]): string => {
    if (!step.group) return "copy";
    const { members } = step.group;
    return `${members.map((m) => m.op.name).join("·")} ${showShape(members[0].shape)}`;
  };
  const lines = planned.steps.map(
    (step, i) =>
      `${String(i).padStart(4)}  ${step.to.map(where).join(" ")} = ${text(step)} (${step.from.map(where).join(" ")})`,
  );
  const values = planned.steps.reduce(
    (sum, s) => sum + s.to.reduce((n, p) => n + (p.kind === "arena" ? p.count * 4 : 0), 0),
    0,
  );
  return [
    `program: ${graph.nodes.length} nodes, ${lines.length} calls, ${graph.leaves.length} leaves, arena ${planned.arenaBytes} bytes for ${values}`,
    ...lines,
  ];
}
