/** The doctor's bench: the published rules beside it, what it counts, and what it prints. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { autotrainer, type Look, sagemaker, type Trace } from "../bench/doctor/baselines.js";
import { costsTable } from "../bench/doctor/costs.js";
import {
  type FaultyCase,
  type HealthyCase,
  isFault,
  isHealthy,
  isRepaired,
  judge,
  worstOf,
} from "../bench/doctor/judge.js";
import { published } from "../bench/doctor/looks.js";
import { spreadOut } from "../bench/doctor/main.js";
import { figuresTable, mistakes } from "../bench/doctor/print.js";
import { change, stepsOf } from "../bench/doctor/spec.js";
import type { FaultyRun } from "../bench/doctor/zoo.js";
import type { Finding, RuleName } from "../lib/health/finding.js";
import { healthyRun } from "./zoo.js";

const look = (changes: Partial<Look> = {}, weights: Partial<Look["weights"][number]>[] = [{}, {}]): Look => ({
  ...{ loss: 0.3, accuracy: 0.9, testLoss: 0.4, testAccuracy: 0.85, zeros: 0.2, saturated: [0.1] },
  weights: weights.map((w) => ({ norm: 0.5, meanSize: 1e-3, variance: 0.02, update: 1e-2, ...w })),
  ...changes,
});

describe("published rules", () => {
  const trace = (epochs: Look[], changes: Partial<Trace> = {}): Trace => ({
    ...{ start: look({}, [{ update: Number.NaN }, { update: Number.NaN }]), totalEpochs: epochs.length, broke: false },
    epochs,
    ...changes,
  });
  /** Ten epochs of an accuracy that rises from 0 by steps. */
  const rising = (step: number, changes: Partial<Look> = {}, weights?: Parameters<typeof look>[1]): Look[] =>
    Array.from({ length: 10 }, (_, i) => look({ accuracy: step * i, testAccuracy: step * i, ...changes }, weights));

  it.each<[string, string | undefined, Trace]>([
    ["are silent about a run that learns", undefined, trace(rising(0.1))],
    ["see vanishing", "vanish", trace(rising(0.05, {}, [{ norm: 1e-5 }, { norm: 0.1 }]))],
    ["do not, where all gradients are tiny", undefined, trace(rising(0.05, {}, [{ norm: 1e-9 }, { norm: 1e-9 }]))],
    ["do not, where the first is not small", undefined, trace(rising(0.05, {}, [{ norm: 2e-4 }, { norm: 1 }]))],
    ["see exploding", "explode", trace(rising(0.05, {}, [{ norm: 80 }, { norm: 1 }]))],
    [
      "do not, in a run that does well",
      undefined,
      trace(
        rising(0.1, { accuracy: 0.9, testAccuracy: 0.9 }, [{ norm: 80 }, { norm: 1 }]).map((l, i) => ({
          ...l,
          accuracy: 0.7 + i / 40,
          testAccuracy: 0.7 + i / 40,
        })),
      ),
    ],
    ["see what is not finite", "explode", trace([look({ loss: Number.NaN })])],
    ["see a run that broke", "explode", trace(rising(0.1), { broke: true })],
    ["see dying ReLU", "relu", trace(rising(0.05, { zeros: 0.75 }))],
    ["see slow convergence", "not_converge", trace(rising(0.001))],
    [
      "see oscillation",
      "unstable",
      trace([0.7, 0.9, 0.7, 0.9, 0.7, 0.9, 0.7, 0.9].map((accuracy) => look({ accuracy }))),
    ],
    ["wait for 30 % of the epochs", undefined, trace(rising(0.001).slice(0, 2), { totalEpochs: 10 })],
  ])("of AUTOTRAINER %s", (_, symptom, given) => {
    expect(autotrainer(given)).toBe(symptom);
  });

  it.each<[string, string | undefined, Trace]>([
    ["are silent about a run that learns", undefined, trace(rising(0.1))],
    [
      "see weights of other variances",
      "PoorWeightInitialization",
      trace([look()], { start: look({}, [{ variance: 1 }, { variance: 0.09 }]) }),
    ],
    ["see vanishing", "VanishingGradient", trace([look({}, [{ meanSize: 9e-8 }])])],
    ["see saturation", "SaturatedActivation", trace([look({ saturated: [0.2, 0.6] })])],
    ["see updates that are too large", "WeightUpdateRatio", trace([look({}, [{ update: 11 }])])],
    ["see updates that are too small", "WeightUpdateRatio", trace([look({}, [{ update: 9e-9 }])])],
    ["see what is not finite", "ExplodingTensor", trace([look({}, [{ norm: Infinity }])])],
    ["see a run that broke", "ExplodingTensor", trace([], { broke: true })],
  ])("of SageMaker %s", (_, rule, given) => {
    expect(sagemaker(given)).toBe(rule);
  });

  it("are given what a real run shows", async () => {
    expect(await published(healthyRun, 1)).toEqual({ autotrainer: null, sagemaker: null });
    const dead = change(healthyRun, { net: { bias: -50 } });
    expect(await published(dead, 1)).toEqual({ autotrainer: "relu", sagemaker: "VanishingGradient" });
  });
});

