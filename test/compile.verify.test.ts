/** The checks between passes refuse what a faulty pass might return. */
import { describe, expect, it } from "vitest";
import { encode, type Opcodes } from "../lib/compile/encode.js";
import { group } from "../lib/compile/fuse.js";
import { collect } from "../lib/compile/graph.js";
import { type Group, type IR, lower, type Node } from "../lib/compile/ir.js";
import { type Place, type Plan, plan, type Step } from "../lib/compile/plan.js";
import { simplify } from "../lib/compile/simplify.js";
import { verifyGroups, verifyIR, verifyPlan } from "../lib/compile/verify.js";
import { Variable } from "../lib/tensor.js";
import { sample } from "./helpers.js";

/** x·w summed beside an update of w: two groups, a reduction and a write in place. */
function compiled(): { ir: IR; groups: Group[]; planned: Plan } {
  const [x, w] = [sample(1, [4, 4]), new Variable(sample(2, [4, 4]))];
  const y = x.mul(w).exp();
  const ir = simplify(
    lower(collect({ outputs: [y.sum({ axes: 0 }).neg(), y], effects: [{ variable: w, value: w.sub(y) }] })),
  );
  const groups = group(ir, true);
  return { ir, groups, planned: plan(ir, groups, 2, true) };
}

const named = (ir: IR, name: string): Node => ir.nodes.find((node) => node.op.name === name) as Node;
const replaced = (ir: IR, name: string, change: Partial<Node>): IR => {
  const old = named(ir, name);
  const fresh = { ...old, ...change };
  return { ...ir, nodes: ir.nodes.map((node) => (node === old ? fresh : node)) };
};

it("what the passes return is accepted", () => {
  const { ir, groups, planned } = compiled();
  expect(() => {
    verifyIR(ir, "simplify");
    verifyGroups(ir, groups, "fuse");
    verifyPlan(planned, ir);
  }).not.toThrow();
});

describe("a graph", () => {
  const broken: [string, (ir: IR) => IR, RegExp][] = [
    [
      "out of order",
      (ir) => ({ ...ir, nodes: [...ir.nodes].reverse() }),
      /^internal: pass: .* comes before its input /,
    ],
    [
      "with another shape than the op's rule gives",
      (ir) => replaced(ir, "exp", { shape: [4, 5] }),
      /^internal: pass: exp is f32\[4,5\], its rule says f32\[4,4\]/,
    ],
    [
      "with another dtype",
      (ir) => replaced(ir, "mul", { dtype: "i32" }),
      /^internal: pass: mul is i32\[4,4\], its rule says f32\[4,4\]/,
    ],
    [
      "with another axis",
      (ir) => replaced(ir, "sum", { shape: [4, 1] }),
      /^internal: pass: sum is f32\[4,1\], its rule says f32\[1,4\]/,
    ],
    [
      "that lacks an output",
      (ir) => ({ ...ir, nodes: ir.nodes.filter((node) => node.op.name !== "neg") }),
      /^internal: pass: an output \(neg\) is missing/,
    ],
    [
      "that lacks a written value",
      (ir) => ({ ...ir, effects: [{ leaf: ir.effects[0].leaf, value: { ...named(ir, "sub") } }] }),
      /^internal: pass: an output \(sub\) is missing/,
    ],
    [
      "that lacks an input",
      (ir) => ({ ...ir, nodes: ir.nodes.filter((node) => node.op.name !== "constant") }),
      /^internal: pass: mul comes before its input constant/,
    ],
  ];
  it.each(broken)("%s", (_name, breakIt, message) => {
    expect(() => verifyIR(breakIt(compiled().ir), "pass")).toThrow(message);
  });
});

