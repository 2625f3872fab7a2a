/** How a run's course is told from its losses, and what the rules say of it on the way. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { adviceFor } from "../lib/health/advice.js";
import type { StartFacts } from "../lib/health/facts/start.js";
import type { LayerSample } from "../lib/health/record.js";
import { repairs } from "../lib/health/repairs/index.js";
import { courseOf } from "../lib/health/rules/course.js";
import { onTheWay, rules } from "../lib/health/rules/index.js";
import type { LayerView, RunView } from "../lib/health/rules/view.js";
import { tensor } from "../lib/ops/index.js";
import { Adam } from "../lib/optim/index.js";
import { Variable } from "../lib/tensor.js";
import type { EpochRecord } from "../lib/train/index.js";

const steps = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i));
/** The same noise each time, from −1 to 1. */
const noise = (i: number): number => 2 * ((Math.sin(i * 12.9898) * 43758.5453) % 1) - Math.sign(Math.sin(i * 12.9898));

describe("the course of a loss", () => {
  const ln3 = Math.log(3);
  const courses: Record<string, [expected: string, losses: number[], total?: number, validation?: number]> = {
    "ten steps": ["early", steps(10, () => 1)],
    "falling to a tenth": ["learning", steps(100, (i) => 1.1 * 0.97 ** i)],
    "flat at chance": ["stalled", steps(100, (i) => ln3 + 0.01 * noise(i))],
    "flat, but only half of the steps are made": ["early", steps(100, () => ln3), 200],
    "flat below chance": ["learning", steps(100, (i) => 0.3 + 0.02 * noise(i))],
    "down by a tenth in most of the steps": ["slow", steps(160, (i) => 1.08 - 0.0006 * i), 170],
    "the same with a fifth of the steps left": ["learning", steps(160, (i) => 1.08 - 0.0006 * i), 200],
    "down at one pace, and three quarters are left in the end": ["slow", steps(189, (i) => 1.45 - 0.0034 * i)],
    "down faster and faster": ["learning", steps(180, (i) => 1.1 - 0.4 * (i / 200) ** 4), 200],
    "down in its first steps, then slowly, well below chance": [
      "learning",
      steps(200, (i) => (i < 2 ? 1 : 0.64 - 0.0004 * i)),
    ],
    "up to ten times": ["diverging", steps(100, (i) => 1.1 + 0.1 * i)],
    "not finite": ["diverging", [...steps(30, () => 1), Number.NaN]],
    "up and down": ["oscillating", steps(100, (i) => (i % 2 ? 0.4 : 1.9))],
    "up and down, but not the loss of validation": ["learning", steps(100, (i) => (i % 2 ? 0.4 : 1.9)), 100, 0.5],
    "up and down, and so is the loss of validation": ["oscillating", steps(100, (i) => (i % 2 ? 0.4 : 1.9)), 100, 1],
    "up to ten times in the first steps of many": ["early", steps(44, (i) => 1.1 + 0.3 * i), 264],
    "up to ten times in the first thousand of very many": ["diverging", steps(1000, (i) => 1.1 + 0.01 * i), 1e5],
    "a single batch far up": ["early", steps(24, (i) => (i === 22 ? 20 : 1)), 240],
    "two of the latest four far up": ["early", steps(24, (i) => (i === 21 ? 20 : i === 22 ? 3 : 1)), 240],
    "flat at half of chance since its first steps": ["learning", steps(100, (i) => 0.55 + 0.01 * noise(i))],
    "up and down far below chance": ["learning", steps(100, (i) => (i % 2 ? 0.01 : 0.3))],
  };
  test.each(Object.entries(courses))("%s", (_, [expected, losses, total = losses.length, validation]) => {
    expect(courseOf(losses, total, ln3, validation).name).toBe(expected);
  });
});

const layer = (changes: Partial<LayerView> = {}): LayerView => ({
  path: "0.weight",
  activation: "ReLU",
  head: false,
  branch: false,
  normalized: false,
  variance: 1,
  gradient: 1e-4,
  dead: 0,
  saturated: 0.5,
  ...changes,
});

const epoch = (loss: number, validation: number): EpochRecord => ({
  epoch: 1,
  steps: 50,
  skipped: 0,
  loss,
  metrics: {},
  gradNorm: 1,
  seconds: 1,
  samplesPerSecond: 1,
  validation: { loss: validation, metrics: {} },
});

interface Given extends Partial<Omit<RunView, "samples" | "facts">> {
  update?: number;
  weightGradient?: number;
  facts?: object;
}

