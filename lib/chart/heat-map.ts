/** The heat map: a table whose cells are coloured by their values. */
import { checkOptions, fail, show } from "../error.js";
import { checkedWidth } from "./plot.js";
import { element, hint, label, picture } from "./svg.js";

/** What a heat map shows. */
export interface HeatMap {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** One list per row; a value that is not finite is drawn at the end of the scale where it belongs, NaN grey. */
  readonly values: readonly (readonly number[])[];
  /** Values at the blue end, in the pale middle and at the red end of the scale; where the first two are equal nothing is blue. */
  readonly scale: readonly [low: number, middle: number, high: number];
  /** A cell's words; the value with three digits unless told. */
  readonly format?: (value: number) => string;
  /** What the colours mean, under the table. */
  readonly legend?: string;
  /**
   * Of the picture, in pixels of its own. Cells share it and are colours alone, above a bar that explains them; unless told,
   * each cell is wide enough for its words.
   */
  readonly width?: number;
}

type Colour = readonly [red: number, green: number, blue: number];

/** ColorBrewer's RdBu, which the colour-blind can read. */
const [blue, pale, red]: readonly Colour[] = [
  [33, 102, 172],
  [247, 247, 247],
  [178, 24, 43],
];

const [top, head, right] = [44, 22, 16];

/** Sizes of a map's parts. */
interface Layout {
  readonly left: number;
  readonly row: number;
  readonly column: number;
  /** Between cells. */
  readonly gap: number;
  readonly words: boolean;
}

/** What the longest name takes, with room beside it. */
const widest = (names: readonly string[]): number => 14 + 7 * Math.max(...names.map((name) => name.length));

function layoutOf({ rows, columns, width }: HeatMap): Layout {
  const left = 30 + 7 * Math.max(...rows.map((name) => name.length));
  if (width === undefined) return { left, row: 26, column: Math.max(78, widest(columns)), gap: 1, words: true };
  const row = rows.length <= 40 ? 16 : 8;
  const column = Math.max(1, width - left - right) / columns.length;
  return { left, row, column, gap: 0, words: false };
}

/**
 * A heat map as the text of an SVG file, which reads well on light and dark pages.
 * @throws if there are no rows or columns, or the values are not one list per row and one value per column
 * @example
 * const values = [[-1, 0], [0, 1]];
 * chart.heatMap({ title: "Correlation", rows: ["a", "b"], columns: ["a", "b"], values, scale: [-1, 0, 1] });
 */
export function heatMap(options: HeatMap): string {
  const op = "chart.heatMap";
  checkOptions(op, options, ["title", "rows", "columns", "values", "scale", "format", "legend", "width"]);
  const { title, rows, columns, values, scale, format = (x) => x.toPrecision(3), legend } = options;
  if (!rows?.length || !columns?.length)
    fail(op, `rows and columns must have names, got ${show(rows)} and ${show(columns)}`);
  const odd = values?.find((list) => list.length !== columns.length);
  if (values?.length !== rows.length || odd) {
    const got = odd ? `a list of ${odd.length}` : `${values?.length} lists`;
    fail(op, `values must be ${rows.length} lists of ${columns.length}, got ${got}`);
  }
  if (options.width !== undefined) checkedWidth(op, options.width);
  const { left, row, column, gap, words } = layoutOf(options);
  const body: string[] = [];
  for (const [j, name] of every(columns, widest(columns) / column))
    body.push(label(name, left + column * (j + 0.5), top + 14, { class: "m" }));
  for (const [i, name] of every(rows, 14 / row))
    body.push(label(name, left - 8, top + head + row * (i + 0.5) + 4, { class: "e" }));
  const cells: string[] = [];
  for (const [i, name] of rows.entries()) {
    const y = top + head + row * i;
    for (const [j, value] of values[i].entries()) {
      const text = format(value);
      const [fill, dark] = fillOf(value, scale);
      const x = left + column * j;
      const box = { x: x + gap, y: y + gap, width: column - 2 * gap, height: row - 2 * gap, fill };
      cells.push(element("rect", box, hint(`${name}, ${columns[j]}: ${text}`)));
      if (!words) continue;
      const style = `fill:${dark ? "#fff" : "#1d2733"}`;
      cells.push(label(text, x + column / 2, y + 17, { class: "m", style }));
    }
  }
  body.push(...(words ? cells : [crisp(cells)]));
  let height = top + head + row * rows.length + 14;
  if (!words) {
    body.push(...barOf(scale, format, left, height, column * columns.length));
    height += 34;
  }
  if (legend) {
    height += 20;
    body.push(label(legend, 16, height - 12));
  }
  const table = left + column * columns.length + right;
  const width = options.width ?? Math.max(table, 32 + 7 * (legend?.length ?? 0), 40 + 8 * title.length);
  return picture(title, width, height, body);
}

/** Names so far apart that they do not touch, with their places. */
function every(names: readonly string[], apart: number): [number, string][] {
  const step = Math.max(1, Math.ceil(apart - 1e-9));
  return [...names.entries()].filter(([i]) => i % step === 0);
}

/** Without seams between neighbours. */
const crisp = (cells: readonly string[]): string => element("g", { "shape-rendering": "crispEdges" }, cells.join("\n"));

const barSteps = 40;

/** The colours from end to end with the values that they stand for. */
function barOf(
  scale: HeatMap["scale"],
  format: (value: number) => string,
  left: number,
  top: number,
  width: number,
): string[] {
  const [low, , high] = scale;
  const middle = scale[1] === low ? (low + high) / 2 : scale[1];
  const step = width / barSteps;
  const at = (share: number): number =>
    share < 0.5 ? low + 2 * share * (middle - low) : middle + (2 * share - 1) * (high - middle);
  const cells = Array.from({ length: barSteps }, (_, i) => {
    const [fill] = fillOf(at((i + 0.5) / barSteps), scale);
    return element("rect", { x: left + i * step, y: top, width: step, height: 8, fill });
  });
  return [
    crisp(cells),
    label(format(low), left, top + 22),
    label(format(middle), left + width / 2, top + 22, { class: "m" }),
    label(format(high), left + width, top + 22, { class: "e" }),
  ];
}

/** A cell's colour, and whether words on it must be white. */
function fillOf(value: number, [low, middle, high]: HeatMap["scale"]): [fill: string, dark: boolean] {
  if (Number.isNaN(value)) return ["rgb(150,150,150)", false];
  const share = (value - middle) / ((value < middle ? low : high) - middle);
  const s = Math.min(1, Math.max(0, share));
  const end = value < middle ? blue : red;
  const mixed = pale.map((c, i) => Math.round(c + s * (end[i] - c)));
  return [`rgb(${mixed.join(",")})`, s > 0.6];
}
