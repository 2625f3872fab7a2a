/** Products and transposes that simplify rewrites into each other, among reshapes by axes of 1. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { collect } from "../lib/compile/graph.js";
import { configurePasses } from "../lib/compile/index.js";
import { lower } from "../lib/compile/ir.js";
import { simplify } from "../lib/compile/simplify.js";
import { verifyIR } from "../lib/compile/verify.js";
import type { Tensor } from "../lib/tensor.js";
import { inDouble, mismatches, run, sample } from "./helpers.js";

afterEach(() => {
  configurePasses({ simplify: true });
});

/** Whole numbers: products of a few are exact. */
const whole = (seed: number, shape: number[]): Tensor => sample(seed, shape, [-2, 3]).floor();

async function wrong(outputs: readonly Tensor[]): Promise<string[]> {
  const oracle = inDouble(outputs);
  const found: string[] = [];
  for (const on of [false, true]) {
    configurePasses({ simplify: on });
    for (const [i, values] of (await run("native", { outputs })).entries()) {
      const bounds = 1e-6 * oracle[i].reduce((top, x) => Math.max(top, Math.abs(x)), 0);
      found.push(
        ...mismatches(values, oracle[i], { ulps: 0, bounds, zeros: true }).map(
          (m) => `simplify ${on}, output ${i} [${outputs[i].shape}]${m}`,
        ),
      );
    }
  }
  return found;
}

const opsLeft = (t: Tensor): string[] => {
  const ir = simplify(lower(collect({ outputs: [t] })));
  verifyIR(ir, "simplify");
  return ir.nodes.filter((node) => node.op.kind === "kernel").map((node) => node.op.name);
};

describe("a transpose", () => {
  const [a, b, z] = [whole(1, [3, 4]), whole(2, [5, 4]), whole(3, [2, 5, 4])];
  const folded: [string, Tensor][] = [
    ["of the right operand", a.matmul(b.transpose())],
    ["of the left operand", a.transpose().matmul(whole(4, [3, 5]))],
    ["of both", a.transpose().matmul(whole(5, [5, 3]).transpose())],
    [
      "of a transpose",
      a
        .transpose()
        .transpose()
        .matmul(whole(6, [4, 5])),
    ],
    ["of the product", a.matmul(b.transpose()).transpose()],
    ["of a batch", a.matmul(z.transpose())],
    ["of a batch of products", a.matmul(z.transpose()).transpose()],
    [
      "behind an axis of 1",
      a
        .unsqueeze(0)
        .transpose()
        .squeeze(0)
        .matmul(whole(7, [3, 2])),
    ],
    [
      "of a row",
      whole(8, [1, 4])
        .transpose()
        .matmul(whole(9, [1, 4])),
    ],
  ];
  it.each(folded)("%s goes into it", async (_name, y) => {
    expect(opsLeft(y)).toEqual(["matmul"]);
    expect(await wrong([y])).toEqual([]);
  });

  const kept: [string, Tensor][] = [
    ["of other axes than the last two", z.permute([1, 0, 2]).matmul(whole(1, [4, 2]))],
    ["of an elementwise value", a.neg().transpose().add(1)],
    ["of a batch of products that ran as one tall one", z.matmul(a.transpose()).transpose()],
  ];
  it.each(kept)("%s stays", async (_name, y) => {
    expect(opsLeft(y)).toContain("permute");
    expect(await wrong([y])).toEqual([]);
  });

  const p = a.matmul(b.transpose());
  const beside: [string, number, Tensor][] = [
    ["by another product", 2, p.matmul(p.transpose())],
    ["elementwise", 1, p.transpose().exp().sum().add(p.sum())],
  ];
  it.each(beside)("of a product that is read as it is, too, %s makes no second one", async (_name, products, y) => {
    expect(opsLeft(y).filter((op) => op === "matmul")).toHaveLength(products);
    expect(await wrong([p, y])).toEqual([]);
  });

  it("that is also an output is computed beside the product", async () => {
    const t = a.transpose();
    const p = t.matmul(a);
    expect(await wrong([t, p, p.transpose(), p.transpose().matmul(t)])).toEqual([]);
  });
});

it("random products, transposes and reshapes keep their values", async () => {
  const step = fc.record({ what: fc.nat(7), x: fc.nat(5), y: fc.nat(9), axis: fc.nat(3) });
  const recipe = fc.record({
    seed: fc.nat(99),
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
    steps: fc.array(step, { maxLength: 14 }),
  });
  await fc.assert(
    fc.asyncProperty(recipe, async ({ seed, sizes: [m, n, z], steps }) => {
      const values: Tensor[] = [
        whole(seed, [m, n]),
        whole(seed + 1, [n, m]),
        whole(seed + 2, [z, m, n]),
        whole(seed + 3, [m, m]),
      ];
      for (const { what, x, y, axis } of steps) {
        const [a, b] = [x, y].map((at) => values[Math.max(0, values.length - 1 - at)]);
        if (what < 2) values.push(a.transpose());
        else if (what === 2) values.push(a.rank < 5 ? a.unsqueeze(axis % a.rank) : a);
        else if (what === 3)
          values.push(
            a.shape[0] === 1 && a.rank > 2
              ? a.squeeze(0)
              : a.reshape([a.size / a.shape[a.rank - 1], a.shape[a.rank - 1]]),
          );
        else if (what === 4) values.push(a.permute(a.shape.map((_, i) => (i + axis) % a.rank)));
        else {
          const fits = a.shape[a.rank - 1] === b.shape[b.rank - 2] && (a.rank === 2 || b.rank === 2);
          values.push(fits ? a.matmul(b) : a.matmul(a.transpose()));
        }
        if (values[values.length - 1].size > 500) values.pop();
      }
      expect(await wrong(values.slice(-5))).toEqual([]);
    }),
    { numRuns: 300, seed: 4 },
  );
});
