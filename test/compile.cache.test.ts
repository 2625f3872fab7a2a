/** Which graphs share a program, and the warning about one that never does. */
import { afterEach, describe, expect, it } from "vitest";
import { collect, type Graph, linesOf } from "../lib/compile/graph.js";
import { configurePasses } from "../lib/compile/index.js";
import * as ops from "../lib/ops/index.js";
import { ProgramCache } from "../lib/run/cache.js";
import { type Tensor, Variable } from "../lib/tensor.js";
import { run, sample } from "./helpers.js";

const { tensor } = ops;
const x = (): Tensor => tensor([1, 2, 3]);
const graph = (...outputs: Tensor[]): Graph => collect({ outputs });

afterEach(() => {
  configurePasses({ fuse: true, simplify: true, reuse: true });
});

/** How many programs a cache makes for graphs. */
function programs(graphs: readonly Graph[], cache = new ProgramCache<number>()): number {
  let made = 0;
  for (const g of graphs) cache.get(g, () => made++);
  return made;
}

describe("one program serves", () => {
  const equal: [string, () => Graph][] = [
    ["the same graph over other data", () => graph(tensor([Math.random(), 2, 3]).square().sum())],
    [
      "the same graph over variables of other names",
      () => graph(new Variable(x(), { label: String(Math.random()) }).mul(2)),
    ],
    ["draws of different streams", () => graph(ops.randn([3]).mul(2))],
    ["feeds of other values", () => graph(ops.feed(() => [Math.random()], [1]).mul(x()))],
    ["custom gradients of other functions", () => graph(ops.customGradient(x().exp(), [x()], (g) => [g]))],
    [
      "a graph that other nodes were made around",
      () => {
        x().exp();
        return graph(x().neg());
      },
    ],
  ];
  it.each(equal)("%s", (_name, make) => {
    expect(programs([make(), make(), make()])).toBe(1);
  });
});

describe("programs differ by", () => {
  const y = x();
  const [a, b] = [new Variable(x()), new Variable(x())];
  const z = y.mul(2);
  const [v, w] = [new Variable(x()), new Variable(x())];
  const different: [string, Graph, Graph][] = [
    ["the sign of zero in a literal", graph(x().add(0)), graph(x().add(-0))],
    ["infinity and NaN in a literal", graph(x().add(Infinity)), graph(x().add(Number.NaN))],
    ["infinities of both signs", graph(x().add(Infinity)), graph(x().add(-Infinity))],
    ["literals close to each other", graph(x().add(0.1)), graph(x().add(0.1 + 2 ** -56))],
    ["the dtype of a literal", graph(ops.full([2], 1)), graph(ops.full([2], 1, "i32"))],
    ["shapes", graph(x().exp()), graph(tensor([1, 2, 3, 4]).exp())],
    ["shapes of equal size", graph(ops.zeros([2, 3])), graph(ops.zeros([3, 2]))],
    ["dtypes", graph(x().neg()), graph(tensor([1, 2, 3], [3], "i32").neg())],
    ["ops", graph(x().exp()), graph(x().expm1())],
    ["the order of operands", graph(y.sub(z)), graph(z.sub(y))],
    ["an operand shared or not", graph(y.add(y)), graph(x().add(x()))],
    ["the order of outputs", graph(y, z), graph(z, y)],
    ["the number of outputs", graph(z), graph(z, z)],
    ["an output that is a leaf", graph(z), graph(z, y)],
    [
      "which variable is written",
      collect({ outputs: [a.add(b)], effects: [{ variable: a, value: a.neg() }] }),
      collect({ outputs: [v.add(w)], effects: [{ variable: w, value: v.neg() }] }),
    ],
    [
      "whether anything is written",
      collect({ outputs: [a.add(b)], effects: [] }),
      collect({ outputs: [v.add(w)], effects: [{ variable: v, value: v }] }),
    ],
    ["axes", graph(ops.zeros([2, 2, 2]).permute([0, 2, 1])), graph(ops.zeros([2, 2, 2]).permute([1, 0, 2]))],
    ["bounds", graph(x().slice([0, 2])), graph(x().slice([1, 3]))],
    ["padding values", graph(x().pad([[1, 1]], 0)), graph(x().pad([[1, 1]], 1))],
    ["distributions", graph(ops.rand([3])), graph(ops.randn([3]))],
  ];
  it.each(different)("%s", (_name, one, other) => {
    expect(linesOf(one)).not.toEqual(linesOf(other));
    expect(programs([one, other, one, other])).toBe(2);
  });

  it("more than their hash", () => {
    const alike = (): ProgramCache<number> => new ProgramCache(() => 0);
    const graphs = [x().exp(), x().sin(), x().cos(), x().tanh()].map((y) => graph(y));
    expect(programs([...graphs, ...graphs], alike())).toBe(4);
    expect(programs([...graphs, graph(x()), ...graphs.slice(1), graphs[0]], alike())).toBe(6); // four are kept
  });

  it("the passes in force", () => {
    const cache = new ProgramCache<number>();
    let made = 0;
    const g = graph(x().exp());
    for (const fuse of [true, false, true, false]) {
      configurePasses({ fuse });
      cache.get(g, () => made++);
    }
    expect(made).toBe(2);
  });
});

