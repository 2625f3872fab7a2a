/** Charts: what is drawn where, round ticks, and refusals. */
import { describe, expect, test } from "vitest";
import { type Axis, scaleOf } from "../lib/chart/axis.js";
import * as chart from "../lib/chart/index.js";

const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);
const paths = (svg: string): string[] => [...svg.matchAll(/<path class="l [^>]*? d="([^"]*)"/g)].map(([, d]) => d);

describe("axes", () => {
  test.each<[string, Axis, number[], string[]]>([
    ["round steps", { label: "" }, [0, 97], ["0", "20", "40", "60", "80", "100"]],
    ["negative", { label: "" }, [-0.83, 0.2], ["-1", "-0.8", "-0.6", "-0.4", "-0.2", "0", "0.2"]],
    ["decades", { label: "", log: true }, [0.02, 3000], ["10⁻²", "10⁻¹", "1", "10¹", "10²", "10³", "10⁴"]],
    ["bounds that are given", { label: "", min: -1, max: 2 }, [-50, 50], ["-1", "-0.5", "0", "0.5", "1", "1.5", "2"]],
    ["one value", { label: "" }, [3], ["3", "3.2", "3.4", "3.6", "3.8", "4"]],
    ["nothing", { label: "" }, [Number.NaN, Infinity], ["0", "0.2", "0.4", "0.6", "0.8", "1"]],
  ])("%s", (_, axis, values, ticks) => {
    expect(scaleOf(axis, values, 6).ticks.map(({ text }) => text)).toEqual(ticks);
  });

  test("show only what lies within them", () => {
    const { at } = scaleOf({ label: "", log: true }, [1e-40, 1e40], 6);
    expect([1e-40, 1, 1e40].map(at)).toEqual([0, 0.5, 1].map((share) => expect.closeTo(share, 12)));
    expect([0, -1, Number.NaN, Infinity, 1e60].map(at)).toEqual(Array(5).fill(undefined));
  });
});

describe("lines", () => {
  const axes = { x: { label: "layer" }, y: { label: "variance & more" } };
  const svg = chart.lines({
    title: "<A>",
    ...axes,
    series: [
      {
        name: "seen",
        points: [
          [0, 0],
          [1, 1],
          [2, Number.NaN],
          [3, 1],
          [4, 0],
        ],
      },
      {
        name: "expected",
        points: [
          [0, 1],
          [4, 0],
        ],
        dashed: true,
      },
    ],
    marks: [{ axis: "y", at: 0.5, text: "half" }],
  });

  test("have their words, escaped", () => {
    expect(texts(svg)).toEqual(
      expect.arrayContaining(["&lt;A&gt;", "layer", "variance &amp; more", "seen", "expected", "half"]),
    );
  });

  test("break where a value is not finite", () => {
    const [, , seen, expected] = paths(svg);
    expect([seen.match(/M/g), seen.match(/L/g), expected.match(/M/g)].map((m) => m?.length)).toEqual([2, 2, 1]);
  });

  test("are dashed where told", () => {
    expect(svg.match(/class="l l1 d"/g)).toHaveLength(2);
  });
});

test("bars are as long as their values, with ranges as brackets and words for what is no number", () => {
  const svg = chart.bars({
    title: "Accuracy",
    x: { label: "%", min: 0, max: 100 },
    bars: [
      { name: "a", value: 80, range: [70, 90] },
      { name: "b", value: 40 },
      { name: "c", value: Number.NaN, note: "not finite" },
    ],
  });
  const widths = [...svg.matchAll(/<rect class="f0"[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(widths[0]).toBeCloseTo(2 * widths[1], 1);
  expect(widths[2]).toBe(0);
  expect(texts(svg)).toEqual(expect.arrayContaining(["80", "40", "not finite"]));
  expect(svg).toContain("expected 70 to 90");
});

test("the longest bar leaves room for its words", () => {
  const note = "3.47× a peer with a long name";
  const svg = chart.bars({ title: "t", x: { label: "", min: 0, max: 1 }, bars: [{ name: "a", value: 1, note }] });
  const at = Number(new RegExp(`<text x="([\\d.]+)"[^>]*>${note}`).exec(svg)?.[1]);
  expect(at + 6 * note.length).toBeLessThan(760);
});

test("a heat map colours from blue over pale to red", () => {
  const values = [
    [-2, -1, 0],
    [1, Infinity, Number.NaN],
  ];
  const svg = chart.heatMap({ title: "t", rows: ["a", "b"], columns: ["x", "y", "z"], values, scale: [-1, 0, 1] });
  const fills = [...svg.matchAll(/fill="(rgb[^"]*)"/g)].map(([, fill]) => fill);
  const [blue, pale, red, grey] = ["rgb(33,102,172)", "rgb(247,247,247)", "rgb(178,24,43)", "rgb(150,150,150)"];
  expect(fills).toEqual([blue, blue, pale, red, red, grey]);
  expect(svg).toContain("b, x: 1.00");
});

const axis: Axis = { label: "" };
const map = { title: "t", rows: ["a"], columns: ["x", "y"], values: [[1, 2]], scale: [0, 1, 2] as const };
test.each<[() => string, RegExp]>([
  [
    () => chart.lines({ title: "t", x: axis, y: axis, series: [] }),
    /^chart.lines: series must be a list of at least one, got \[\]/,
  ],
  [
    () => chart.lines({ title: "t", x: axis, y: axis, serie: [] } as never),
    /unknown option "serie". Did you mean "series"/,
  ],
  [() => chart.bars({ title: "t", x: axis, bars: [] }), /^chart.bars: bars must be a list of at least one, got \[\]/],
  [
    () => chart.heatMap({ ...map, rows: [] }),
    /^chart.heatMap: rows and columns must have names, got \[\] and \["x","y"\]/,
  ],
  [() => chart.heatMap({ ...map, values: [[1]] }), /values must be 1 lists of 2, got a list of 1/],
  [() => chart.heatMap({ ...map, values: [] }), /values must be 1 lists of 2, got 0 lists/],
])("refusals: %s", (draw, message) => {
  expect(draw).toThrow(message);
});
