/** The bar chart, its bars lying. */
import { checkOptions, fail, show } from "../error.js";
import { type Axis, scaleOf } from "./axis.js";
import { colourCount, element, hint, label, path, picture } from "./svg.js";

/** One bar. */
export interface Bar {
  readonly name: string;
  /** Not finite: no bar, but the words of `note`. */
  readonly value: number;
  /** A range beside it, drawn as a bracket: what was expected. */
  readonly range?: readonly [low: number, high: number];
  /** Words behind the bar; the value unless told. */
  readonly note?: string;
  /** Which of the six colours; the first unless told. */
  readonly colour?: number;
}

/** What a bar chart shows. */
export interface BarChart {
  readonly title: string;
  readonly x: Axis;
  readonly bars: readonly Bar[];
}

const [width, top, bottom, row] = [760, 40, 44, 26];
const letter = 7; // widths of texts, roughly

const textOf = ({ note, value }: Bar): string => note ?? `${Number(value.toPrecision(4))}`;

/**
 * A bar chart as the text of an SVG file, which reads well on light and dark pages.
 * @throws if there is no bar
 * @example chart.bars({ title: "Accuracy", x: { label: "%", min: 0 }, bars: [{ name: "He", value: 82.5, range: [80, 85] }] });
 */
export function bars(options: BarChart): string {
  checkOptions("chart.bars", options, ["title", "x", "bars"]);
  const { title, bars: list } = options;
  if (!list?.length) fail("chart.bars", `bars must be a list of at least one, got ${show(list)}`);
  const x = scaleOf(
    options.x,
    list.flatMap(({ value, range }) => [value, ...(range ?? [])]),
    8,
  );
  const left = 30 + letter * Math.max(...list.map(({ name }) => name.length));
  const right = 20 + letter * Math.max(...list.map((bar) => textOf(bar).length));
  const [plotWidth, plotHeight] = [width - left - right, row * list.length];
  const across = (value: number): number => left + plotWidth * (x.at(value) ?? 0);
  const body: string[] = [];
  for (const { value, text } of x.ticks) {
    const at = across(value);
    body.push(
      element("path", {
        class: "g",
        d: path([
          [at, top],
          [at, top + plotHeight],
        ]),
      }),
    );
    body.push(label(text, at, top + plotHeight + 16, { class: "m" }));
  }
  for (const [i, bar] of list.entries()) {
    const { name, value, range, colour = 0 } = bar;
    const y = top + row * i;
    const text = textOf(bar);
    const end = Number.isFinite(value) ? across(value) : left;
    body.push(label(name, left - 8, y + 17, { class: "e" }));
    const box = { class: `f${colour % colourCount}`, x: left, y: y + 5, width: end - left, height: row - 10 };
    body.push(element("rect", box, hint(`${name}: ${text}`)));
    const far = range ? Math.max(end, across(range[1])) : end;
    body.push(label(text, far + 6, y + 17));
    if (!range) continue;
    const [low, high, middle] = [across(range[0]), across(range[1]), y + row / 2];
    const d = path([
      [low, y + 3],
      [low, y + row - 3],
      undefined,
      [low, middle],
      [high, middle],
      undefined,
      [high, y + 3],
      [high, y + row - 3],
    ]);
    body.push(element("path", { class: "l l5", d }, hint(`expected ${range[0]} to ${range[1]}`)));
  }
  body.push(
    element("path", {
      class: "a",
      d: path([
        [left, top],
        [left, top + plotHeight],
      ]),
    }),
  );
  const height = top + plotHeight + bottom;
  body.push(label(options.x.label, left + plotWidth / 2, height - 8, { class: "m" }));
  return picture(title, width, height, body);
}
