/** The benchmark harness: what it prints, what it refuses, how it compares; and its cases computed right. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { elementwise, layouts, operandShape, products } from "../bench/cases.js";
import { draw } from "../bench/charts.js";
import { closeTo, sameDistribution } from "../bench/differ.js";
import { judge } from "../bench/judge.js";
import { merge, ofLatestBuild } from "../bench/merge.js";
import { peers } from "../bench/peers.js";
import { printed } from "../bench/print.js";
import type { Entry } from "../bench/record.js";
import { compare, fastTenth, partOfLimit, type Result, spread } from "../bench/stats.js";
import { suites } from "../bench/suites/index.js";
import { targets, wording } from "../bench/targets.js";
import { addon } from "../lib/run/addon.js";
import { inDouble, mismatches, run, sample } from "./helpers.js";

const main = fileURLToPath(new URL("../build/bench/js/bench/main.js", import.meta.url));
const results = mkdtempSync(join(tmpdir(), "evengrad-bench-"));
afterAll(() => rmSync(results, { recursive: true, force: true }));

/** Runs the command line as built. */
async function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return benchWith({}, ...args);
}

async function benchWith(
  variables: NodeJS.ProcessEnv,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, BENCH_RESULTS: results, ...variables };
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [main, ...args], { env })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

const json = async (...args: string[]): Promise<Result[]> => {
  const { stdout, stderr } = await bench(...args, "--json", "--rounds", "1");
  expect(stderr).toBe("");
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
};

it("calls a peer absent whose instructions this CPU does not have", () => {
  const found = peers["torch-avx512"]();
  const able = addon().isas().includes("avx512");
  expect("absent" in found && /this CPU/.test(found.absent) ? found.absent : undefined).toBe(
    able ? undefined : "this CPU has no avx512",
  );
});

