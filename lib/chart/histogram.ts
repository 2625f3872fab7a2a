/** The histogram: counts in equal parts of a range, as an area in steps. */
import { checkOptions, fail, show } from "../error.js";
import { checkedWidth, plotOf } from "./plot.js";
import { colourCount, element, hint, path, picture } from "./svg.js";

/** What a histogram shows. */
export interface HistogramChart {
  readonly title: string;
  /** What was counted, with its unit. */
  readonly label: string;
  /** How many lie in each of equal parts of [min, max]. */
  readonly counts: readonly number[];
  readonly min: number;
  readonly max: number;
  /** Which of the six colours; the first unless told. */
  readonly colour?: number;
  /** Of the picture, in pixels of its own: 760 unless told. */
  readonly width?: number;
}

/**
 * A histogram as the text of an SVG file, which reads well on light and dark pages.
 * @throws if there are no counts, or the range is not finite
 * @example chart.histogram({ title: "Sums", label: "value", counts: [1, 4, 2], min: -1, max: 2 });
 */
export function histogram(options: HistogramChart): string {
  const op = "chart.histogram";
  checkOptions(op, options, ["title", "label", "counts", "min", "max", "colour", "width"]);
  const { title, counts, colour = 0 } = options;
  if (!counts?.length) fail(op, `counts must be a list of at least one, got ${show(counts)}`);
  const width = checkedWidth(op, options.width);
  const range = [options.min, options.max];
  if (!range.every(Number.isFinite) || range[0] > range[1])
    fail(op, `min and max must be finite numbers in order, got ${show(range)}`);
  const [min, max] = range[0] < range[1] ? range : [range[0] - 0.5, range[0] + 0.5];
  const axes = { x: { label: options.label, min, max }, y: { label: "count", min: 0, whole: true } };
  const plot = plotOf(axes, [[], counts], { width, y0: 44, height: Math.min(300, Math.round(width / 3.5)) });
  const step = plot.width / counts.length;
  const floor = plot.y0 + plot.height;
  const corners = counts.flatMap((count, i) => {
    const y = plot.up(count) ?? floor;
    const x = plot.x0 + i * step;
    return [
      [x, y],
      [x + step, y],
    ] as const;
  });
  const d = `${path([[plot.x0, floor], ...corners, [plot.x0 + plot.width, floor]])}Z`;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const words = `${total} values from ${Number(range[0].toPrecision(4))} to ${Number(range[1].toPrecision(4))}`;
  const area = element("path", { class: `f${colour % colourCount}`, d }, hint(words));
  return picture(title, width, plot.pictureHeight, [...plot.body, area]);
}
