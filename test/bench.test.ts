/** The benchmark harness: what it prints, what it refuses, how it compares; and its cases computed right. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { elementwise, layouts, operandShape, products } from "../bench/cases.js";
import { closeTo } from "../bench/differ.js";
import { report } from "../bench/print.js";
import { compare, partOfLimit, type Result, spread } from "../bench/stats.js";
import { suites } from "../bench/suites/index.js";
import { inDouble, mismatches, run, sample } from "./helpers.js";

const main = fileURLToPath(new URL("../build/bench/js/bench/main.js", import.meta.url));

/** Runs the command line as built. */
async function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [main, ...args])) };
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
    ["step", "b", "us"],
  ])("measures %s", async (suite, name, unit) => {
    const results = await json(suite, name, "--peers", "none", "--threads", "1");
    expect(results).toMatchObject([{ suite, case: name, threads: 1, unit, best: null, ratio: null }]);
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
});

describe("the table", () => {
  it("names absent peers and why, and failed cases", () => {
    const result: Result = {
      ...{ suite: "gemm", case: "x", threads: 1, unit: "us", ours, best: "fast", ratio: 1.5, limit: 5 },
      peers: { fast: at(15), gone: { absent: "not installed" }, wrong: { error: "other results than ours" } },
    };
    const text = report([result, { suite: "gemm", case: "y", failure: "no memory" }]);
    expect(text).toMatch(/^x +1 +us +10\.00 +9\.000–11\.00 +fast +15\.00 +1\.50× +50 %$/m);
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
