/** Charts as SVG text, for reports and examples. */
export type { Axis } from "./axis.js";
export { type Bar, type BarChart, bars } from "./bars.js";
export { type HeatMap, heatMap } from "./heat-map.js";
export { type HistogramChart, histogram } from "./histogram.js";
export { type LineChart, lines, type Series } from "./lines.js";
