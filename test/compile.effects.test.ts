/** Writes of variables: what a run returns and leaves behind, under every combination of passes. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { collect, type Request } from "../lib/compile/graph.js";
import { configurePasses } from "../lib/compile/index.js";
import type { TypedArray } from "../lib/dtype.js";
import * as ops from "../lib/ops/index.js";
import { initialize } from "../lib/run/index.js";
import { type Effect, type Tensor, Variable } from "../lib/tensor.js";
import { type ExecutorName, executorOf, executors, inSingle, mismatches, sample } from "./helpers.js";
import { build, outputsOf, recipes } from "./randomGraph.js";

const switches = [false, true];
const combinations = switches.flatMap((fuse) =>
  switches.flatMap((simplify) => switches.map((reuse) => ({ fuse, simplify, reuse }))),
);

afterEach(() => {
  configurePasses({ fuse: true, simplify: true, reuse: true, verify: true });
});

type Given = () => { variables: Variable[]; outputs?: Tensor[]; effects?: [Variable, Tensor][] };

const variable = (seed: number, shape: number[] = [5, 5]): Variable =>
  new Variable(sample(seed, shape), { label: `v${seed}` });
const effectsOf = (pairs: [Variable, Tensor][] = []): Effect[] => pairs.map(([v, value]) => ({ variable: v, value }));

/** What steps of a request return and leave behind, by an interpreter that writes after it has read everything. */
function byHand(
  request: Request,
  variables: readonly Variable[],
  steps: number,
): { rows: number[][]; left: number[][] } {
  const saved = variables.map((v) => v.storage as TypedArray);
  const { effects } = collect(request);
  for (const v of variables) v.storage = (v.storage as TypedArray).slice() as TypedArray;
  const rows: number[][] = request.outputs.map(() => []);
  for (let step = 0; step < steps; step++) {
    const values = inSingle([...request.outputs, ...effects.map((e) => e.value)]);
    for (const [i, row] of rows.entries()) row.push(...values[i]);
    for (const [i, { variable: v }] of effects.entries()) v.storage?.set(values[rows.length + i]);
  }
  const left = variables.map((v) => [...(v.storage as TypedArray)]);
  for (const [i, v] of variables.entries()) v.storage = saved[i];
  return { rows, left };
}

/** Where an executor leaves the interpreter; every way starts from the same values. */
async function wrong(
  name: ExecutorName,
  { variables, outputs = [], effects }: ReturnType<Given>,
  steps = 3,
): Promise<string[]> {
  const request = { outputs, effects: effectsOf(effects) };
  const graph = collect(request);
  await initialize(variables);
  const first = variables.map((v) => (v.storage as TypedArray).slice());
  const want = byHand(request, variables, steps);
  const found: string[] = [];
  const bounds = name === "native" ? 0 : 1e-3; // the reference rounds once a step, at its end
  for (const passes of name === "native" ? combinations : [{}]) {
    configurePasses(passes);
    for (const [i, v] of variables.entries()) v.storage?.set(first[i]);
    const { outputs: rows } = await executorOf(name).prepare(graph).run({ steps });
    const places = [
      ...rows.flatMap((row, i) => mismatches(row, want.rows[i], { ulps: 0, bounds }).map((m) => `output ${i}${m}`)),
      ...variables.flatMap((v, i) =>
        mismatches(v.storage as TypedArray, want.left[i], { ulps: 0, bounds }).map((m) => `${v.label}${m}`),
      ),
    ];
    found.push(...places.map((m) => `${JSON.stringify(passes)} ${m}`));
  }
  return found;
}

