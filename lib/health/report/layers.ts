/** The section of layers: their numbers through time as heat maps, and by depth. */
import { heatMap, lines } from "../../chart/index.js";
import { median } from "../numbers.js";
import type { HealthRecord, LayerSample } from "../record.js";
import { change, layerName, number, percent } from "../words.js";
import { chartWidth, grid, type Picture, type Section, text } from "./section.js";
import { farthest, stretches } from "./thin.js";

const columns = 48;

/** One quantity of every layer through time. */
interface Quantity {
  readonly title: string;
  readonly caption: string;
  readonly value: (sample: LayerSample) => number;
  /** Which value is pale; the median of all unless told. */
  readonly normal?: number;
  /** Shown as a multiple of what it was at the first look. */
  readonly relative?: boolean;
  /** Decades on either side: at least, and at most. */
  readonly reach: readonly [least: number, most: number];
}

/** Shown by their decimal logarithms. */
const quantities: readonly Quantity[] = [
  {
    title: "Signal",
    caption: "Variance of the sums. Pale is 1: blue has died down, red has blown up.",
    value: (s) => s.variance,
    normal: 1,
    reach: [2, 12],
  },
  {
    title: "Gradient",
    caption: "Second moment of the loss's gradient by the sums. Pale is the median of all.",
    value: (s) => s.gradient,
    reach: [2, 12],
  },
  {
    title: "Update",
    caption: "Size of a step's change of the weights relative to them. Pale is 0.001, a usual one.",
    value: (s) => s.update,
    normal: 1e-3,
    reach: [2, 5],
  },
  {
    title: "Weights",
    caption: "Size of the weights, as a multiple of the first look's.",
    value: (s) => s.weight,
    normal: 1,
    relative: true,
    reach: [0.5, 6],
  },
];

/** Shown as they are, between 0 and 1. */
const shares: readonly { title: string; caption: string; value: (sample: LayerSample) => number }[] = [
  {
    title: "Dead units",
    caption: "Share of units whose activation has no slope for any row.",
    value: (s) => s.dead,
  },
  {
    title: "Saturation",
    caption: "Share of activations whose slope is below 0.05; about half of them are under ReLU, as they should be.",
    value: (s) => s.saturated,
  },
];

/** (layers, samples) of one quantity. */
const seriesOf = ({ layers, samples }: HealthRecord, value: (sample: LayerSample) => number): number[][] =>
  layers.map((_, i) => samples.map((sample) => value(sample.layers[i])));

function map(
  record: HealthRecord,
  { title, caption }: { title: string; caption: string },
  values: readonly (readonly number[])[],
  scale: readonly [number, number, number],
  format: (value: number) => string,
): Picture {
  const rows = record.layers.map(({ path }) => layerName(path, 12));
  const names = stretches(record.samples.length, columns).map(([from]) => `${record.samples[from].step}`);
  const cells = values.map((row) => farthest(row, scale[1], columns));
  return { svg: heatMap({ title, rows, columns: names, values: cells, scale, format, width: chartWidth }), caption };
}

function logMap(record: HealthRecord, quantity: Quantity): Picture {
  const values = seriesOf(record, (s) => Math.log10(quantity.value(s))).map((row) =>
    quantity.relative ? row.map((v) => v - row[0]) : row,
  );
  const all = values.flat().filter(Number.isFinite);
  const middle = quantity.normal === undefined ? median(all) : Math.log10(quantity.normal);
  const [least, most] = quantity.reach;
  const widest = Math.max(...all.map((v) => Math.abs(v - middle)), least);
  const reach = Math.min(most, widest);
  return map(record, quantity, values, [middle - reach, middle, middle + reach], (v) => number(10 ** v, 2));
}

/** A quantity by depth, at the first look and the last. */
function profile(record: HealthRecord, { title, value }: Quantity): string {
  const { samples } = record;
  const looks = samples.length > 1 ? [samples[0], samples[samples.length - 1]] : [samples[0]];
  const series = looks.map(({ step, layers }) => ({
    name: step === 0 ? "at the start" : `step ${step}`,
    points: layers.map((layer, i) => [i + 1, value(layer)] as const),
  }));
  const x = { label: "weighted layer, from the input on", min: 1, max: Math.max(2, record.layers.length), whole: true };
  return lines({ title: `${title} by depth`, x, y: { label: "", log: true }, series, width: chartWidth });
}

function numbers({ layers, samples }: HealthRecord): string {
  const [first, last] = [samples[0], samples[samples.length - 1]];
  const head = ["layer", "kind", "signal", "gradient", "dead", "saturated", "weights", "update"];
  const rows = layers.map(({ path, layer, activation }, i) => {
    const [a, b] = [first.layers[i], last.layers[i]];
    return [
      layerName(path, 40),
      activation ? `${layer}, ${activation}` : layer,
      change(a.variance, b.variance),
      change(a.gradient, b.gradient),
      percent(b.dead),
      percent(b.saturated),
      change(a.weight, b.weight),
      number(b.update),
    ];
  });
  return `<details>${text("summary", "The numbers, from the first look to the last")}${grid(head, rows)}</details>`;
}

export function layersSection(whole: HealthRecord): Section | undefined {
  const { layers } = whole;
  // A repair may have changed which layers there are: looks from before do not show these.
  const samples = whole.samples.filter((sample) => sample.layers.length === layers.length);
  const record = { ...whole, samples };
  if (!layers.length || !samples.length) return undefined;
  const pictures = quantities.map((quantity) => logMap(record, quantity));
  const unseen: string[] = [];
  for (const share of shares) {
    const values = seriesOf(record, share.value);
    if (values.flat().every((v) => v === 0)) unseen.push(share.title.toLowerCase());
    else pictures.push(map(record, share, values, [0, 0, 1], percent));
  }
  if (layers.length > 1)
    for (const quantity of quantities.slice(0, 2)) pictures.push({ svg: profile(record, quantity) });
  const lead = "A row per weighted layer, from the input down; steps from left to right.";
  const none = unseen.length ? ` There was no sign of ${unseen.join(" or ")}.` : "";
  return { id: "layers", title: "Layers through time", body: text("p", lead + none) + numbers(record), pictures };
}