const finding = (rule: RuleName, severity: Finding["severity"] = "fault", step = 0): Finding => ({
  ...{ rule, severity, step, measured: "12 of 16", value: 12, normal: "0", why: "Because.", source: "" },
  advice: [{ repair: "clip", text: "Do this", code: "that()" }],
});

describe("the figures", () => {
  const faultyCase = (
    fault: string[],
    before: Finding[],
    during: Finding[],
    [mended, searched]: [number, number],
    autotrainer: string | null = null,
  ): FaultyCase => ({
    run: {
      id: fault.join("+"),
      faults: fault,
      severity: "mild",
      spoiled: healthyRun,
      repaired: healthyRun,
    } as FaultyRun,
    spoiled: [50, 52, 54],
    repaired: [90, 91, 92],
    diagnosis: { before, during, errors: [] },
    mended: [0, 10, -10].map((by) => ({ score: mended + by, steps: 300, repairs: [] })),
    searched: [2, -1, -1].map((by) => ({ score: searched + by, names: [], trials: 2, steps: 300 })),
    published: { autotrainer, sagemaker: null },
  });
  const healthyCase = (during: Finding[]): HealthyCase => ({
    run: { id: "healthy", run: healthyRun },
    scores: [90, 91, 92],
    best: 93,
    diagnosis: { before: [], during, errors: [] },
    published: { autotrainer: null, sagemaker: "WeightUpdateRatio" },
  });
  const faulty = [
    faultyCase(["init-small"], [finding("vanishing-signal")], [], [89, 60], "vanish"),
    faultyCase(["init-small"], [finding("dead-units", "warning")], [finding("stall", "fault", 20)], [87, 87]),
    faultyCase(["dropout", "rate-high"], [], [finding("learning-rate-high", "fault", 10)], [85.9, 91]),
    faultyCase(["shuffled-labels"], [finding("leak", "warning")], [], [50, 50]),
  ];
  const healthy = [healthyCase([]), healthyCase([finding("spike", "warning")]), healthyCase([finding("stall")])];
  const harmless = [{ ...faulty[0], spoiled: [88, 88, 88] }];
  const figures = judge(faulty, healthy, { harmless, notHealthy: 7 }, 1.5);

  it("count faults, alarms, names and repairs as docs/zoo.md says", () => {
    expect(figures).toMatchObject({
      recall: 0.75,
      precision: 0.75,
      falseAlarmRate: 0.3333,
      namedRight: 0.6667,
      beforeFirstStepRecall: 0.25,
      repaired: 0.6667,
      repairedByRandomSearch: 0.6667,
      repairedOfAll: 0.5,
      repairedWithWorstSeed: 0.6667,
      twinsWithWorstSeed: 1,
      repairSteps: Number((300 / stepsOf(healthyRun)).toFixed(2)),
      overheadPercent: 1.5,
      counts: { faults: 4, mendable: 3, harmless: 1, healthy: 3, notHealthy: 7 },
      baselines: { autotrainer: { recall: 0.25, falseAlarmRate: 0 }, sagemaker: { recall: 0, falseAlarmRate: 1 } },
    });
    expect(figures.accuracyGain).toBeCloseTo((89 + 87 + 85.9) / 3 - 52, 2);
    expect(figures.perFault["init-small"]).toMatchObject({ faults: 2, harmless: 1, recall: 1, namedRight: 0.5 });
    expect(figures.perFault["shuffled-labels"]).toMatchObject({ faults: 1, recall: 0, repaired: null });
    expect(figures.perFault.pair).toMatchObject({ faults: 1, recall: 1, namedRight: 1, repaired: 0 });
  });

  it("take a run for faulty from 5 points on, and for healthy within them", () => {
    const outcome = { run: faulty[0].run, spoiled: [80, 90, 85], repaired: [90, 90, 90] };
    expect(isFault(outcome)).toBe(true);
    expect(isFault({ ...outcome, spoiled: [80, 90, 85.1] })).toBe(false);
    const scored = (...scores: number[]) => scores.map((score) => ({ score }));
    expect(isRepaired(scored(80, 90, 85.1), outcome)).toBe(true);
    expect(isRepaired(scored(80, 90, 85), outcome)).toBe(false);
    expect(isHealthy({ run: healthy[0].run, scores: [80, 90], best: 90 })).toBe(true);
    expect(isHealthy({ run: healthy[0].run, scores: [80, 90], best: 90.1 })).toBe(false);
    const constant = 100 / healthyRun.data.classes;
    expect(isHealthy({ run: healthy[0].run, scores: [constant, constant], best: constant })).toBe(false);
    expect(worstOf([80, 70, 70])).toBe(1);
  });

  it("say nothing of what there is nothing of", () => {
    const nothing = judge([], [], { harmless: [], notHealthy: 0 }, null);
    expect(nothing).toMatchObject({ recall: null, precision: null, falseAlarmRate: null, accuracyGain: null });
  });

  it("are printed as a table", () => {
    const text = figuresTable(figures);
    expect(text).toMatch(/^init-small +2 +1 +100\.0 % +50\.0 % +50\.0 % +100\.0 % +50\.0 % +36\.0$/m);
    expect(text).toMatch(/^all +4 +1 +75\.0 %/m);
    expect(text).toContain("3 healthy runs (7 more could do better and do not count)");
    expect(text).toContain("autotrainer: recall 25.0 %, false alarms 0.0 %");
  });

  it("come with everything that went wrong", () => {
    const text = mistakes(faulty, healthy, harmless);
    const sections = ["MISSED (1)", "FALSE ALARMS (1)", "WRONG NAME (1)", "NOT REPAIRED (1)", "HARMLESS (1)"];
    expect(text.split("\n").filter((line) => /^[A-Z]/.test(line))).toEqual(sections);
    expect(text).toMatch(
      /WRONG NAME \(1\)\n {2}init-small: .*\n {4}first stall; wanted: vanishing-signal, vanishing-gradient/,
    );
    expect(text).toContain("      fault: stall (step 20)\n        12 of 16; normal is 0.\n        Because.");
  });
});