/** A view of a run of 200 steps with three classes. */
function view({
  losses = steps(200, (i) => 1.1 * 0.98 ** i),
  total = 200,
  update = 0.01,
  weightGradient = 0.1,
  facts = {},
  ...given
}: Given): RunView {
  const samples = [
    {
      step: 0,
      epoch: 1,
      loss: 1,
      gradNorm: 1,
      topClass: undefined,
      layers: [{ update, weightGradient, weight: 1 } as LayerSample],
    },
  ];
  const chance = Math.log(3);
  return {
    ...{ step: losses.length, losses, total, samples, gradNorms: steps(losses.length, () => 1), epochs: [] },
    facts: {
      chance,
      loss: {},
      output: { shape: [1, 3] },
      target: { counts: [100, 100, 100] },
      parameters: [],
      ...facts,
    } as unknown as StartFacts,
    plan: { optimizer: undefined, batchSize: 32, dropLast: false, steps: 200, rows: 300, leaked: undefined },
    layers: [layer(), layer({ path: "2.weight" }), layer({ path: "4.weight", head: true })],
    ...{
      forwardSlope: 0,
      backwardSlope: 0,
      noise: undefined,
      neighbours: undefined,
      failure: undefined,
      topClass: undefined,
      repaired: false,
    },
    course: courseOf(losses, total, chance),
    ...given,
  };
}

const stalled = steps(200, (i) => Math.log(3) + 0.01 * noise(i));
/** Ends with a quarter of what chance leaves. */
const halfway = steps(200, (i) => 1.1 * 0.992 ** i);
const withEps = (eps: number): Partial<RunView> => ({
  plan: {
    ...view({}).plan,
    optimizer: new Adam([new Variable(tensor([1]))], { lr: 0.003, eps }),
  },
});
/** Up to fifty times in the first steps, then far down. */
const leap = (end: number): number[] => steps(200, (i) => (i < 2 ? 1 : Math.max(end, 60 * 0.9 ** i)));
/** With one more layer, whose weight has such a size and moves by 1e-10. */
function beside(weight: number, seen: RunView): RunView {
  const more = { update: 1e-10 / (weight + 1e-30), weightGradient: 0.1, weight } as LayerSample;
  return { ...seen, samples: seen.samples.map((one) => ({ ...one, layers: [...one.layers, more] })) };
}
const unrelated = { rows: 300, agreement: 0.33, chance: 0.33, deviation: 0.1 };

/** A weight of which such a share is frozen, as two. */
const frozen = (share: number): object[] => [
  { path: "0.weight", size: 100 * share, trainable: false },
  { path: "2.weight", size: 100 * (1 - share), trainable: true },
];

