/** Calls of one micro-program over several sets of buffers become one, with the same bits; what stays apart. */
import { afterEach, describe, expect, it } from "vitest";
import { batch } from "../lib/compile/batch.js";
import { group } from "../lib/compile/fuse.js";
import { collect, type Request } from "../lib/compile/graph.js";
import { compile, configurePasses } from "../lib/compile/index.js";
import { lower } from "../lib/compile/ir.js";
import { callsOf, type Plan, plan } from "../lib/compile/plan.js";
import { simplify } from "../lib/compile/simplify.js";
import { verifyPlan } from "../lib/compile/verify.js";
import * as nn from "../lib/nn/index.js";
import { tensor } from "../lib/ops/index.js";
import * as optim from "../lib/optim/index.js";
import { type Effect, type Tensor, Variable } from "../lib/tensor.js";
import { sample } from "./helpers.js";

afterEach(() => {
  configurePasses({ batch: true });
});

const opcodes = { kernel: () => 0, map: () => 0, reduce: () => 0 };

/** For each call of a program how many groups it runs. */
function counts(request: Request): number[] {
  const graph = collect(request);
  const ir = simplify(lower(graph));
  const planned = plan(ir, group(ir, true), graph.leaves.length, true);
  const batched = batch(planned);
  verifyPlan(batched, ir);
  return batched.steps.map((step) => callsOf(step).length);
}

const variables = (...shapes: number[][]): Variable[] => shapes.map((shape, i) => new Variable(sample(i, shape)));

/** Each variable's new value. */
const updates = (params: readonly Variable[], next: (p: Variable, i: number) => Tensor): Request => ({
  outputs: [],
  effects: params.map((variable, i): Effect => ({ variable, value: next(variable, i) })),
});

describe("one call", () => {
  const rate = new Variable(sample(9, []));
  it("updates variables of any shapes", () => {
    expect(counts(updates(variables([3, 4], [4], [2, 3, 2], [7]), (p) => p.sub(p.square().mul(rate))))).toEqual([4]);
  });

  it("computes values that nothing between them needs", () => {
    const [a, b] = [sample(1, [5]), sample(2, [3, 2])];
    expect(counts({ outputs: [a.mul(2).exp(), b.mul(2).exp()] })).toEqual([2]);
  });

  it.each([
    ["SGD", (p: Variable[]) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true })],
    ["Adam", (p: Variable[]) => new optim.Adam(p)],
    ["Lion", (p: Variable[]) => new optim.Lion(p)],
  ])("is the update of %s", (_name, make) => {
    const model = new nn.Sequential(new nn.Linear(4, 5), new nn.Tanh(), new nn.Linear(5, 3));
    const loss = model
      .forward(sample(1, [6, 4]))
      .square()
      .mean();
    const { effects } = make(model.parameters()).graph(loss, { clipGradNorm: 1 });
    expect(Math.max(...counts({ outputs: [], effects }))).toBe(4);
  });
});

describe("calls of their own", () => {
  const apart: [string, Request][] = [
    ["for other numbers", updates(variables([4], [4]), (p, i) => p.mul(i + 2))],
    ["for zeros of other signs", updates(variables([4], [4]), (p, i) => p.maximum(i ? 0 : -0))],
    ["for other operations", updates(variables([4], [4]), (p, i) => (i ? p.exp() : p.log()))],
    ["for other factors", updates(variables([4], [4]), (p, i) => p.mul(new Variable(sample(i, []))))],
    [
      "for other dtypes",
      updates([new Variable(tensor([1, 2])), new Variable(tensor([1, 2], [2], "i32"))], (p) => p.add(p)),
    ],
    [
      "for flags",
      updates(
        [1, 2].map(() => new Variable(tensor([1, 0], [2], "bool"))),
        (p) => p.logicalNot(),
      ),
    ],
    ["for single numbers", updates(variables([1], [1]), (p) => p.mul(3))],
    ["for rows that are repeated", updates(variables([2, 3], [4, 3]), (p) => p.mul(sample(5, [3])))],
  ];
  it.each(apart)("%s", (_name, request) => {
    expect(counts(request)).toEqual([1, 1]);
  });

  it("for what reads the one before", () => {
    const x = sample(1, [4]);
    const y = x.exp();
    const sums = y.reshape([2, 2]).exp();
    expect(counts({ outputs: [y, sums] })).toEqual([1, 1]);
  });

  it("with the pass off", () => {
    configurePasses({ batch: false });
    const request = updates(variables([4], [5]), (p) => p.mul(3));
    expect(compile(collect(request), opcodes).labels).toHaveLength(2);
    configurePasses({ batch: true });
    expect(compile(collect(request), opcodes).labels).toHaveLength(1);
  });
});

it("the verifier refuses calls in one that disturb each other", () => {
  const x = sample(1, [4]);
  const y = x.exp();
  const graph = collect({ outputs: [y, y.reshape([2, 2]).exp()] });
  const ir = lower(graph);
  const planned = plan(ir, group(ir, true), graph.leaves.length, true);
  const [first, second] = planned.steps.flatMap(callsOf);
  const joined = (step: typeof first, other: typeof first): Plan => ({
    ...planned,
    steps: [{ ...step, others: [other] }],
  });
  for (const wrong of [joined(first, second), joined(second, first)]) {
    expect(() => verifyPlan(wrong, ir)).toThrow(/^internal: plan: the block of exp is overwritten before it is read/);
  }
});

it("training has the same bits with the pass off", async () => {
  const trained = async (on: boolean, make: (p: Variable[]) => optim.Optimizer): Promise<Float32Array[]> => {
    configurePasses({ batch: on });
    const layers = [new nn.Linear(6, 200), new nn.BatchNorm(200), new nn.ReLU(), new nn.Linear(200, 1)];
    const model = new nn.Sequential(...layers);
    for (const [i, p] of model.parameters().entries()) p.initial = sample(i, p.shape);
    const optimizer = make(model.parameters());
    for (let step = 0; step < 3; step++) {
      const loss = model
        .forward(sample(step, [8, 6]))
        .square()
        .mean();
      await optimizer.step(loss, { clipGradNorm: 0.5, nonFinite: "skip" });
    }
    return Promise.all(model.parameters().map((p) => p.data()));
  };
  for (const make of [
    (p: Variable[]) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }),
    (p: Variable[]) => new optim.AdamW(p, { lr: 0.01 }),
  ]) {
    expect(await trained(true, make)).toEqual(await trained(false, make));
  }
});