const cases: [string, Given][] = [
  [
    "a step, its new value and its old one",
    () => {
      const w = variable(1);
      const next = w.sub(w.square().mul(0.1));
      return { variables: [w], outputs: [w, next, w.mul(2)], effects: [[w, next]] };
    },
  ],
  [
    "a step alone",
    () => {
      const w = variable(1);
      return { variables: [w], effects: [[w, w.mul(0.5)]] };
    },
  ],
  [
    "a variable that keeps its value",
    () => {
      const w = variable(1);
      return { variables: [w], outputs: [w.neg()], effects: [[w, w]] };
    },
  ],
  [
    "one that takes its own values reshaped, turned or flipped",
    () => {
      const [a, b, c] = [variable(1), variable(2), variable(3)];
      return {
        variables: [a, b, c],
        effects: [
          [a, a.transpose()],
          [b, b.flip([0, 1])],
          [c, c.reshape([25]).reshape([5, 5])],
        ],
      };
    },
  ],
  [
    "one that reads itself at other places than it writes",
    () => {
      const [a, b, c] = [variable(1), variable(2), variable(3)];
      return {
        variables: [a, b, c],
        effects: [
          [a, a.sub(a.max({ axes: 0, keepDims: true }))],
          [b, b.add(b.slice([0, 1]))],
          [c, c.add(c.transpose()).mul(c.reshape([1, 25]).slice(0, [3, 8]))],
        ],
      };
    },
  ],
  [
    "two that exchange their values",
    () => {
      const [a, b] = [variable(1), variable(2)];
      return {
        variables: [a, b],
        outputs: [a, b],
        effects: [
          [a, b],
          [b, a],
        ],
      };
    },
  ],
  [
    "three in a ring, turned",
    () => {
      const [a, b, c] = [variable(1), variable(2), variable(3)];
      return {
        variables: [a, b, c],
        effects: [
          [a, b],
          [b, c.transpose()],
          [c, a],
        ],
      };
    },
  ],
  [
    "one that follows another that steps",
    () => {
      const [w, target] = [variable(1), variable(2)];
      return {
        variables: [w, target],
        outputs: [target],
        effects: [
          [target, w],
          [w, w.mul(0.5).add(target)],
        ],
      };
    },
  ],
  [
    "one that takes a reshaped old value of another that steps",
    () => {
      const [w, target] = [variable(1), variable(2, [25])];
      return {
        variables: [w, target],
        effects: [
          [target, w.reshape([25])],
          [w, w.add(1)],
        ],
      };
    },
  ],
  [
    "two that step by each other's old value",
    () => {
      const [a, b] = [variable(1), variable(2)];
      return {
        variables: [a, b],
        effects: [
          [a, b.mul(2)],
          [b, a.add(1)],
        ],
      };
    },
  ],
  [
    "two of one new value, which is an output twice",
    () => {
      const [a, b] = [variable(1), variable(2)];
      const next = a.add(b);
      return {
        variables: [a, b],
        outputs: [next, next, next.reshape([25])],
        effects: [
          [a, next],
          [b, next],
        ],
      };
    },
  ],
  [
    "new values that are constants, literals and parts",
    () => {
      const [a, b, c] = [variable(1), variable(2), variable(3, [5])];
      return {
        variables: [a, b, c],
        outputs: [c],
        effects: [
          [a, sample(9, [5, 5])],
          [b, ops.zeros([5, 5])],
          [c, a.slice(2)],
        ],
      };
    },
  ],
  [
    "a small one read by a wide step, and the other way",
    () => {
      const [w, s] = [variable(1, [33, 17]), variable(2, [17])];
      return {
        variables: [w, s],
        outputs: [w.max()],
        effects: [
          [w, w.mul(s)],
          [s, s.add(w.max({ axes: 0 }))],
        ],
      };
    },
  ],
  [
    "a scalar counter and integers",
    () => {
      const n = new Variable(ops.tensor(0, [], "i32"), { label: "n" });
      const flags = new Variable(ops.tensor([true, false, true]), { label: "flags" });
      const w = variable(1, [3]);
      return {
        variables: [n, flags, w],
        outputs: [n, flags],
        effects: [
          [n, n.add(1)],
          [flags, flags.logicalNot()],
          [w, flags.where(w, n.cast("f32"))],
        ],
      };
    },
  ],
  [
    "an empty one",
    () => {
      const w = variable(1, [0, 3]);
      return { variables: [w], outputs: [w], effects: [[w, w.add(1)]] };
    },
  ],
  [
    "effects that ride on a node deep inside",
    () => {
      const [w, statistic] = [variable(1), variable(2, [5])];
      const mean = w.max({ axes: 0 });
      mean.effects = [{ variable: statistic, value: statistic.mul(0.5).add(mean) }];
      return { variables: [w, statistic], outputs: [w.sub(mean).square().max()], effects: [[w, w.mul(0.5)]] };
    },
  ],
];

describe.each(executors)("%s", (name) => {
  it.each(cases)("%s", async (_title, given) => {
    expect(await wrong(name, given())).toEqual([]);
  });
});

it("random graphs over variables that take random values of them", async () => {
  const wanted = fc.tuple(recipes(25), fc.array(fc.tuple(fc.nat(2), fc.nat(60)), { minLength: 1, maxLength: 4 }));
  await fc.assert(
    fc.asyncProperty(wanted, async ([recipe, writes]) => {
      const variables = [variable(1, [6, 4]), variable(2, [4]), variable(3, [6, 4])];
      const values = build(recipe, variables, true);
      const effects = new Map<Variable, Tensor>();
      for (const [which, at] of writes) {
        const v = variables[which];
        const fit = values.filter((t) => t.size === v.size);
        effects.set(v, fit[fit.length - 1 - (at % fit.length)].reshape(v.shape).cast("f32"));
      }
      const outputs = outputsOf(recipe, values);
      expect(await wrong("native", { variables, outputs, effects: [...effects] }, 2)).toEqual([]);
    }),
    { numRuns: 200, seed: 3 },
  );
});

describe("effects", () => {
  it("of what is not asked for do not happen", async () => {
    const [w, s] = [variable(1), variable(2)];
    const y = w.mul(2);
    y.effects = [{ variable: s, value: w }];
    await initialize([w, s]);
    const before = (s.storage as TypedArray).slice();
    for (const name of executors) {
      await executorOf(name)
        .prepare(collect({ outputs: [w.mul(3)] }))
        .run();
      expect(s.storage).toEqual(before);
    }
  });

  it("of another shape or dtype than the variable's are refused", () => {
    const w = variable(1, [5]);
    const give = (value: Tensor) => () => collect({ outputs: [], effects: [{ variable: w, value }] });
    expect(give(ops.zeros([4]))).toThrow(
      /^run: variable v1 must be given values of its own kind f32\[5\], got f32\[4\]/,
    );
    expect(give(ops.zeros([5], "i32"))).toThrow(/^run: variable v1 .* got i32\[5\]/);
    expect(give(ops.zeros([5, 1]))).toThrow(/^run: variable v1 .* got f32\[5,1\]/);
    expect(give(ops.zeros([5]))).not.toThrow();
  });

  it("of one variable: the latest made counts", async () => {
    for (const name of executors) {
      const w = variable(1, [1]);
      const [first, second] = [w.mul(0), w.mul(0).add(7)];
      await initialize([w]);
      await executorOf(name)
        .prepare(
          collect({
            outputs: [],
            effects: effectsOf([
              [w, second],
              [w, first],
            ]),
          }),
        )
        .run();
      expect(w.storage?.[0]).toBe(7);
    }
  });
});
