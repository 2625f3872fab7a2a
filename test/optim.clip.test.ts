/** Clipping at every size of gradient, and what happens to steps that are not finite. */
import { beforeAll, describe, expect, test } from "vitest";
import * as nn from "../lib/nn/index.js";
import { tensor } from "../lib/ops/index.js";
import * as optim from "../lib/optim/index.js";
import { read, useExecutor } from "../lib/run/index.js";
import { type Tensor, Variable } from "../lib/tensor.js";
import { executors } from "./helpers.js";
import { classes, network, parameter, rejection, valuesOf, withGradient } from "./training.js";

/** What SGD with rate 1 takes off parameters that began as 0, given their gradients. */
async function moves(gradients: readonly (readonly number[])[], options: optim.StepOptions) {
  const params = gradients.map((g, i) =>
    parameter(
      g.map(() => 0),
      `p${i}`,
    ),
  );
  const loss = params.map((p, i) => withGradient(p, gradients[i])).reduce((a, b) => a.add(b));
  const result = await new optim.SGD(params, { lr: 1 }).step(loss, options);
  const values = await read(params);
  return { ...result, moves: values.map((v) => Array.from(v, (x) => 0 - x)) };
}

const near = (rows: readonly (readonly number[])[]) => rows.map((row) => row.map((x) => expect.closeTo(x, 6)));

