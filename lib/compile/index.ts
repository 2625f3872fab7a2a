/** The compiler: a graph becomes a flat program of kernel calls over one arena. */
import { showShape } from "../shape.js";
import { batch } from "./batch.js";
import { type Encoded, encode, type Opcodes } from "./encode.js";
import { absorb } from "./epilogue.js";
import { group } from "./fuse.js";
import type { Graph } from "./graph.js";
import { type IR, lower, type Node } from "./ir.js";
import { callsOf, type Place, type Plan, plan, type Step } from "./plan.js";
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
  /** Calls of one micro-program over several sets of buffers become one. */
  batch: boolean;
  /** Check after every pass. */
  verify: boolean;
}

const passes: Passes = { simplify: true, fuse: true, epilogue: true, reuse: true, batch: true, verify: true };
for (const name of (process.env.EVENGRAD_PASSES_OFF ?? "").split(","))
  if (name in passes) passes[name as keyof Passes] = false;

/** Reads or changes which passes run, for programs compiled from now on. */
export function configurePasses(change: Partial<Passes> = {}): Readonly<Passes> {
  return Object.assign(passes, change);
}

/** What messages call an instruction. */
export interface StepLabel {
  /** What a user calls the last of its ops, and where they made it, while tracing. */
  readonly name: string;
  readonly made: string | undefined;
}

/** A compiled graph, of which it holds nothing: programs are kept for graphs like it, whose data may be large. */
export interface Program extends Encoded {
  readonly labels: readonly StepLabel[];
  readonly outputs: Plan["outputs"];
  /** Leaf slots that a run writes. */
  readonly written: ReadonlySet<number>;
  /** The program as text, if it was asked for: a line about it all, then one for each instruction. */
  readonly listing: readonly string[];
}

/**
 * Compiles a graph under the current passes.
 * @param listed whether the program is wanted as text, too
 */
export function compile(graph: Graph, opcodes: Opcodes, listed = false): Program {
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
  let planned = plan(ir, groups, graph.leaves.length, passes.reuse);
  if (passes.verify) verifyPlan(planned, ir);
  if (passes.batch) {
    planned = batch(planned);
    if (passes.verify) verifyPlan(planned, ir);
  }
  const leaves = graph.leaves.map(
    (t, leaf): Node => ({ op: t.op, inputs: [], attrs: {}, shape: t.shape, dtype: t.dtype, leaf }),
  );
  return {
    ...encode(planned, leaves, opcodes),
    labels: planned.steps.map(labelOf),
    outputs: planned.outputs,
    written: planned.written,
    listing: listed ? dump(planned, graph) : [],
  };
}

function labelOf({ group }: Step): StepLabel {
  const last = group?.members.at(-1);
  return { name: last?.op.gradientOf ?? last?.op.name ?? "run", made: last?.made };
}

/** The passes in force, a bit for each. */
export function passFlags(): number {
  return Object.values(passes).reduce((bits, on) => 2 * bits + Number(on), 0);
}

function dump(planned: Plan, graph: Graph): string[] {
  const labels = graph.leaves.map((leaf) => ("label" in leaf ? leaf.label : leaf.op.name));
  const where = (p: Place): string => {
    if (p.kind === "arena") return `@${p.at}`;
    return p.at < labels.length ? `$${p.at}:${labels[p.at]}` : `out${p.at - labels.length}`;
  };
  const text = (step: Step): string => {
    if (!step.group) return "copy";
    const { members } = step.group;
    const shapes = callsOf(step).map(({ group }) => showShape(group.members[0].shape));
    return `${members.map((m) => m.op.name).join("·")} ${shapes.join(" ")}`;
  };
  const blocks = (step: Step, side: "from" | "to"): Place[] =>
    (step.group ? callsOf(step) : [step]).flatMap((call) => call[side]);
  const lines = planned.steps.map((step, i) => {
    const [from, to] = (["from", "to"] as const).map((side) => blocks(step, side).map(where).join(" "));
    return `${String(i).padStart(4)}  ${to} = ${text(step)} (${from})`;
  });
  const values = planned.steps
    .flatMap((step) => blocks(step, "to"))
    .reduce((sum, p) => sum + (p.kind === "arena" ? p.count * 4 : 0), 0);
  return [
    `program: ${graph.nodes.length} nodes, ${lines.length} calls, ${graph.leaves.length} leaves, arena ${planned.arenaBytes} bytes for ${values}`,
    ...lines,
  ];
}
