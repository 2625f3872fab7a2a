/** A watched run for the terminal: its layers with their course, the verdict and the findings. */
import { fail, show } from "../error.js";
import { table as aligned } from "../table.js";
import { findingsTable } from "./finding.js";
import { ascending } from "./numbers.js";
import type { HealthRecord, LayerSample } from "./record.js";
import { farthest } from "./report/thin.js";
import { capital, change, layerName, number, percent } from "./words.js";

const ticks = "▁▂▃▄▅▆▇█";
/** Letters of a course. */
const width = 16;
/** Decades that the ticks span at least, so that noise looks as flat as it is. */
const decades = 2;

/** Courses of all layers on one logarithmic scale; × where a value is not finite, and 0 at the bottom. */
export function sparklines(rows: readonly (readonly number[])[]): string[] {
  const logs = rows.map((row) => row.map(Math.log10));
  const all = ascending(logs.flat().filter(Number.isFinite));
  const middle = (all[0] + all[all.length - 1]) / 2;
  const half = Math.max(decades, all[all.length - 1] - all[0]) / 2;
  const tick = (x: number): string => {
    if (x === -Infinity) return ticks[0];
    if (!Number.isFinite(x)) return "×";
    return ticks[Math.min(ticks.length - 1, Math.floor(((x - middle + half) / (2 * half)) * ticks.length))];
  };
  return logs.map((row) => farthest(row, middle, width).map(tick).join(""));
}

function layersTable({ layers, samples }: HealthRecord): string {
  // A repair may have changed which layers there are: looks from before do not show these.
  const looks = samples.filter((sample) => sample.layers.length === layers.length);
  if (!layers.length || !looks.length) return "";
  const [first, last] = [looks[0], looks[looks.length - 1]];
  const course = (value: (sample: LayerSample) => number): string[] =>
    sparklines(layers.map((_, i) => looks.map((look) => value(look.layers[i]))));
  const [signals, gradients] = [course((s) => s.variance), course((s) => s.gradient)];
  const rows = layers.map(({ path, layer, activation }, i) => {
    const [a, b] = [first.layers[i], last.layers[i]];
    return [
      layerName(path),
      activation ? `${layer}, ${activation}` : layer,
      signals[i],
      change(a.variance, b.variance, 2),
      gradients[i],
      change(a.gradient, b.gradient, 2),
      percent(b.dead),
      percent(b.saturated),
      number(b.update, 2),
    ];
  });
  const head = ["layer", "", "signal", "", "gradient", "", "dead", "saturated", "update"];
  return aligned([head, ...rows], { left: 6 });
}

/**
 * A watched run as text for a terminal: for each layer the course of its signal and gradient with first and last values, shares of
 * dead and saturated units and the relative update at the last look; then the verdict and the findings.
 * @throws if it is not given what a watched run left behind
 * @example
 * const history = await fit(model, train, { loss: nn.crossEntropy, optimizer, health: true });
 * if (history.health) console.log(health.table(history.health));
 */
export function table(record: HealthRecord): string {
  if (typeof record !== "object" || record === null || !Array.isArray(record.samples))
    fail("table", `record must be history.health of a watched run, got ${show(record)}. Give fit { health: true }`);
  const { verdict, findings } = record;
  const parts = [layersTable(record), capital(verdict), findings.length ? findingsTable(findings) : ""];
  return parts.filter(Boolean).join("\n\n");
}
