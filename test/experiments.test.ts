/** The experiments: how they are judged, the cheap ones run, training for a number of steps, and the command. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { growth } from "../bench/experiments/batch-norm.js";
import { type Experiment, type Outcome, row } from "../bench/experiments/experiment.js";
import { experiments } from "../bench/experiments/index.js";
import { matrices } from "../bench/experiments/matrices.js";
import { cells } from "../bench/experiments/print.js";
import { train } from "../bench/experiments/train.js";
import { judge } from "../bench/experiments/verdict.js";
import * as data from "../lib/data/index.js";
import * as nn from "../lib/nn/index.js";

const root = join(import.meta.dirname, "..");
const of = (...values: number[]): Outcome[] => values.map((value) => ({ value }));

describe("a verdict", () => {
  const never = () => Promise.reject(new Error("is not run"));
  const experiment: Experiment = {
    name: "x",
    about: "",
    unit: "%",
    trains: true,
    rows: [
      row("a", 80, [75, 85], never),
      row("b", 50, [40, 60], never),
      row("c", 10, [9, 11], never),
      { name: "d", expected: { seen: { brokeAt: 0 } }, run: never },
      { name: "ours", ours: true, run: never },
    ],
    order: [["a"], ["b", "c"]],
  };
  const good = [of(79, 81), of(50, 44), of(10, 10), [{ value: 10, brokeAt: 0 }], of(79.5)];
  const judged = (changes: Record<number, Outcome[]>, ranges?: boolean) => {
    const { rows, ordered, holds } = judge(
      experiment,
      good.map((list, i) => changes[i] ?? list),
      ranges,
    );
    return { wrong: rows.flatMap((r) => (r.holds === "no" ? [r.name] : [])), ordered, holds };
  };

  test.each<[string, Record<number, Outcome[]>, boolean, { wrong: string[]; ordered: string; holds: boolean }]>([
    ["holds", {}, true, { wrong: [], ordered: "yes", holds: true }],
    ["is of the mean over seeds", { 0: of(70, 90) }, true, { wrong: [], ordered: "yes", holds: true }],
    ["sees a mean above its range", { 0: of(86, 87) }, true, { wrong: ["a", "ours"], ordered: "yes", holds: false }],
    ["lets seeds differ by more than the range", { 1: of(80, 55) }, true, { wrong: [], ordered: "yes", holds: true }],
    ["but not from one seed", { 1: of(65) }, true, { wrong: ["b"], ordered: "yes", holds: false }],
    ["sees one below", { 2: of(8.9) }, true, { wrong: ["c"], ordered: "yes", holds: false }],
    ["leaves ranges out on other data", { 2: of(40) }, false, { wrong: [], ordered: "yes", holds: true }],
    ["sees a wrong order", { 2: of(95) }, false, { wrong: ["ours"], ordered: "no", holds: false }],
    [
      "cannot tell close ones",
      { 0: of(60, 30), 1: of(35, 65) },
      false,
      { wrong: [], ordered: "undecided", holds: true },
    ],
    ["but can others", { 0: of(41, 43), 1: of(49, 51) }, false, { wrong: [], ordered: "no", holds: false }],
    ["lets a group come in any order", { 1: of(40), 2: of(45) }, false, { wrong: [], ordered: "yes", holds: true }],
    [
      "sees a run that broke later",
      { 3: [{ value: 10, brokeAt: 3 }] },
      true,
      { wrong: ["d"], ordered: "yes", holds: false },
    ],
    ["sees a run that did not break", { 3: of(10) }, true, { wrong: ["d"], ordered: "yes", holds: false }],
    ["lets ours be a point worse than the best", { 4: of(79) }, true, { wrong: [], ordered: "yes", holds: true }],
    ["or too close to tell", { 4: of(70, 84) }, true, { wrong: [], ordered: "yes", holds: true }],
    ["but not more", { 4: of(77.9) }, true, { wrong: ["ours"], ordered: "yes", holds: false }],
  ])("%s", (_, changes, ranges, want) => {
    expect(judged(changes, ranges)).toEqual(want);
  });

  test("is printed with what was expected", () => {
    expect(cells(experiment, judge(experiment, good))).toEqual([
      ["a", "80 (75 to 85)", "80 ± 1.4", "yes"],
      ["b", "50 (40 to 60)", "47 ± 4.2", "yes"],
      ["c", "10 (9 to 11)", "10 ± 0", "yes"],
      ["d", "not finite at step 0", "not finite at step 0", "yes"],
      ["ours", "as good as the best", "79.5", "yes"],
      ["ordering", "a > b, c", "", "yes"],
    ]);
    const far = judge(experiment, [of(90), of(80, 55), ...good.slice(2)]);
    expect(cells(experiment, far).map((row) => row[3])).toEqual(["NO", "in spread", "yes", "yes", "NO", "yes"]);
  });
});

describe("every experiment", () => {
  test.each(experiments.map((e) => [e.name, e] as const))(
    "%s names its rows, and expects what it can judge",
    (_, e) => {
      const names = e.rows.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toEqual(expect.arrayContaining((e.order ?? []).flat()));
      for (const { expected, ours, name } of e.rows) {
        expect([name, Boolean(expected) !== Boolean(ours)]).toEqual([name, true]);
        if (typeof expected?.seen !== "number") continue;
        const [low, high] = expected.range ?? [0, 0];
        expect([name, low <= expected.seen && expected.seen <= high]).toEqual([name, true]);
      }
    },
  );

  test("is in the report, with its picture", () => {
    const page = readFileSync(join(root, "docs/experiments.md"), "utf8");
    for (const { name } of experiments) {
      expect(page).toContain(`\n## ${name}\n`);
      expect([name, existsSync(join(root, "docs/experiments", `${name}.svg`))]).toEqual([name, true]);
    }
  });
});

describe("seen", () => {
  test("products of random matrices, as published", async () => {
    const outcomes = await Promise.all(matrices.rows.map(async (r) => [await r.run(1, {} as data.TrainTest)]));
    expect(judge(matrices, outcomes)).toMatchObject({ ordered: "yes", holds: true });
  }, 120_000);

  test("gradients that grow under batch norm", async () => {
    const { value } = await growth(1, { depth: 12, width: 256, batch: 256 });
    expect(Math.abs(value - Math.sqrt(Math.PI / (Math.PI - 1)))).toBeLessThan(0.02);
  });
});

describe("training", () => {
  /** Two classes, told by the sign of the first of four numbers. */
  const rows = (n: number): data.DataSet => {
    const x = Float32Array.from({ length: 4 * n }, (_, i) => Math.sin(3 * i + 1));
    return data.fromArrays({ x, xShape: [n, 4], y: Int32Array.from({ length: n }, (_, i) => Number(x[4 * i] > 0)) });
  };
  const sets = { train: rows(300), test: rows(500) };
  const model = () => new nn.Sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 2));

  test("reaches an accuracy, the same for the same seed", async () => {
    const first = await train({ model, steps: 60, lr: 0.1 }, 1, sets);
    expect(first.value).toBeGreaterThan(95);
    expect(await train({ model, steps: 60, lr: 0.1 }, 1, sets)).toEqual(first);
    expect((await train({ model, steps: 1, lr: 1e-6 }, 1, sets)).value).toBeLessThan(90);
  });

  test("that leaves the numbers says at which step, and counts as chance", async () => {
    const large = () =>
      new nn.Sequential(new nn.Lambda((x) => x.mul(1e30)), model(), new nn.Lambda((x) => x.mul(1e30)));
    expect(await train({ model: large, steps: 3, lr: 0.1 }, 1, sets)).toEqual({ value: 10, brokeAt: 0 });
  });
});

describe("the command", () => {
  const main = join(root, "build/bench/js/bench/experiments/main.js");
  const command = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    try {
      return { code: 0, ...(await promisify(execFile)(process.execPath, [main, ...args])) };
    } catch (error) {
      return error as { code: number; stdout: string; stderr: string };
    }
  };

  test("lists", async () => {
    const { stdout, code } = await command("--list");
    expect([
      code,
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
    ]).toEqual([0, experiments.map((e) => e.name)]);
  });

  test("prints one object a line", async () => {
    const { stdout, stderr, code } = await command("batchnorm", "--seeds", "1", "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({
      experiment: "batchnorm",
      holds: true,
      rows: [{ outcomes: [{}], holds: "yes" }],
    });
  });

  test.each<[string[], RegExp]>([
    [["relu3"], /^experiments: no experiment relu3. Did you mean relu30\?$/m],
    [["zzz"], /^experiments: no experiment zzz. There are: matrices, /m],
    [["--seeds", "0"], /argument '0' is invalid. Wanted a whole number above 0/],
    [["--data", "nowhere"], /^experiments: idx: directory must be readable/m],
    [["--sead", "1"], /unknown option '--sead'/],
  ])("refuses %j", async (args, message) => {
    const { code, stderr } = await command(...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});
