/** The heat map: a table whose cells are coloured by their values. */
import { checkOptions, fail, show } from "../error.js";
import { element, hint, label, picture } from "./svg.js";

/** What a heat map shows. */
export interface HeatMap {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** One list per row; a value that is not finite is drawn at the end of the scale where it belongs, NaN grey. */
  readonly values: readonly (readonly number[])[];
  /** Values at the blue end, in the pale middle and at the red end of the scale. */
  readonly scale: readonly [low: number, middle: number, high: number];
  /** A cell's words; the value with three digits unless told. */
  readonly format?: (value: number) => string;
  /** What the colours mean, under the table. */
  readonly legend?: string;
}

type Colour = readonly [red: number, green: number, blue: number];

/** ColorBrewer's RdBu, which the colour-blind can read. */
const [blue, pale, red]: readonly Colour[] = [
  [33, 102, 172],
  [247, 247, 247],
  [178, 24, 43],
];

const [top, row, column] = [44, 26, 78];

/**
 * A heat map as the text of an SVG file, which reads well on light and dark pages.
 * @throws if there are no rows or columns, or the values are not one list per row and one value per column
 * @example
 * const values = [[-1, 0], [0, 1]];
 * chart.heatMap({ title: "Correlation", rows: ["a", "b"], columns: ["a", "b"], values, scale: [-1, 0, 1] });
 */
export function heatMap(options: HeatMap): string {
  const op = "chart.heatMap";
  checkOptions(op, options, ["title", "rows", "columns", "values", "scale", "format", "legend"]);
  const { title, rows, columns, values, scale, format = (x) => x.toPrecision(3), legend } = options;
  if (!rows?.length || !columns?.length)
    fail(op, `rows and columns must have names, got ${show(rows)} and ${show(columns)}`);
  const odd = values?.find((list) => list.length !== columns.length);
  if (values?.length !== rows.length || odd) {
    const got = odd ? `a list of ${odd.length}` : `${values?.length} lists`;
    fail(op, `values must be ${rows.length} lists of ${columns.length}, got ${got}`);
  }
  const left = 30 + 7 * Math.max(...rows.map((name) => name.length));
  const body: string[] = [];
  for (const [j, name] of columns.entries())
    body.push(label(name, left + column * (j + 0.5), top + 14, { class: "m" }));
  for (const [i, name] of rows.entries()) {
    const y = top + 22 + row * i;
    body.push(label(name, left - 8, y + 17, { class: "e" }));
    for (const [j, value] of values[i].entries()) {
      const text = format(value);
      const [fill, dark] = fillOf(value, scale);
      const box = { x: left + column * j + 1, y: y + 1, width: column - 2, height: row - 2, fill };
      body.push(element("rect", box, hint(`${name}, ${columns[j]}: ${text}`)));
      const style = `fill:${dark ? "#fff" : "#1d2733"}`;
      body.push(label(text, left + column * (j + 0.5), y + 17, { class: "m", style }));
    }
  }
  const height = top + 22 + row * rows.length + (legend ? 34 : 14);
  if (legend) body.push(label(legend, 16, height - 12));
  const width = Math.max(left + column * columns.length + 16, 32 + 7 * (legend?.length ?? 0), 40 + 8 * title.length);
  return picture(title, width, height, body);
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
