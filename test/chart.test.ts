/** Charts: what is drawn where, round ticks, and refusals. */
import { describe, expect, test } from "vitest";
import { type Axis, scaleOf } from "../lib/chart/axis.js";
import * as chart from "../lib/chart/index.js";
import { inlined } from "../lib/chart/svg.js";

const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);
const paths = (svg: string): string[] => [...svg.matchAll(/<path class="l [^>]*? d="([^"]*)"/g)].map(([, d]) => d);

describe("axes", () => {
  test.each<[string, Axis, number[], string[]]>([
    ["round steps", { label: "" }, [0, 97], ["0", "20", "40", "60", "80", "100"]],
    ["negative", { label: "" }, [-0.83, 0.2], ["-1", "-0.8", "-0.6", "-0.4", "-0.2", "0", "0.2"]],
    ["decades", { label: "", log: true }, [0.02, 3000], ["10⁻²", "10⁻¹", "1", "10¹", "10²", "10³", "10⁴"]],
    ["bounds that are given", { label: "", min: -1, max: 2 }, [-50, 50], ["-1", "-0.5", "0", "0.5", "1", "1.5", "2"]],
    ["one value", { label: "" }, [3], ["3", "3.2", "3.4", "3.6", "3.8", "4"]],
    ["whole numbers", { label: "", whole: true }, [1, 3], ["1", "2", "3"]],
    ["small numbers", { label: "" }, [0, 5e-6], ["0", "1e-6", "2e-6", "3e-6", "4e-6", "5e-6"]],
    ["large numbers", { label: "" }, [0, 3e6], ["0", "500000", "1e6", "1.5e6", "2e6", "2.5e6", "3e6"]],
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

test("a heat map of words names every column", () => {
  const columns = ["a", "a name of some length", "b", "c"];
  const svg = chart.heatMap({ title: "t", rows: ["x"], columns, values: [[1, 2, 3, 4]], scale: [0, 1, 4] });
  expect(texts(svg)).toEqual(expect.arrayContaining(columns));
});

test("a heat map of a given width shows colours alone, with a bar that explains them", () => {
  const values = Array.from({ length: 3 }, (_, i) => Array.from({ length: 100 }, (_, j) => i * j));
  const [rows, columns] = [["a", "b", "c"], values[0].map((_, j) => `${j}`)];
  const svg = chart.heatMap({
    title: "t",
    rows,
    columns,
    values,
    scale: [0, 99, 198],
    format: (x) => `<${x}>`,
    width: 420,
  });
  expect(svg).toContain('viewBox="0 0 420 ');
  const words = texts(svg);
  expect(words.slice(-3)).toEqual(["&lt;0&gt;", "&lt;99&gt;", "&lt;198&gt;"]);
  expect(words).toEqual(expect.arrayContaining(["a", "b", "c"]));
  expect(words.length).toBeLessThan(25); // few of a hundred columns have room for their names
  expect(svg).toContain("c, 99: &lt;198&gt;");
  const ends = [...svg.matchAll(/<rect x="([\d.]+)"[^>]*? width="([\d.]+)"/g)].map(([, x, width]) => +x + +width);
  expect(Math.max(...ends)).toBeLessThan(420);
});

test("a heat map whose low and middle are one has no blue", () => {
  const values = [[0, 0.5, 1, -1]];
  const columns = ["w", "x", "y", "z"];
  const svg = chart.heatMap({ title: "t", rows: ["a"], columns, values, scale: [0, 0, 1], width: 420 });
  const fills = [...svg.matchAll(/fill="(rgb[^"]*)"/g)].map(([, fill]) => fill);
  expect(fills.slice(0, 3)).toEqual(["rgb(247,247,247)", "rgb(213,136,145)", "rgb(178,24,43)"]);
  expect(fills.slice(4, 44).filter((fill) => fill.startsWith("rgb(33"))).toEqual([]);
  expect(texts(svg).slice(-3)).toEqual(["0.00", "0.500", "1.00"]);
});

describe("histograms", () => {
  const options = { title: "Sums & more", label: "value", counts: [1, 4, 0, 2], min: -1, max: 3 };

  test("have a step per count, from one bound to the other", () => {
    const svg = chart.histogram({ ...options, width: 420 });
    const d = /<path class="f0" d="([^"]*)"/.exec(svg)?.[1] ?? "";
    const [x, y] = [0, 1].map((k) => [...d.matchAll(/[\d.]+ [\d.]+/g)].map(([pair]) => +pair.split(" ")[k]));
    expect([...new Set(x)]).toEqual([72, 154, 236, 318, 400]);
    const [floor, , one, , four, , none] = y;
    expect(none).toBe(floor);
    expect(floor - four).toBeCloseTo(4 * (floor - one), 1);
    expect(svg).toContain("7 values from -1 to 3");
    expect(texts(svg)).toEqual(expect.arrayContaining(["Sums &amp; more", "value", "count", "-1", "0", "3", "4"]));
  });

  test("of one value lie around it", () => {
    const svg = chart.histogram({ ...options, counts: [5], min: 2, max: 2 });
    expect(texts(svg)).toEqual(expect.arrayContaining(["1.6", "2", "2.4"]));
    expect(svg).toContain("5 values from 2 to 2");
  });
});

test("lines of a given width: their legend and the words of their marks stay within", () => {
  const series = ["each step", "mean of epoch", "validation"].map((name) => ({ name, points: [[0, 1] as const] }));
  const marks = [{ axis: "x" as const, at: 99, text: "found #1" }];
  const svg = chart.lines({ title: "t", x: { label: "step", min: 0, max: 100 }, y: axis, series, marks, width: 420 });
  expect(svg).toContain('viewBox="0 0 420 ');
  const places = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"([^>]*)>([^<]*)/g)].map(([, x, y, rest, text]) => ({
    x: +x,
    y: +y,
    text,
    end: rest.includes('"e"'),
  }));
  const legend = places.filter(({ text }) => series.some(({ name }) => name === text));
  expect(new Set(legend.map(({ y }) => y)).size).toBe(1);
  expect(places.find(({ text }) => text === "found #1")).toMatchObject({ end: true });
});

test("pictures of one page share their rules", () => {
  const svg = chart.bars({ title: "t", x: { label: "" }, bars: [{ name: "a", value: 1 }] });
  const [first, second] = inlined([svg, svg]);
  expect(first).toBe(svg);
  expect(second).not.toContain("<style>");
  expect(second.length).toBeLessThan(svg.length - 500);
});

const axis: Axis = { label: "" };
const map = { title: "t", rows: ["a"], columns: ["x", "y"], values: [[1, 2]], scale: [0, 1, 2] as const };
const counts = { title: "t", label: "", counts: [1], min: 0, max: 1 };
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
  [() => chart.heatMap({ ...map, width: 20 }), /width must be a number at least 200 and at most 10000, got 20/],
  [
    () => chart.histogram({ ...counts, counts: [] }),
    /^chart.histogram: counts must be a list of at least one, got \[\]/,
  ],
  [
    () => chart.histogram({ ...counts, max: Infinity }),
    /min and max must be finite numbers in order, got \[0,Infinity\]/,
  ],
  [() => chart.histogram({ ...counts, lable: "" } as never), /unknown option "lable". Did you mean "label"/],
  [() => chart.heatMap({ ...map, values: [[1]] }), /values must be 1 lists of 2, got a list of 1/],
  [() => chart.heatMap({ ...map, values: [] }), /values must be 1 lists of 2, got 0 lists/],
])("refusals: %s", (draw, message) => {
  expect(draw).toThrow(message);
});