describe.each(executors)("%s", (executor) => {
  beforeAll(() => useExecutor(executor));

  describe("clipping", () => {
    test("by unit, relative to the unit's weights", async () => {
      const weight = new Variable(
        tensor([
          [3, 4],
          [0, 0],
          [6, 8],
        ]),
        { label: "w" },
      );
      const bias = parameter([0, 2], "b");
      const gradient = tensor([
        [0, 10],
        [0, 1],
        [0.03, 0.04],
      ]);
      const loss = gradient
        .mul(weight)
        .sum()
        .add(withGradient(bias, [3, 4]));
      const { gradNorm } = await new optim.SGD([weight, bias], { lr: 1 }).step(loss, { clipUnitRatio: 0.1 });
      const [got, b] = await read([weight, bias]);
      // Norms of units are 5, 0 (which counts as 0.001) and 10: gradients of at most 0.5, 0.0001 and 1; the bias's is 0.2.
      expect([...got]).toEqual([3, 3.5, 0, -1e-4, 5.97, 7.96].map((x) => expect.closeTo(x, 6)));
      expect([...b]).toEqual([-0.12, 1.84].map((x) => expect.closeTo(x, 6)));
      expect(gradNorm).toBeCloseTo(Math.hypot(10, 1, 0.05, 5), 5);
    });

    test("by the joint norm keeps the direction", async () => {
      const { moves: got, gradNorm } = await moves(
        [
          [3, 0],
          [0, 4],
        ],
        { clipGradNorm: 1 },
      );
      expect(gradNorm).toBe(5);
      expect(got).toEqual(
        near([
          [0.6, 0],
          [0, 0.8],
        ]),
      );
      expect(
        (
          await moves(
            [
              [3, 0],
              [0, 4],
            ],
            { clipGradNorm: 5 },
          )
        ).moves,
      ).toEqual([
        [3, 0],
        [0, 4],
      ]);
      expect((await moves([[0, 0]], { clipGradNorm: 1 })).moves).toEqual([[0, 0]]);
    });

    test("by each layer's norm", async () => {
      const { moves: got, gradNorm } = await moves(
        [
          [3, 4],
          [0, 0.5],
        ],
        { clipLayerNorm: 1 },
      );
      expect(gradNorm).toBeCloseTo(Math.hypot(5, 0.5), 5);
      expect(got).toEqual(
        near([
          [0.6, 0.8],
          [0, 0.5],
        ]),
      );
    });

    test("by value", async () => {
      expect(
        (
          await moves(
            [
              [3, -4],
              [0.25, -0.25],
            ],
            { clipGradValue: 0.5 },
          )
        ).moves,
      ).toEqual([
        [0.5, -0.5],
        [0.25, -0.25],
      ]);
    });

    test("by value, then layer, then all together", async () => {
      const all = { clipGradValue: 4, clipLayerNorm: 2.5, clipGradNorm: 1 };
      // [4, 3] has norm 5 and becomes [2, 1.5]; with [0, 2] the joint norm is √10.25.
      const { moves: got, gradNorm } = await moves(
        [
          [9, 3],
          [0, 2],
        ],
        all,
      );
      expect(gradNorm).toBeCloseTo(Math.sqrt(94), 5);
      const norm = Math.sqrt(10.25);
      expect(got).toEqual(
        near([
          [2 / norm, 1.5 / norm],
          [0, 2 / norm],
        ]),
      );
    });

    test("of gradients whose joint norm does not fit in f32", async () => {
      const { moves: got, skipped } = await moves([[3e38], [3e38], [0]], { clipGradNorm: 1 });
      expect(skipped).toBe(false);
      expect(got.map(([x]) => x)).toEqual([Math.SQRT1_2, Math.SQRT1_2, 0].map((x) => expect.closeTo(x, 5)));
    });

    test.each([1e20, 3e37, 1e-20, 1e-25, 1e-37])(
      "of gradients around %g scales rather than loses them",
      async (size) => {
        const big = [
          [3 * size, 0],
          [0, 4 * size],
        ];
        const limit = size / 2;
        for (const options of [{ clipGradNorm: limit }, { clipLayerNorm: limit }, { clipGradNorm: 1 }]) {
          const { moves: got, gradNorm, skipped } = await moves(big, options);
          expect(skipped).toBe(false);
          expect(gradNorm / size).toBeCloseTo(5, 4);
          const want = options.clipLayerNorm
            ? [
                [limit, 0],
                [0, limit],
              ]
            : ((norm) => [
                [0.6 * norm, 0],
                [0, 0.8 * norm],
              ])(Math.min(options.clipGradNorm ?? 0, 5 * size));
          for (const [i, row] of want.entries()) {
            for (const [j, x] of row.entries()) expect(got[i][j] / (x || 1)).toBeCloseTo(x === 0 ? 0 : 1, 4);
          }
        }
      },
    );
  });

  describe("one NaN gradient", () => {
    /** A model and an optimizer with every kind of state, a sound loss, and one with a NaN gradient for 0.weight. */
    const start = () => {
      const model = network();
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
      const [batch] = classes(24).batches({ size: 24 });
      const loss = (): Tensor => nn.crossEntropy(model.forward(batch.x), batch.y);
      const [weight] = model.parameters();
      const poison = weight.slice(0, 0).mul(Number.NaN).sum();
      return { model, optimizer, loss, poisoned: () => loss().add(poison) };
    };

    test("skip leaves weights, moments and running statistics as they were", async () => {
      const { model, optimizer, loss, poisoned } = start();
      await optimizer.step(loss());
      const before = [await valuesOf(model), { ...(await valuesOf(optimizer)), steps: [2] }];
      const result = await optimizer.step(poisoned(), { nonFinite: "skip", clipGradNorm: 1 });
      expect(result).toMatchObject({ skipped: true, loss: Number.NaN, nonFinite: ["0.weight"] });
      expect([await valuesOf(model), await valuesOf(optimizer)]).toEqual(before);
      expect(await optimizer.step(loss(), { nonFinite: "skip" })).toMatchObject({ skipped: false, nonFinite: [] });
      expect(await valuesOf(model)).not.toEqual(before[0]);
    });

    test("throw too, with an error that names the parameter", async () => {
      const { model, optimizer, loss, poisoned } = start();
      await optimizer.step(loss());
      const before = [await valuesOf(model), await valuesOf(optimizer)];
      const error = await rejection(optimizer.step(poisoned(), { clipGradNorm: 1 }));
      expect(error.message).toBe(
        "optimizer.step: loss and gradients must be finite, got step 2 in which the loss is NaN, with gradients that are " +
          "not finite in 0.weight. The weights are as they were before it. Lower lr, clip with clipGradNorm, check the " +
          'data, or choose nonFinite: "skip". debugNonFinite() finds the op',
      );
      expect([await valuesOf(model), await valuesOf(optimizer)]).toEqual(before);
      expect(await optimizer.step(loss())).toMatchObject({ skipped: false });
      expect(optimizer.steps).toBe(2);
      expect(await valuesOf(model)).not.toEqual(before[0]);
    });

    test("zero counts its non-finite elements as 0", async () => {
      const gradients = [
        [Number.NaN, 3, Infinity],
        [4, 0, 0],
      ];
      const { moves: got, nonFinite, gradNorm, skipped } = await moves(gradients, { nonFinite: "zero" });
      expect({ got, nonFinite, gradNorm, skipped }).toEqual({
        got: [
          [0, 3, 0],
          [4, 0, 0],
        ],
        nonFinite: ["p0"],
        gradNorm: 5,
        skipped: false,
      });
      expect((await moves(gradients, { nonFinite: "zero", clipGradNorm: 1 })).moves).toEqual(
        near([
          [0, 0.6, 0],
          [0.8, 0, 0],
        ]),
      );
    });

    test("names at most four parameters", async () => {
      const params = [..."abcdef"].map((name) => parameter([1], name));
      const loss = params.map((p) => p.sum().mul(Infinity)).reduce((a, b) => a.add(b));
      const { message } = await rejection(new optim.SGD(params, { lr: 1 }).step(loss));
      expect(message).toContain("the loss is Infinity, with gradients that are not finite in a, b, c, d and 2 more.");
    });

    test("clipping by value hides an infinity from the update, not from the judge", async () => {
      const p = parameter([0, 1]);
      const root = p.sqrt().sum(); // is 1, and its gradient at 0 infinite
      const result = await new optim.SGD([p], { lr: 1 }).step(root, { clipGradValue: 1, nonFinite: "skip" });
      expect(result).toEqual({ loss: 1, gradNorm: Infinity, skipped: true, nonFinite: ["w"] });
      expect([...(await p.data())]).toEqual([0, 1]);
    });
  });

  describe("one finite gradient too large to square", () => {
    const adaptive: Readonly<Record<string, (p: readonly Variable[]) => optim.Optimizer>> = {
      RMSprop: (p) => new optim.RMSprop(p, { lr: 0.01 }),
      Adagrad: (p) => new optim.Adagrad(p, { lr: 0.01 }),
      Adam: (p) => new optim.Adam(p, { lr: 0.01 }),
      AdamW: (p) => new optim.AdamW(p, { lr: 0.01 }),
    };

    test.each(Object.keys(adaptive))("%s leaves the step out, names it, and moves again at the next", async (name) => {
      const [huge, fine] = [parameter([1, 2], "huge"), parameter([3], "fine")];
      const optimizer = adaptive[name]([huge, fine]);
      const step = (g: number, nonFinite: "skip" | "throw") =>
        optimizer.step(
          withGradient(huge, [g, 0])
            .mul(1)
            .add(withGradient(fine, [1])),
          { nonFinite },
        );
      const { message } = await rejection(step(1e21, "throw"));
      expect(message).toContain("got step 1 in which the gradient of huge is not finite or too large to square.");
      expect(await step(1e21, "skip")).toMatchObject({ skipped: true, nonFinite: ["huge"] });
      expect((await read([huge, fine])).map((v) => [...v])).toEqual([[1, 2], [3]]);
      expect(await step(1, "throw")).toMatchObject({ skipped: false, nonFinite: [] });
      const [[moved, still], [other]] = await read([huge, fine]);
      expect(moved).toBeLessThan(1);
      expect(still).toBeCloseTo(name === "AdamW" ? 2 * (1 - 0.01 * 0.01) : 2, 6);
      expect(other).toBeLessThan(3);
    });

    test("clipping makes it fit", async () => {
      const p = parameter([1]);
      const optimizer = new optim.Adam([p], { lr: 0.25 });
      expect(await optimizer.step(withGradient(p, [1e21]), { clipGradNorm: 1 })).toMatchObject({ skipped: false });
      expect(await p.item()).toBeCloseTo(0.75, 6);
    });

    test("optimizers that do not square take it", async () => {
      for (const make of [
        (p: Variable) => new optim.SGD([p], { lr: 1 }),
        (p: Variable) => new optim.Lion([p], { lr: 1 }),
      ]) {
        const p = parameter([0]);
        expect(await make(p).step(withGradient(p, [1e21]))).toMatchObject({ skipped: false });
        expect(await p.item()).toBeLessThan(0);
      }
    });
  });

  test("an infinite loss with finite gradients is left out, except under zero", async () => {
    const p = parameter([1]);
    const optimizer = new optim.SGD([p], { lr: 0.5 });
    const loss = withGradient(p, [1]).add(tensor(Infinity));
    expect((await rejection(optimizer.step(loss))).message).toContain("got step 1 in which the loss is Infinity.");
    expect(await optimizer.step(loss, { nonFinite: "skip" })).toMatchObject({ skipped: true, nonFinite: [] });
    expect(await p.item()).toBe(1);
    expect(await optimizer.step(loss, { nonFinite: "zero" })).toMatchObject({ skipped: false, loss: Infinity });
    expect(await p.item()).toBe(0.5);
  });
});