describe("groups", () => {
  const broken: [string, (groups: Group[], ir: IR) => Group[], RegExp][] = [
    ["in the wrong order", (g) => [...g].reverse(), /^internal: fuse: \w+ reads \w+ before it is computed/],
    ["that compute a node twice", (g) => [...g, g[0]], /^internal: fuse: \w+ is in two groups/],
    [
      "that leave out an output",
      (g) => g.filter(({ members }) => !members.some((m) => m.op.name === "neg")),
      /^internal: fuse: neg is never computed/,
    ],
    [
      "of different shapes",
      (g) => [{ ...g[0], members: [...g[0].members, g[1].members[0]] }],
      /^internal: fuse: \w+ differs in shape from its group/,
    ],
  ];
  it.each(broken)("%s", (_name, breakIt, message) => {
    const { ir, groups } = compiled();
    expect(groups.length).toBeGreaterThan(1);
    expect(() => verifyGroups(ir, breakIt(groups, ir), "fuse")).toThrow(message);
  });
});

describe("a plan", () => {
  const moved = (planned: Plan, change: (place: Place, step: number) => Place): Plan => ({
    ...planned,
    steps: planned.steps.map((step, at): Step => ({ ...step, to: step.to.map((place) => change(place, at)) }) as Step),
  });
  it("that runs past its arena", () => {
    const { ir, planned } = compiled();
    const far = moved(planned, (p) => (p.kind === "arena" ? { ...p, at: planned.arenaBytes } : p));
    expect(() => verifyPlan(far, ir)).toThrow(/^internal: plan: \w+ ends at \d+ of \d+ bytes/);
  });

  it("that overwrites a block before it is read", () => {
    const x = sample(1, [64]);
    const sums = [x.exp().sum({ keepDims: true }), x.neg().exp().sum({ keepDims: true })];
    const ir = lower(collect({ outputs: [sums[0].add(sums[1])] }));
    const planned = plan(ir, group(ir, true), 1, false);
    expect(() => verifyPlan(planned, ir)).not.toThrow();
    const shared = moved(planned, (p) => (p.kind === "arena" ? { ...p, at: 0 } : p));
    expect(() => verifyPlan(shared, ir)).toThrow(/^internal: plan: the block of \w+ is overwritten before it is read/);
  });

  it("that writes a variable while its old value is still wanted", () => {
    const w = new Variable(sample(2, [4]));
    const ir = lower(collect({ outputs: [w.mul(3)], effects: [{ variable: w, value: w.add(1) }] }));
    const planned = plan(ir, group(ir, false), 1, true);
    expect(planned.steps).toHaveLength(2);
    expect(() => verifyPlan({ ...planned, steps: [...planned.steps].reverse() }, ir)).toThrow(
      /^internal: plan: the block of variable is overwritten/,
    );
  });

  it("that leaves a variable without its new value", () => {
    const { ir, planned } = compiled();
    const steps = planned.steps.filter((step) => !step.to.some((p) => p.kind === "slot" && planned.written.has(p.at)));
    expect(steps.length).toBeLessThan(planned.steps.length);
    expect(() => verifyPlan({ ...planned, steps }, ir)).toThrow(
      /^internal: plan: a variable does not end with its new value/,
    );
  });

  it("that leaves an output without its value", () => {
    const { ir, planned } = compiled();
    for (const at of [2, 3]) {
      const steps = planned.steps.filter((step) => !step.to.some((p) => p.kind === "slot" && p.at === at));
      expect(steps.length).toBeLessThan(planned.steps.length);
      expect(() => verifyPlan({ ...planned, steps }, ir)).toThrow(/^internal: plan: /);
    }
    const early = moved(planned, (p) => (p.kind === "slot" && p.at === 2 ? { ...p, at: 9 } : p));
    expect(() => verifyPlan(early, ir)).toThrow(/^internal: plan: output 0 does not end with its value/);
  });

  it("that copies from an empty block", () => {
    const { ir, planned } = compiled();
    const empty: Place = { kind: "arena", at: 1 << 20, dtype: "f32", count: 1 };
    expect(() => verifyPlan({ ...planned, steps: [{ from: [empty], to: [empty] }, ...planned.steps] }, ir)).toThrow(
      /^internal: plan: a copy reads an empty block/,
    );
  });
});

it("an op that the addon does not have is named", () => {
  const { planned } = compiled();
  const known = (name: string): number => {
    if (name === "exp") throw new Error(`no ${name}`);
    return 0;
  };
  const opcodes: Opcodes = { kernel: known, map: known, reduce: known };
  expect(() => encode(planned, [], opcodes)).toThrow("no exp");
});