it("what is counted stands beside what was measured", () => {
  const text = costsTable({ net: { step: { counted: 200, measured: 100 }, look: { counted: 30, measured: 60 } } });
  expect(text).toMatch(/^net +200 +100 +2\.00 +30 +60 +0\.50$/m);
});

describe("the command", () => {
  const main = join(import.meta.dirname, "../build/bench/js/bench/main.js");
  const results = mkdtempSync(join(tmpdir(), "evengrad-zoo-"));
  afterAll(() => rmSync(results, { recursive: true, force: true }));
  const env = { ...process.env, BENCH_RESULTS: results };
  const bench = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    try {
      return { code: 0, ...(await promisify(execFile)(process.execPath, [main, "doctor", ...args], { env })) };
    } catch (error) {
      return error as { code: number; stdout: string; stderr: string };
    }
  };

  it("spreads a limit evenly", () => {
    expect(spreadOut([0, 1, 2, 3, 4, 5, 6, 7], 4)).toEqual([0, 2, 4, 6]);
    expect(spreadOut([0, 1, 2], 9)).toEqual([0, 1, 2]);
    expect(spreadOut([0, 1, 2])).toEqual([0, 1, 2]);
  });

  it("prints one object", async () => {
    const { stdout, code } = await bench(
      "--json",
      "--only",
      "rate-low",
      "--limit",
      "1",
      "--rounds",
      "0",
      "--no-chance",
    );
    expect(code).toBe(0);
    const figures = JSON.parse(stdout);
    const keys = ["recall", "precision", "falseAlarmRate", "namedRight", "beforeFirstStepRecall", "repaired"];
    expect(Object.keys(figures).slice(0, 6)).toEqual(keys);
    expect(figures.counts.faults + figures.counts.harmless).toBe(1);
    expect(figures.repairedByRandomSearch).toBeNull();
  });

  it.each([
    [["--half", "best"], /Allowed choices are tuning, test/],
    [["--only", "luck"], /There is no fault luck. Wanted one of init-small,/],
    [["--limit", "0"], /Wanted a whole number above 0/],
    [["--rounds", "-1"], /Wanted a whole number above 0/],
  ])("refuses %j", async (args, message) => {
    const { code, stderr, stdout } = await bench(...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
  });
});
