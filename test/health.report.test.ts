/** The page of a watched run: what it says, that it needs nothing else, and that it stays small. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { HealthRecord } from "../lib/health/record.js";
import { report } from "../lib/health/report/index.js";
import { farthest, thinned } from "../lib/health/report/thin.js";
import type { History } from "../lib/train/history.js";
import { rejection } from "./training.js";
import { vanishing, watched } from "./watched.js";

const folder = mkdtempSync(join(tmpdir(), "evengrad-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "report.html");

async function pageOf(history: History, title?: string): Promise<string> {
  await report(history, path, title === undefined ? {} : { title });
  return readFileSync(path, "utf8");
}

/** A run whose first look saw one layer less. */
function withFewer(): History {
  const history = watched();
  const [first, ...rest] = history.health.samples;
  const samples = [{ ...first, layers: first.layers.slice(1) }, ...rest];
  return { ...history, health: { ...history.health, samples } };
}

/** Elements that are opened and not closed, or closed and not opened. */
function unbalanced(page: string): string[] {
  const open: string[] = [];
  const found: string[] = [];
  for (const [, end, name, closed] of page.matchAll(/<(\/?)([a-zA-Z][\w-]*)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (closed || name === "meta") continue;
    if (!end) open.push(name);
    else if (open.pop() !== name) found.push(name);
  }
  return [...found, ...open];
}

/** What a reader sees: text without markup, pictures and rules. */
const wordsOf = (page: string): string =>
  page
    .replace(/<style>.*?<\/style>|<svg.*?<\/svg>/gs, "")
    .replace(/<[^>]*>/g, "\n")
    .replace(/\n+/g, "\n");

const titles = (page: string): string[] =>
  [...page.matchAll(/<svg[^>]* aria-label="([^"]*)"/g)].map(([, name]) => name);

describe("the page", () => {
  test("has verdict, facts, findings, repairs, curves, layers and histograms, in this order", async () => {
    const words = wordsOf(await pageOf(watched(), "Run 7"));
    const order = [
      ...["Run 7", "The signal dies on its way through layers.3.", "3 epochs, 300 steps, 1.2 s", "1 of 2 kept"],
      ...["#1", "Vanishing signal", "layers.3.weight, step 40", vanishing.measured, vanishing.normal],
      ...["Draw the weights anew for their activations", "await init.auto(model, { sample: batch.x });"],
      ...["Threshold: log-variance slope; Schoenholz et al. 2017", "#2", "before the first step"],
      ...["2 repairs tried, 1 kept", "kept", "the beginning", "loss 2.31 without, 0.8123 with it"],
      ...[
        "1 undone",
        "Put a batch norm behind each of 3 layers",
        "Vanishing signal, in layers.3.weight",
        "2.31",
        "NaN",
      ],
      ...["Curves", "Layers through time", "layers.0", "Linear, ReLU", "Histograms"],
    ];
    let from = words.indexOf("Run 7", words.indexOf("\n", 20));
    for (const text of order) {
      const at = words.indexOf(text, from);
      expect(at, text).toBeGreaterThanOrEqual(from);
      from = at;
    }
  });

  test("has a chart of everything that was recorded", async () => {
    expect(titles(await pageOf(watched({ layers: 2 })))).toEqual([
      ...["Loss, log scale", "Norm of the gradient, log scale", "Accuracy", "Rows given to the most frequent class"],
      ...[
        "Signal",
        "Gradient",
        "Update",
        "Weights",
        "Dead units",
        "Saturation",
        "Signal by depth",
        "Gradient by depth",
      ],
      ...["layers.0: signal", "layers.0: gradient", "layers.1: signal", "layers.1: gradient"],
    ]);
  });

  test("says so of a healthy run, and leaves out what there is not", async () => {
    const page = await pageOf(watched({ ill: false, histograms: false }));
    const words = wordsOf(page);
    expect(words).toContain("Healthy: nothing keeps this run from learning.");
    expect(words).toContain("Nothing stood out at any look.");
    expect(words).toContain("There was no sign of dead units.");
    expect(words).not.toMatch(/Repairs|Histograms/);
    expect(page).toContain('<header class="verdict">');
    expect(await pageOf(watched())).toContain('<header class="verdict ill">');
  });

  test("folds repairs that were undone away, unless there is nothing else", async () => {
    const of = async (outcome: "kept" | "undone") => {
      const history = watched();
      const repairs = history.health?.repairs.map((record) => ({ ...record, outcome }));
      return pageOf({ ...history, health: { ...(history.health as HealthRecord), repairs: repairs ?? [] } });
    };
    expect(await of("undone")).toMatch(/<details open><summary>2 undone/);
    expect(await of("kept")).not.toMatch(/<details[^>]*><summary>\d undone/);
    expect(await pageOf(watched())).toMatch(/<details><summary>1 undone/);
  });

  test("marks on its curves where something was found", async () => {
    const svg = /<svg[^>]* aria-label="Loss.*?<\/svg>/s.exec(await pageOf(watched()))?.[0];
    expect(svg).toContain(">#1<");
    expect(svg).not.toContain(">#2<"); // before the first step
  });

  test.each<[string, History]>([
    ["an ill run", watched()],
    ["a healthy one", watched({ ill: false, histograms: false })],
    ["a deep one", watched({ layers: 50, samples: 100 })],
    ["one look at one layer", watched({ layers: 1, samples: 1, epochs: 1, stepsPerEpoch: 1 })],
    ["no look", watched({ layers: 0, samples: 0 })],
    ["no step", { ...watched({ samples: 0 }), epochs: [], losses: [], gradNorms: [] }],
    ["looks from before a repair added layers", withFewer()],
    ["losses that are not finite", { ...watched(), losses: [1, Number.NaN, Infinity], gradNorms: [Number.NaN] }],
  ])("is whole and needs nothing from elsewhere: %s", async (_, history) => {
    const page = await pageOf(history);
    expect(unbalanced(page)).toEqual([]);
    const links = [...page.matchAll(/\b(?:href|src|srcset|action|data)="([^"]*)"/g)].map(([, to]) => to);
    const ids = [...page.matchAll(/<section id="(\w+)"/g)].map(([, id]) => `#${id}`);
    expect(links).toEqual(ids);
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:|<script|@import|url\(/);
    expect(page.match(/<style>/g)?.length).toBeLessThanOrEqual(2); // the page's and the charts'
    expect(page).not.toMatch(/undefined|\[object/);
  });

  test("fits a phone and follows the reader's colours", async () => {
    const page = await pageOf(watched());
    expect(page).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(page.match(/@media\(prefers-color-scheme:dark\)/g)).toHaveLength(2);
  });

  test("takes no text for markup", async () => {
    const evil = '"><script>alert(1)</script>&';
    const history = watched();
    const { health } = history;
    const finding = {
      ...{ ...vanishing, rule: evil as never, layer: evil, measured: evil, normal: evil, why: evil, source: evil },
      advice: [{ repair: evil as never, text: evil, code: evil }],
    };
    const page = await pageOf(
      {
        ...history,
        epochs: history.epochs.map((e) => ({ ...e, metrics: { [evil]: 1 } })),
        health: {
          ...health,
          verdict: evil,
          findings: [finding],
          repairs: health.repairs.map((r) => ({ ...r, finding, did: evil, code: evil, repair: evil as never })),
          layers: health.layers.map((layer) => ({ ...layer, path: evil, layer: evil, activation: evil })),
        },
      },
      evil,
    );
    expect(page).not.toContain("<script");
    expect(unbalanced(page)).toEqual([]);
    expect(page.split("&lt;script&gt;alert(1)&lt;/script&gt;&amp;").length).toBeGreaterThan(15);
  });

  test("stays small however long the run", async () => {
    const short = (await pageOf(watched({ samples: 48 }))).length;
    const long = (await pageOf(watched({ epochs: 10, stepsPerEpoch: 10_000, samples: 3000 }))).length;
    expect(long).toBeLessThan(1.3 * short);
  });
});

describe("thinning", () => {
  test("keeps the extremes and what is not finite, in order", () => {
    const values = Array.from({ length: 10_000 }, (_, i) => Math.sin(i / 500));
    values[1234] = 50;
    values[4321] = -60;
    values[5000] = Number.NaN;
    const points = thinned(values, 100);
    expect(points.length).toBeLessThanOrEqual(300);
    expect(points).toEqual(
      expect.arrayContaining(
        [
          [1234, 50],
          [4321, -60],
          [5000, Number.NaN],
        ].map((p) => expect.arrayContaining(p)),
      ),
    );
    expect(points.map(([x]) => x)).toEqual([...points.map(([x]) => x)].sort((a, b) => a - b));
    expect(points.every(([x, y]) => Object.is(values[x], y))).toBe(true);
  });

  test("leaves a short series as it is", () => {
    expect(thinned([3, 1, 2])).toEqual([
      [0, 3],
      [1, 1],
      [2, 2],
    ]);
    expect(thinned([])).toEqual([]);
  });

  test("takes of each stretch what lies farthest from normal", () => {
    expect(farthest([0, 1, -5, 2, 0, 3, 1, 1], 0, 4)).toEqual([1, -5, 3, 1]);
    expect(farthest([0, Number.NaN, 9, 1, -Infinity, 2], 0, 3)).toEqual([Number.NaN, 9, -Infinity]);
  });
});

test("refuses what it cannot show or write", async () => {
  const call = report as (history: unknown, path: unknown, options?: unknown) => Promise<void>;
  const message = async (...args: Parameters<typeof call>): Promise<string> => (await rejection(call(...args))).message;
  expect(await message(Promise.resolve(), path)).toBe(
    "report: history must be what fit returned, got a Promise. Await it first",
  );
  expect(await message({ ...watched(), health: undefined }, path)).toBe(
    "report: history must be of a run that was watched, got none. Give fit { health: true }",
  );
  expect(await message(watched(), "")).toBe('report: path must be the name of a file, got ""');
  expect(await message(watched(), path, { titel: "" })).toBe('report: unknown option "titel". Did you mean "title"?');
  expect(await message(watched(), path, { title: 3 })).toBe("report: title must be a text, got 3");
  expect(await message(watched(), join(folder, "none", "report.html"))).toMatch(
    /^report: .*report.html must be writable, got: ENOENT/,
  );
});
