/** What the doctor sees of the data before the first step: its order, its classes, and rows that are in both sets. */
import { describe, expect, test } from "vitest";
import { DataSet } from "../lib/data/index.js";
import { leakedShare } from "../lib/health/facts/leak.js";
import { spread } from "../lib/health/facts/sample.js";
import { checkup } from "../lib/health/index.js";
import * as nn from "../lib/nn/index.js";
import { randn, seed, tensor } from "../lib/ops/index.js";
import { SGD } from "../lib/optim/index.js";
import { fit } from "../lib/train/index.js";
import { data, stack } from "./training.js";

describe("a set in the order of its classes", () => {
  /** 3000 rows in three classes, one after the other. */
  async function sorted(): Promise<DataSet> {
    seed(4);
    const x = await randn([3000, 6]).data();
    const y = Int32Array.from({ length: 3000 }, (_, i) => Math.floor(i / 1000));
    for (const [row, k] of y.entries()) x[6 * row + k] += 2;
    return new DataSet(tensor(x, [3000, 6]), tensor(y, [3000], "i32"));
  }

  test("is looked at from all over", async () => {
    const set = await sorted();
    const model = stack(2);
    const options = { loss: nn.crossEntropy, optimizer: new SGD(model.parameters(), { lr: 0.1 }), batchSize: 32 };
    expect((await checkup(model, set, options)).findings).toEqual([]);
  });

  test.each(["suggest", "auto"] as const)("is no fault of a run, and nothing is repaired (%s)", async (repair) => {
    const set = await sorted();
    const model = stack(2);
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const { health } = await fit(model, set, { loss: nn.crossEntropy, optimizer, batchSize: 32, health: { repair } });
    expect(health).toMatchObject({ verdict: "healthy", findings: [], repairs: [] });
  });

  test.each([
    [true, 32, undefined],
    [false, 32, "fault"],
    [false, 1500, "warning"],
    [false, 3000, undefined],
  ] as const)("with shuffle: %s and batches of %i: %s", async (shuffle, batchSize, severity) => {
    const { findings } = await checkup(stack(2), await sorted(), { loss: nn.crossEntropy, batchSize, shuffle });
    expect(findings.map((f) => [f.rule, f.severity])).toEqual(severity ? [["sorted-rows", severity]] : []);
  });

  test("and a set in no order, or by turns, is sound without a shuffle", async () => {
    const set = await sorted();
    const mixed = [
      set.order({ shuffle: true }),
      Int32Array.from({ length: 3000 }, (_, i) => (i % 3) * 1000 + (i % 1000)),
    ];
    for (const rows of mixed)
      expect((await checkup(stack(2), set.rows(rows), { loss: nn.crossEntropy, shuffle: false })).findings).toEqual([]);
  });

  test("is so of numbers, too", async () => {
    const set = await sorted();
    const y = Float32Array.from({ length: 3000 }, (_, i) => i / 1000);
    const model = new nn.Sequential(new nn.Linear(6, 8), new nn.Tanh(), new nn.Linear(8, 1));
    const numbers = new DataSet(set.x, tensor(y, [3000, 1]));
    const { findings } = await checkup(model, numbers, { loss: nn.mse, shuffle: false });
    expect(findings[0]).toMatchObject({
      ...{ rule: "sorted-rows", severity: "fault", value: expect.closeTo(0, 2) },
      measured: expect.stringMatching(/^with shuffle: false, a batch has 0\.\d+ % of the targets' variance within it$/),
    });
  });

  test("is shuffled by a repair", async () => {
    const model = stack(2);
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const options = { loss: nn.crossEntropy, optimizer, batchSize: 32, epochs: 2, shuffle: false };
    const { health } = await fit(model, await sorted(), { ...options, health: { repair: "auto" } });
    expect(health?.repairs[0]).toMatchObject({ repair: "shuffle", outcome: "kept", finding: { rule: "sorted-rows" } });
    expect(health?.healthy).toBe(true);
  });

  test.each([
    [3000, 512],
    [513, 512],
    [1000, 999],
    [7, 512],
  ])("of %i rows gives %i different ones at most", (size, most) => {
    const rows = [...spread(size, most)];
    expect(rows).toHaveLength(Math.min(size, most));
    expect(new Set(rows).size).toBe(rows.length);
    expect(Math.max(...rows)).toBeLessThan(size);
  });

  test("by no period: rows of every residue come alike", () => {
    const counts = [0, 0, 0, 0, 0, 0, 0, 0];
    for (const row of spread(8 * 512, 512)) counts[row % 8]++;
    for (const count of counts) expect(Math.abs(count - 64)).toBeLessThan(8);
  });
});

test("rows of validation that are trained on", async () => {
  seed(9);
  const { x, y } = data();
  const set = new DataSet(tensor(await x.data(), x.shape), tensor(await y.data(), y.shape, "i32"));
  const of = async (validation: DataSet) => {
    const { findings } = await checkup(stack(2), set.take(96), { loss: nn.crossEntropy, validation });
    return findings.find(({ rule }) => rule === "leak")?.severity;
  };
  expect(await of(set.take(64))).toBe("fault");
  expect(await of(set.rows(Int32Array.from({ length: 32 }, (_, i) => 92 + i)))).toBe("warning");
  expect(await of(set.rows(Int32Array.from({ length: 32 }, (_, i) => 96 + i)))).toBeUndefined();
});

test("rows of validation are looked for in the whole training set, and near ones are not taken for them", async () => {
  seed(9);
  const x = tensor(await randn([12_000, 2], { mean: 50 }).data(), [12_000, 2]);
  const set = new DataSet(
    x,
    tensor(
      new Int32Array(12_000).map((_, i) => i % 3),
      [12_000],
      "i32",
    ),
  );
  const rows = (from: number, to: number) => set.rows(Int32Array.from({ length: to - from }, (_, i) => from + i));
  const train = rows(0, 10_000);
  expect(await leakedShare(train, rows(9800, 10_000))).toBe(1);
  expect(await leakedShare(train, rows(9900, 10_100))).toBeCloseTo(0.5, 1);
  expect(await leakedShare(train, rows(10_000, 12_000))).toBe(0);
});

test("classes are counted over the whole set, not in a sample of it", async () => {
  seed(9);
  const y = Int32Array.from({ length: 4000 }, (_, i) => (i < 40 ? 1 : 0)); // 5 of a sample of 512
  const set = new DataSet(tensor(await randn([4000, 6]).data(), [4000, 6]), tensor(y, [4000], "i32"));
  const { findings } = await checkup(stack(2), set, { loss: nn.crossEntropy });
  expect(findings.find(({ rule }) => rule === "class-imbalance")?.value).toBe(99);
});