describe("nodes are in the order in which they were made", () => {
  it.each([0, 2 ** 33, 2 ** 40])("from tensor %d on", (first) => {
    const made = [x()];
    for (let i = 0; i < 40; i++) made.push(i % 3 ? made[i].mul(2) : made[i].add(made[i >> 1]));
    for (const node of graph(made[40]).nodes) Object.defineProperty(node, "id", { value: node.id + first });
    const ids = graph(made[40], made[7]).nodes.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(40);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });
});

it("a tensor that was frozen is read as others are", async () => {
  const y = x().mul(2);
  Object.freeze(y);
  expect([...(await y.data())]).toEqual([2, 4, 6]);
  expect([...(await y.add(y).data())]).toEqual([4, 8, 12]);
});

describe("equal programs do not mix up data", () => {
  it("of constants that two graphs hold", async () => {
    const [one, two] = await Promise.all(
      [1, 2].map((n) => run("native", { outputs: [tensor([n, n]).mul(10), tensor([n])] })),
    );
    expect([one, two].map(([y, c]) => [...y, ...c])).toEqual([
      [10, 10, 1],
      [20, 20, 2],
    ]);
  });

  it("of a constant that equals another", async () => {
    const [p, q] = [sample(1, [7]), sample(2, [7])];
    const [twice, once] = await run("native", { outputs: [p.exp().add(q.exp()), p.exp().add(p.exp())] });
    expect(twice).not.toEqual(once);
  });
});

describe("a graph that never repeats", () => {
  /** Warnings that making graphs gives rise to. */
  async function warnings(make: (k: number) => Graph, times: number): Promise<string[]> {
    const seen: string[] = [];
    const listen = (warning: Error & { code?: string }): void => {
      if (warning.code === "EVENGRAD_RECOMPILE") seen.push(warning.message);
    };
    process.on("warning", listen);
    const cache = new ProgramCache<number>();
    for (let k = 0; k < times; k++) cache.get(make(k), () => k);
    await new Promise(setImmediate);
    process.off("warning", listen);
    return seen;
  }

  it("is named once, with the number that changes", async () => {
    const seen = await warnings(
      (k) =>
        graph(
          x()
            .mul(k + 0.5)
            .sum(),
        ),
      200,
    );
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatch(
      /^the same graph was compiled 64 times because a part of it changes: "scalar \{value=62\.5 dtype=f32\}/,
    );
    expect(seen[0]).toMatch(
      /became "scalar \{value=63\.5 dtype=f32\} f32\[\]"\. Give numbers that change as tensors \(tensor\(x\)\)/,
    );
  });

  it("is named with the shape that changes", async () => {
    const seen = await warnings((k) => graph(ops.tensor(new Float32Array(k + 1)).exp()), 70);
    expect(seen[0]).toMatch(/"constant f32\[63\]" became "constant f32\[64\]".* keep shapes the same/);
  });

  it("is not confused with different graphs, each compiled once or a few times", async () => {
    const growing: Tensor[] = [x()];
    while (growing.length < 100) growing.push(growing[growing.length - 1].neg());
    expect(await warnings((k) => graph(growing[k]), 100)).toEqual([]);
    expect(await warnings((k) => graph(x().mul(k % 3)), 500)).toEqual([]);
  });

  it("keeps memory bounded: old programs are dropped, the latest used stay", () => {
    const cache = new ProgramCache<number>();
    const g = graph(x().cos());
    const unused = graph(x().sin());
    let made = 0;
    let again = 0;
    cache.get(unused, () => again++);
    cache.get(g, () => made++);
    for (let k = 0; k < 1000; k++) {
      cache.get(graph(x().mul(k)), () => k);
      cache.get(g, () => made++);
    }
    cache.get(unused, () => again++);
    expect([made, again]).toEqual([1, 2]);
  });
});
