/** The line chart. */
import { checkOptions, fail, show } from "../error.js";
import { type Axis, scaleOf } from "./axis.js";
import { colourCount, element, hint, label, path, picture } from "./svg.js";

/** One line. */
export interface Series {
  readonly name: string;
  /** In the order in which they are joined; a value that is not finite breaks the line. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Drawn with dashes, as for what is expected rather than seen; false unless told. */
  readonly dashed?: boolean;
  /** Which of the six colours; the next one unless told. */
  readonly colour?: number;
}

/** What a line chart shows. */
export interface LineChart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Values across which a line is drawn, with words beside it. */
  readonly marks?: readonly { readonly axis: "x" | "y"; readonly at: number; readonly text: string }[];
}

const [width, left, top, right, bottom] = [760, 72, 44, 20, 48];
const plotHeight = 300;
const legendRow = 20;

/**
 * A line chart as the text of an SVG file, which reads well on light and dark pages.
 * @throws if there is no series
 * @example
 * const points = [[0, 1], [1, 0.1], [2, 0.01]] as const;
 * chart.lines({ title: "Decay", x: { label: "layer" }, y: { label: "variance", log: true }, series: [{ name: "tanh", points }] });
 */
export function lines(options: LineChart): string {
  checkOptions("chart.lines", options, ["title", "x", "y", "series", "marks"]);
  const { title, series, marks = [] } = options;
  if (!series?.length) fail("chart.lines", `series must be a list of at least one, got ${show(series)}`);
  const valuesOn = (axis: 0 | 1): number[] => [
    ...series.flatMap(({ points }) => points.map((p) => p[axis])),
    ...marks.flatMap((mark) => (mark.axis === "xy"[axis] ? [mark.at] : [])),
  ];
  const [x, y] = [scaleOf(options.x, valuesOn(0), 8), scaleOf(options.y, valuesOn(1), 6)];
  const [legend, legendHeight] = legendOf(series);
  const [x0, y0] = [left, top + legendHeight];
  const [plotWidth, height] = [width - left - right, y0 + plotHeight + bottom];
  const across = (value: number): number | undefined => map(x.at(value), (s) => x0 + s * plotWidth);
  const up = (value: number): number | undefined => map(y.at(value), (s) => y0 + (1 - s) * plotHeight);
  const body = [...legend];
  const horizontal = (at: number, kind: string): string =>
    element("path", {
      class: kind,
      d: path([
        [x0, at],
        [x0 + plotWidth, at],
      ]),
    });
  const vertical = (at: number, kind: string): string =>
    element("path", {
      class: kind,
      d: path([
        [at, y0],
        [at, y0 + plotHeight],
      ]),
    });
  for (const { value, text } of y.ticks) {
    const at = up(value) as number;
    body.push(horizontal(at, "g"), label(text, x0 - 8, at + 4, { class: "e" }));
  }
  for (const { value, text } of x.ticks) {
    const at = across(value) as number;
    body.push(vertical(at, "g"), label(text, at, y0 + plotHeight + 17, { class: "m" }));
  }
  body.push(horizontal(y0 + plotHeight, "a"), vertical(x0, "a"));
  body.push(label(options.x.label, x0 + plotWidth / 2, height - 10, { class: "m" }));
  const middle = y0 + plotHeight / 2;
  body.push(label(options.y.label, 16, middle, { class: "m", transform: `rotate(-90 16 ${middle})` }));
  for (const { axis, at, text } of marks) {
    const place = axis === "x" ? across(at) : up(at);
    if (place === undefined) continue;
    body.push(axis === "x" ? vertical(place, "a d") : horizontal(place, "a d"));
    body.push(
      axis === "x" ? label(text, place + 5, y0 + 14) : label(text, x0 + plotWidth - 5, place - 5, { class: "e" }),
    );
  }
  for (const [i, { name, points, dashed, colour = i }] of series.entries()) {
    const places = points.map(([px, py]) => {
      const [sx, sy] = [across(px), up(py)];
      return sx === undefined || sy === undefined ? undefined : ([sx, sy] as const);
    });
    const kind = `l l${colour % colourCount}${dashed ? " d" : ""}`;
    body.push(element("path", { class: kind, d: path(places) || "M0 0" }, hint(name)));
  }
  return picture(title, width, height, body);
}

const map = (value: number | undefined, f: (x: number) => number): number | undefined =>
  value === undefined ? undefined : f(value);

/** The names with their strokes, in rows under the title, and the height that they take. */
function legendOf(series: readonly Series[]): [body: string[], height: number] {
  const body: string[] = [];
  let [x, y] = [left, top];
  for (const [i, { name, dashed, colour = i }] of series.entries()) {
    const wide = 44 + 7 * name.length;
    if (x > left && x + wide > width - right) [x, y] = [left, y + legendRow];
    const kind = `l l${colour % colourCount}${dashed ? " d" : ""}`;
    body.push(
      element("path", {
        class: kind,
        d: path([
          [x, y],
          [x + 22, y],
        ]),
      }),
      label(name, x + 28, y + 4),
    );
    x += wide;
  }
  return [body, y - top + legendRow];
}
