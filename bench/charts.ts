/** Results as bar charts: ratios to the best peer where there are peers, values otherwise. */
import { type BarChart, bars } from "../lib/chart/index.js";
import type { Merged } from "./merge.js";
import { digits } from "./print.js";

/** Bars end here, so that one of 40× does not make dots of the others. */
const longest = 5;
const [behind, ahead] = [1, 2];

function chartOf(title: string, results: readonly Merged[]): BarChart {
  if (results.some(({ ratio }) => ratio !== null)) {
    return {
      title: `${title}: ratio to the best peer`,
      x: { label: `times better than the best peer (bars end at ${longest})`, min: 0 },
      bars: results.flatMap(({ case: name, ratio, range, best }) => {
        if (ratio === null) return [];
        const shown = range && range[1] <= longest && range[1] > range[0] ? { range } : {};
        const colour = ratio < 1 ? behind : ahead;
        return { name, value: Math.min(ratio, longest), note: `${ratio.toFixed(2)}× ${best}`, colour, ...shown };
      }),
    };
  }
  return {
    title,
    x: { label: results[0].unit, min: 0 },
    bars: results.map(({ case: name, ours, unit }) => ({
      name,
      value: ours.median,
      note: `${digits(ours.median)} ${unit}`,
    })),
  };
}

/** The text of an SVG file. */
export const draw = (title: string, results: readonly Merged[]): string => bars(chartOf(title, results));
