/** A watched run as a terminal shows it. */
import { expect, test } from "vitest";
import { table } from "../lib/health/index.js";
import { sparklines } from "../lib/health/table.js";
import { change, heading, layerName, number, percent, when } from "../lib/health/words.js";
import { vanishing, watched } from "./watched.js";

test("has a row per layer, the verdict and the findings", () => {
  const { health } = watched({ layers: 3 });
  const [layers, verdict, findings] = table(health).split("\n\n");
  const lines = layers.split("\n");
  expect(lines).toHaveLength(5);
  expect(lines[0]).toMatch(/^layer +signal +gradient +dead +saturated +update$/);
  expect(lines[2]).toMatch(
    /^layers\.0 +Linear, ReLU +[▁-█]{12} +[\d.]+ → [\d.]+ +[▁-█]{12} +[\d.e-]+ → [\d.e-]+ +[\d.]+ % +[\d.]+ % +[\d.e-]+$/,
  );
  expect(lines[4]).toMatch(/^layers\.2 +Linear +▁/); // the signal has died at the start
  expect(lines[4]).toMatch(/ 0 % +0 % /);
  expect(verdict).toBe(health.verdict);
  expect(findings.split("\n")).toHaveLength(4);
  expect(findings).toContain(vanishing.measured);
});

test("of a healthy run is short, and needs no look", () => {
  const { health } = watched({ ill: false });
  expect(table(health).split("\n\n")).toHaveLength(2);
  expect(table({ ...health, samples: [], verdict: "healthy" })).toBe("Healthy");
  expect(table({ ...health, samples: [{ ...health.samples[0], layers: [] }] })).toBe(health.verdict);
});

test("courses share a logarithmic scale, on which noise is flat", () => {
  expect(sparklines([[1e-8, 1e-4, 1]])).toEqual(["▁▅█"]);
  expect(
    sparklines([
      [1, 1],
      [1e-7, 1e-3],
    ]),
  ).toEqual(["██", "▁▅"]);
  expect(sparklines([[1, 1.1, 0.9, 1.05]])[0]).toMatch(/^[▄▅]+$/);
  expect(sparklines([[0, 1, Number.NaN, Infinity]])).toEqual(["▁▅××"]);
  expect(sparklines([[Number.NaN], [0]])).toEqual(["×", "▁"]);
  const long = Array.from({ length: 1000 }, (_, i) => (i === 500 ? 1e-9 : 1));
  expect(sparklines([long])[0]).toBe(`${"█".repeat(8)}▁${"█".repeat(7)}`);
});

test("words", () => {
  expect([0, 0.5, 1234.5678, 1.5e-7, 2e-9, 3e12, Number.NaN, -Infinity].map((x) => number(x))).toEqual([
    "0",
    "0.5",
    "1230",
    "1.5e-7",
    "2e-9",
    "3e12",
    "NaN",
    "-Infinity",
  ]);
  expect([0, 1e-5, 0.0123, 0.5, 1, Number.NaN].map(percent)).toEqual([
    "0 %",
    "< 0.1 %",
    "1.2 %",
    "50 %",
    "100 %",
    "NaN",
  ]);
  expect([change(1, 1.0001), change(1, 2)]).toEqual(["1", "1 → 2"]);
  expect(["0.weight", "weight", "encoder.blocks.12.attention.weight"].map((path) => layerName(path))).toEqual([
    "0",
    "(model)",
    "encoder.…attention",
  ]);
  expect([heading("vanishing-signal"), heading("lowerRate")]).toEqual(["Vanishing signal", "Lower rate"]);
  expect([when(0), when(7)]).toEqual(["before the first step", "step 7"]);
});

test("refuses what is no record", () => {
  expect(() => table(undefined as never)).toThrow(
    "table: record must be history.health of a watched run, got undefined. Give fit { health: true }",
  );
});