describe("the command line", () => {
  it("lists suites and cases", async () => {
    const { stdout } = await bench();
    for (const { name, cases } of suites) {
      expect(stdout).toContain(`${name}: `);
      for (const { name } of cases) expect(stdout).toContain(name);
    }
  });

  it("prints one JSON object a line, for each case and number of threads", async () => {
    const results = await json("gemm", "64x64x64-nn", "64x10x512-tn", "--peers", "none");
    expect(results.map((r) => [r.case, r.threads])).toEqual([
      ["64x64x64-nn", 1],
      ["64x10x512-tn", 1],
      ["64x64x64-nn", 2],
      ["64x10x512-tn", 2],
    ]);
    for (const result of results) {
      const keys = ["suite", "case", "threads", "unit", "ours", "peers", "best", "ratio", "limit"];
      expect(Object.keys(result)).toEqual(keys);
      expect(result).toMatchObject({ suite: "gemm", unit: "GFLOP/s", peers: {}, best: null, ratio: null });
      const { p10, median, p90 } = result.ours;
      expect(p10).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(p10);
      expect(p90).toBeGreaterThanOrEqual(median);
    }
  });

  it.each([
    ["elementwise", "relu", "us"],
    ["sampling", "dropout", "us"],
    ["init", "heNormal", "us"],
    ["optimizer", "adam", "us"],
    ["optimizer", "clip", "us"],
    ["step", "b", "us"],
    ["startup", "addon", "bytes"],
  ])("measures %s", async (suite, name, unit) => {
    const results = await json(suite, name, "--peers", "none", "--threads", "1");
    expect(results).toMatchObject([{ suite, case: name, threads: 1, unit, best: null, ratio: null }]);
  });

  it("reports a peer that is not there, and why", async () => {
    const args = ["gemm", "64x64x64-nn", "--peers", "openblas", "--rounds", "1", "--threads", "1"];
    const { stdout } = await benchWith({ CXX: "no-such-compiler" }, ...args);
    expect(stdout).toMatch(/openblas is absent: no driver: .*no-such-compiler/);
    expect(stdout).toMatch(/limits were not measured: no driver: .*no-such-compiler/);
    const json = await benchWith({ CXX: "no-such-compiler" }, ...args, "--json");
    const peers = { openblas: { absent: expect.stringContaining("no-such-compiler") } };
    expect(JSON.parse(json.stdout)).toMatchObject({ peers, best: null, ratio: null, limit: null });
  });

  it("keeps results with the circumstances of the run", async () => {
    await json("startup", "addon", "--peers", "none");
    const file = readdirSync(results).find((name) => name.includes("startup"));
    const [entry] = readFileSync(join(results, `${file}`), "utf8").split("\n");
    const run = { node: process.version, command: expect.stringContaining("bench -- startup addon") };
    expect(JSON.parse(entry)).toMatchObject({ suite: "startup", case: "addon", run });
  });

  it.each([
    [["nothing"], "no suite nothing; wanted one of gemm"],
    [["gemm", "1x1"], "gemm has no case 1x1"],
    [["gemm", "--peers", "torch,nobody"], "There is no peer nobody. Wanted none, or some of openblas,"],
    [["gemm", "--threads", "x"], "Wanted a whole number above 0"],
    [["gemm", "--rounds", "0"], "Wanted a whole number above 0"],
    [["gemm", "--fast"], "unknown option"],
  ])("refuses %j", async (args, message) => {
    const { code, stderr, stdout } = await bench(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
  });
});

const ours = { median: 10, p10: 9, p90: 11 };
const at = (median: number) => ({ median, p10: median, p90: median });

describe("the comparison", () => {
  it("is with the best peer that ran: the least time, the highest speed", () => {
    const peers = { slow: at(40), fast: at(15), none: { absent: "not installed" }, wrong: { error: "other results" } };
    expect(compare("us", ours, peers)).toEqual({ best: "fast", ratio: 1.5 });
    expect(compare("GFLOP/s", ours, peers)).toEqual({ best: "slow", ratio: 0.25 });
  });

  it("is of the fastest tenths where that is asked, which may choose another peer", () => {
    const peers = { steady: at(15), shaken: { median: 40, p10: 4.5, p90: 90 } };
    expect(compare("us", ours, peers, fastTenth)).toEqual({ best: "shaken", ratio: 0.5 });
    expect(compare("GFLOP/s", ours, peers, fastTenth)).toEqual({ best: "shaken", ratio: 0.12222 });
    const cases = ["x", "y"].map((name): Result => ({ ...result("step", name, 10), ours, peers }));
    expect(printed(cases.map((c) => ({ ...c, ...compare("us", ours, peers) })))).toContain(
      "geometric mean 1.50×, least 1.50×; of the fast tenths 0.50×",
    );
  });

  it("is with nobody where no peer ran", () => {
    expect(compare("us", ours, {})).toEqual({ best: null, ratio: null });
    expect(compare("us", ours, { none: { absent: "not installed" } })).toEqual({ best: null, ratio: null });
  });

  it("with the machine's limit says which part of it is reached", () => {
    expect(partOfLimit({ unit: "GFLOP/s", ours, limit: 20 })).toBeCloseTo(0.5);
    expect(partOfLimit({ unit: "us", ours, limit: 5 })).toBeCloseTo(0.5);
    expect(partOfLimit({ unit: "us", ours, limit: null })).toBeNull();
  });

  it("takes the median and tenths, between two values where there is none", () => {
    expect(spread([5, 1, 3, 2, 4])).toEqual({ median: 3, p10: 1.4, p90: 4.6 });
    expect(spread([2, 1])).toEqual({ median: 1.5, p10: 1.1, p90: 1.9 });
    expect(spread([7])).toEqual({ median: 7, p10: 7, p90: 7 });
  });

  it("is refused for other results", () => {
    const same = closeTo({ relative: 0.01, absolute: 0.125 });
    expect(same(Float32Array.of(100, 0), Float32Array.of(101, 0.125))).toBeUndefined();
    expect(same(Float32Array.of(100, 0), Float32Array.of(100, 0.2))).toMatch(/^result 1 is 0\.2.*, ours 0$/);
    expect(same(Float32Array.of(1), Float32Array.of(Number.NaN))).toBe("result 0 is NaN, ours 1");
    expect(same(Float32Array.of(1), Float32Array.of(1, 2))).toBe("2 results for our 1");
  });

  it("leaves out peers whose work is another", () => {
    const peers = { other: { ...at(1), note: "no clipping" }, same: at(20) };
    expect(compare("us", ours, peers)).toEqual({ best: "same", ratio: 2 });
  });

  it("of random numbers is of their distributions", () => {
    const draw = (f: (i: number) => number) => Float32Array.from({ length: 5000 }, (_, i) => f((i * 0.618034) % 1));
    expect(
      sameDistribution(
        draw((u) => u),
        draw((u) => 1 - u),
      ),
    ).toBeUndefined();
    expect(
      sameDistribution(
        draw((u) => u),
        draw((u) => u ** 1.5),
      ),
    ).toMatch(/^distributions 0\.1\d+ apart/);
    expect(
      sameDistribution(
        draw((u) => +(u < 0.5)),
        draw((u) => +(u < 0.5)),
      ),
    ).toBeUndefined();
    expect(
      sameDistribution(
        draw((u) => +(u < 0.5)),
        draw((u) => +(u < 0.7)),
      ),
    ).toMatch(/^distributions 0\.2/);
  });
});

const result = (suite: string, name: string, median: number, peers: Result["peers"] = {}): Result => {
  const own = at(median);
  return {
    ...{ suite, case: name, threads: 1, unit: "us", ours: own, peers, limit: null },
    ...compare("us", own, peers),
  };
};

describe("the report", () => {
  const run = (day: number, built: string): Entry["run"] => ({
    ...{ at: `2030-01-0${day}`, command: "", cpu: "", cores: 2, node: "", isa: "", versions: {}, built },
  });
  const entry = (median: number, day: number, built: string, peer = 30): Entry => ({
    ...result("step", "b", median, { torch: at(peer) }),
    run: run(day, built),
  });

  it("takes the medians over the runs of the latest build", () => {
    const entries = ofLatestBuild([entry(99, 1, "old"), entry(10, 2, "new"), entry(20, 3, "new"), entry(12, 4, "new")]);
    const [merged, ...rest] = merge(entries, () => true);
    expect(rest).toEqual([]);
    expect(merged).toMatchObject({ ours: at(12), peers: { torch: at(30) }, ratio: 2.5, runs: 3, range: [1.5, 3] });
  });

  it("keeps numbers of threads apart unless a suite is best of them", () => {
    const entries = [entry(10, 1, "new"), { ...entry(20, 1, "new"), threads: 2 }];
    expect(merge(entries, () => false)).toHaveLength(2);
    expect(merge(entries, () => true)).toHaveLength(1);
  });

  it("judges ratios, means and values", () => {
    const peers = { a: at(20), b: at(40), c: { absent: "not installed" } };
    const all = [result("gemm", "x", 10, peers), result("gemm", "y", 40, peers)];
    const judged = (goal: Parameters<typeof judge>[0]["goal"]) => judge({ suite: "gemm", goal }, all);
    expect(judged({ ratio: 1 }).map((j) => [j.measured, j.reached])).toEqual([
      ["2.00× a", 2],
      ["0.50× a", 0.5],
    ]);
    expect(judged({ ratio: 2, peers: ["b"] }).map((j) => j.reached)).toEqual([2, 0.5]);
    expect(judged({ ratio: 2, peers: ["c"] })).toEqual([]);
    expect(judged({ meanRatio: 1, to: "the best" })).toMatchObject([{ measured: "1.00×", reached: 1 }]);
    expect(judged({ meanRatio: 2, to: "every single one" })).toMatchObject([{ measured: "1.00× a", reached: 0.5 }]);
    expect(judged({ value: 20 }).map((j) => j.reached)).toEqual([2, 0.5]);
    expect(judge({ suite: "gemm", threads: [2], goal: { value: 20 } }, all)).toEqual([]);
  });

  it("puts goals in words that name who they are about", () => {
    const goals = targets.flatMap(({ suite, cases, goal }) =>
      cases && ["init", "clip"].some((n) => n === suite || cases.includes(n)) ? [wording(goal, "us")] : [],
    );
    expect(goals).toEqual(["≥ 0.5× lapack", "≥ 2× PyTorch"]);
    expect(wording({ ratio: 0.95 }, "us")).toBe("≥ 0.95× the best peer");
  });

  it("has targets for cases that there are", () => {
    for (const { suite: name, cases = [] } of targets) {
      const suite = suites.find((s) => s.name === name);
      const known = [...(suite?.cases ?? []).map((c) => c.name), ...(name === "epoch" ? ["fashion-mnist"] : [])];
      expect(known).toEqual(expect.arrayContaining([...cases]));
    }
  });

  it("draws ratios where there are peers, the long ones cut, and values otherwise", () => {
    const runs = { runs: 2, range: null };
    const merged = [20, 5, 500].map((median) => ({ ...result("step", `n${median}`, median, { a: at(50) }), ...runs }));
    const ratios = draw("step", merged);
    for (const text of ["step: ratio to the best peer", "2.50× a", "10.00× a", "0.10× a"])
      expect(ratios).toContain(text);
    const widths = [...ratios.matchAll(/<rect class="f\d"[^>]* width="([\d.]+)"/g)].map((m) => Number(m[1]));
    expect(widths[1] / widths[0]).toBeCloseTo(2); // 10 ends at 5
    expect(widths[2] / widths[0]).toBeCloseTo(0.04);
    const values = draw("loop", [{ ...result("loop", "p99", 20), ...runs }]);
    expect(values).toContain("20.00 us");
    expect(values).not.toContain("peer");
  });
});

describe("the table", () => {
  it("names absent peers and why, and failed cases", () => {
    const result: Result = {
      ...{ suite: "gemm", case: "x", threads: 1, unit: "us", ours, best: "fast", ratio: 1.5, limit: 5 },
      peers: { fast: at(15), gone: { absent: "not installed" }, wrong: { error: "other results than ours" } },
    };
    const text = printed([result, { suite: "gemm", case: "y", failure: "no memory" }]);
    expect(text).toMatch(/^x +1 +us +10\.00 +9\.000–11\.00 +fast +15\.00 +1\.50× +1\.67× +50 %$/m);
    expect(text).toContain("gone is absent: not installed");
    expect(text).toContain("wrong failed: other results than ours");
    expect(text).toContain("gemm y: no memory");
  });
});

describe("the cases", () => {
  const small = products.filter(({ M, N, K }) => M * N * K < 3e7);
  it.each(small)("computes $M×$N×$K in every layout", async ({ M, N, K }) => {
    for (const layout of layouts) {
      const a = layout[0] === "n" ? sample(1, [M, K]) : sample(1, [K, M]).transpose();
      const b = layout[1] === "n" ? sample(2, [K, N]) : sample(2, [N, K]).transpose();
      const outputs = [a.matmul(b)];
      const [[actual], [oracle]] = [await run("native", { outputs }), inDouble(outputs)];
      // One rounding for each of K steps, of partial sums of products of up to 9.
      expect(mismatches(actual, oracle, { ulps: 0, bounds: 9 * K * K * 2 ** -24 }), layout).toEqual([]);
    }
  });

  it.each(Object.entries(elementwise))("computes %s", async (_, entry) => {
    const outputs = [entry.call(sample(3, operandShape(entry, 4003), entry.range))];
    const [[actual], [oracle]] = [await run("native", { outputs }), inDouble(outputs)];
    expect(mismatches(actual, oracle, { ulps: 8, bounds: 4e-6 })).toEqual([]);
  });
});