describe("on the way", () => {
  const named: Record<string, [expected: string | undefined, RunView]> = {
    "a run that learns": [undefined, view({})],
    "dead units in a run that learns": [undefined, view({ layers: [layer({ dead: 0.9 }), layer()] })],
    "dead units where it stalls": ["dead-units", view({ losses: stalled, layers: [layer({ dead: 0.9 }), layer()] })],
    "flat tanh where it stalls": [
      "saturated-units",
      view({ losses: stalled, layers: [layer({ activation: "Tanh", saturated: 0.9 })] }),
    ],
    "flat slopes of a ReLU are its nature": ["stall", view({ losses: stalled, layers: [layer({ saturated: 0.9 })] })],
    "a signal that grows": [
      "exploding-signal",
      view({ losses: stalled, layers: [layer(), layer({ variance: 5000 })] }),
    ],
    "a signal that dies": ["vanishing-signal", view({ losses: stalled, layers: [layer(), layer({ variance: 1e-4 })] })],
    "a gradient that dies": [
      "vanishing-gradient",
      view({ losses: stalled, layers: [layer({ gradient: 1e-8 }), layer()] }),
    ],
    "a gradient that grows": [
      "exploding-gradient",
      view({ losses: stalled, layers: [layer({ gradient: 10 }), layer()] }),
    ],
    "a branch that waits": [
      "stall",
      view({ losses: stalled, layers: [layer(), layer({ branch: true, gradient: 0, dead: 1 })] }),
    ],
    "a norm takes the scale away": [
      "stall",
      view({
        losses: stalled,
        layers: [layer({ normalized: true, variance: 1e-4, gradient: 1 }), layer({ normalized: true })],
      }),
    ],
    "tiny updates": ["learning-rate-low", view({ losses: stalled, update: 1e-6 })],
    "steps that end while the loss still falls": [
      "learning-rate-low",
      view({ losses: steps(200, (i) => 1.1 - 0.003 * i), update: 5e-4 }),
    ],
    "the same with updates of a usual size": [
      undefined,
      view({ losses: steps(200, (i) => 1.1 - 0.003 * i), update: 5e-3 }),
    ],
    "but not of a run that was repaired": [
      "learning-rate-low",
      view({ losses: steps(200, (i) => 1.1 - 0.003 * i), update: 5e-3, repaired: true }),
    ],
    "weights that hardly moved, and much of the loss is left": [
      "learning-rate-low",
      view({ losses: halfway, update: 2e-4 }),
    ],
    "weights that moved, and as much is left": [undefined, view({ losses: halfway, update: 2e-3 })],
    "weights that hardly moved, and the loss fell late": [
      undefined,
      view({ losses: steps(200, (i) => 1.1 / (1 + Math.exp((i - 165) / 14))), update: 4e-4 }),
    ],
    "weights that hardly moved, and little is left": [undefined, view({ update: 2e-4 })],
    "weights that hardly moved in a run that was trained before": [
      undefined,
      view({ losses: steps(200, (i) => 0.5 * 0.998 ** i), update: 2e-4 }),
    ],
    "weights that hardly moved from a start that was lucky": [
      "learning-rate-low",
      view({ losses: steps(200, (i) => 0.7 * 0.9995 ** i), update: 2e-4 }),
    ],
    "weights that do not move at all, whatever the loss began with": [
      "learning-rate-low",
      view({ losses: steps(200, (i) => 0.5 + 0.01 * noise(i)), update: 1e-6 }),
    ],
    "the same halfway": [undefined, view({ losses: halfway, update: 2e-4, total: 400 })],
    "an epsilon above the gradients, and much of the loss is left": [
      "learning-rate-low",
      view({ losses: halfway, update: 2e-3, ...withEps(1) }),
    ],
    "an epsilon above the gradients, and little is left": [undefined, view({ update: 2e-3, ...withEps(1) })],
    "an epsilon below the gradients": [
      undefined,
      view({ losses: halfway, update: 2e-3, weightGradient: 2, ...withEps(1) }),
    ],
    "a step that is large beside a weight of 0": ["stall", beside(0, view({ losses: stalled }))],
    "one answer for all": ["collapse", view({ losses: stalled, topClass: 1 })],
    "nothing else": ["stall", view({ losses: stalled })],
    "up and down": ["learning-rate-high", view({ losses: steps(200, (i) => (i % 2 ? 0.4 : 1.9)) })],
    up: ["learning-rate-high", view({ losses: steps(200, (i) => 1 + 0.1 * i) })],
    "a peak, then flat": ["learning-rate-high", view({ losses: steps(200, (i) => (i < 20 ? 1 : i < 40 ? 9 : 1.12)) })],
    "a leap far up, and much is left in the end": ["learning-rate-high", view({ losses: leap(0.6) })],
    "the same on its way": [undefined, view({ losses: leap(0.6), total: 240 })],
    "a leap far up, and little is left in the end": [undefined, view({ losses: leap(0.1) })],
    "not finite, by what is known of it": [
      "non-finite",
      view({ failure: { layer: "2", text: "the op log in 2 makes the first value that is not finite" } }),
    ],
    "validation that is not finite": ["non-finite", view({ epochs: [epoch(1, Number.NaN)] })],
    "learned by heart": [
      "overfitting",
      view({ epochs: [epoch(1, 0.9), epoch(0.5, 1), epoch(0.1, 1.3), epoch(0.05, 1.6)] }),
    ],
    "validation of a classifier that is too sure, but better than none": [
      undefined,
      view({
        facts: { loss: { kind: "cross-entropy" } },
        epochs: [0.5, 0.7, 0.9, 1].map((v, i) => epoch(0.4 - i / 10, v)),
      }),
    ],
    "the same of a square": [
      "overfitting",
      view({ facts: { loss: { kind: "square" } }, epochs: [0.5, 0.7, 0.9, 1].map((v, i) => epoch(0.4 - i / 10, v)) }),
    ],
    "a square that has lost a tenth of the variance since its best": [
      "overfitting",
      view({
        facts: { loss: { kind: "square" } },
        epochs: [0.3, 0.4, 0.42, 0.44].map((v, i) => epoch(0.3 - i / 15, v)),
      }),
    ],
    "a square that has lost less": [
      undefined,
      view({
        facts: { loss: { kind: "square" } },
        epochs: [0.3, 0.37, 0.38, 0.39].map((v, i) => epoch(0.3 - i / 15, v)),
      }),
    ],
    "validation that doubles from almost nothing": [
      undefined,
      view({ epochs: [epoch(1, 0.02), epoch(0.5, 0.03), epoch(0.01, 0.05), epoch(0.005, 0.06)] }),
    ],
    "validation that is worse for a small part of the run": [
      undefined,
      view({ total: 1000, epochs: [epoch(1, 0.9), epoch(0.5, 1), epoch(0.1, 1.3), epoch(0.05, 1.6)] }),
    ],
    "training that gets worse as validation does": [
      undefined,
      view({ epochs: [epoch(0.1, 0.9), epoch(0.2, 1), epoch(0.3, 1.3), epoch(0.4, 1.6)] }),
    ],
    "labels of other rows": ["shuffled-labels", view({ losses: stalled, neighbours: unrelated })],
    "the same, learned by heart": [
      "shuffled-labels",
      view({ neighbours: unrelated, epochs: [epoch(1, 1.1), epoch(0.8, 1.2), epoch(0.5, 1.3)] }),
    ],
    "labels as floats by their square, where it stalls": [
      "head-mismatch",
      view({
        losses: stalled,
        facts: { loss: { kind: "square" }, output: { shape: [32, 1] }, target: { whole: true, most: 3 } },
      }),
    ],
    "most weights frozen, where it stalls": [
      "no-gradient",
      view({ losses: stalled, facts: { parameters: frozen(0.9) } }),
    ],
    "most weights frozen, in a run that learns": [undefined, view({ facts: { parameters: frozen(0.9) } })],
    "few weights frozen, where it stalls": ["stall", view({ losses: stalled, facts: { parameters: frozen(0.1) } })],
    "most weights frozen, where it blows up": [
      "learning-rate-high",
      view({ losses: steps(200, (i) => 1 + 0.1 * i), facts: { parameters: frozen(0.9) } }),
    ],
    "neighbours say nothing, the model finds something": [undefined, view({ neighbours: unrelated })],
  };
  test.each(Object.entries(named))("%s", (_, [expected, seen]) => {
    const findings = onTheWay(seen);
    expect(findings.find(({ severity }) => severity === "fault")?.rule).toBe(expected);
    expect(findings.filter(({ advice }) => advice.length === 0)).toEqual([]);
  });

  test("small steps of weights that long ones threw far off are no low rate", () => {
    const thrown = view({ losses: [0.7, 90, ...steps(198, (i) => 88 - 0.02 * i)], update: 1e-5 });
    const rules = onTheWay(thrown).map(({ rule }) => rule);
    expect(rules[0]).toBe("learning-rate-high");
    expect(rules).not.toContain("learning-rate-low");
  });

  test("a plateau and a spike are warnings", () => {
    const flat = view({ losses: steps(200, (i) => (i < 60 ? 1.1 - 0.008 * i : 0.62)) });
    expect(onTheWay(flat).map(({ rule, severity }) => [rule, severity])).toEqual([["plateau", "warning"]]);
    const spiked = view({ losses: steps(200, (i) => (i === 180 ? 3 : 1.1 * 0.98 ** i)) });
    expect(onTheWay(spiked).map(({ rule, severity }) => [rule, severity])).toEqual([["spike", "warning"]]);
  });

  test("a loss that falls too slowly is told apart from one that does not fall", () => {
    const why = (losses: number[], total?: number) =>
      onTheWay(view({ losses, total })).find(({ rule }) => rule === "stall")?.why;
    expect(why(stalled)).toMatch(/^The steps do not lower the loss/);
    expect(
      why(
        steps(160, (i) => 1.08 - 0.0006 * i),
        170,
      ),
    ).toMatch(/^The steps lower the loss so slowly/);
  });

  test("a gradient that is mostly noise is a warning, with the rows to take", () => {
    const noisy = (rows: number) => onTheWay(view({ losses: stalled, noise: rows })).filter((f) => f.rule !== "stall");
    expect(noisy(3000)).toEqual([]);
    expect(noisy(5000).map(({ rule, severity, measured }) => [rule, severity, measured])).toEqual([
      ["gradient-noise", "warning", "the gradient's noise scale is 5000 rows, a batch has 32"],
    ]);
    expect(noisy(Infinity)[0].measured).toBe("the gradient's noise scale is beyond measure, a batch has 32");
    expect(noisy(5000)[0].advice[0].code).toBe("fit(model, set, { …, batchSize: 256 })");
  });
});

describe("every rule", () => {
  test("has a source, a normal range and a mechanism, and only repairs that there are", () => {
    for (const { source, normal, why, repairs: advised } of rules) {
      expect(source.length * normal.length).toBeGreaterThan(0);
      expect(why).toMatch(/^[A-Z].*\.$/);
      for (const repair of advised) expect(adviceFor(repair, undefined)).toMatchObject({ repair });
    }
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  });

  test("stands in the guide, and every repair", () => {
    const guide = readFileSync(join(import.meta.dirname, "../docs/guides/doctor.md"), "utf8");
    for (const { name } of rules) expect(guide).toContain(`| \`${name}\` |`);
    for (const name of [...Object.keys(repairs), "stopEarly"]) expect(guide).toContain(`| \`${name}\` |`);
  });
});
