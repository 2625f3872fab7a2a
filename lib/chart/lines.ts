/** The line chart. */
import { checkOptions, fail, show } from "../error.js";
import type { Axis } from "./axis.js";
import { checkedWidth, plotOf, usualWidth } from "./plot.js";
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
  /** Of the picture, in pixels of its own: 760 unless told. */
  readonly width?: number;
}

const [left, top, right] = [72, 44, 20];
const legendRow = 20;

/**
 * A line chart as the text of an SVG file, which reads well on light and dark pages.
 * @throws if there is no series
 * @example
 * const points = [[0, 1], [1, 0.1], [2, 0.01]] as const;
 * chart.lines({ title: "Decay", x: { label: "layer" }, y: { label: "variance", log: true }, series: [{ name: "tanh", points }] });
 */
export function lines(options: LineChart): string {
  checkOptions("chart.lines", options, ["title", "x", "y", "series", "marks", "width"]);
  const { title, series, marks = [] } = options;
  const width = checkedWidth("chart.lines", options.width);
  if (!series?.length) fail("chart.lines", `series must be a list of at least one, got ${show(series)}`);
  const valuesOn = (axis: 0 | 1): number[] => [
    ...series.flatMap(({ points }) => points.map((p) => p[axis])),
    ...marks.flatMap((mark) => (mark.axis === "xy"[axis] ? [mark.at] : [])),
  ];
  const [legend, legendHeight] = legendOf(series, width);
  const plot = plotOf(options, [valuesOn(0), valuesOn(1)], { width, y0: top + legendHeight });
  const { across, up, horizontal, vertical } = plot;
  const body = [...legend, ...plot.body];
  for (const { axis, at, text } of marks) {
    const place = axis === "x" ? across(at) : up(at);
    if (place === undefined) continue;
    const end = plot.x0 + plot.width - 5;
    const early = axis === "x" && place + 10 + 7 * text.length < end;
    body.push(axis === "x" ? vertical(place, "a d") : horizontal(place, "a d"));
    if (axis === "y") body.push(label(text, end, place - 5, { class: "e" }));
    else body.push(label(text, place + (early ? 5 : -5), plot.y0 + 14, early ? {} : { class: "e" }));
  }
  for (const [i, { name, points, dashed, colour = i }] of series.entries()) {
    const places = points.map(([px, py]) => {
      const [sx, sy] = [across(px), up(py)];
      return sx === undefined || sy === undefined ? undefined : ([sx, sy] as const);
    });
    const kind = `l l${colour % colourCount}${dashed ? " d" : ""}`;
    body.push(element("path", { class: kind, d: path(places) || "M0 0" }, hint(name)));
  }
  return picture(title, width, plot.pictureHeight, body);
}

/** The names with their strokes, in rows under the title, and the height that they take. */
function legendOf(series: readonly Series[], width: number): [body: string[], height: number] {
  const body: string[] = [];
  const start = width < usualWidth ? 16 : left;
  let [x, y] = [start, top];
  for (const [i, { name, dashed, colour = i }] of series.entries()) {
    const wide = 44 + 7 * name.length;
    if (x > start && x + wide > width - right) [x, y] = [start, y + legendRow];
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
