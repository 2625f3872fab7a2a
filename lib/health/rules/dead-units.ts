/** Units whose activation lets no gradient through, for any row. */
import { type Draft, hidden, percent, type Rule, whereStuck } from "./rule.js";
import type { View } from "./view.js";

function dead(view: View, above: number): Draft | undefined {
  const layer = hidden(view)
    .filter((l) => l.dead > above)
    .sort((a, b) => b.dead - a.dead)[0];
  if (!layer) return undefined;
  return {
    severity: "fault",
    layer: layer.path,
    measured: `${percent(layer.dead)} of the units after ${layer.path} have slope 0 for every row`,
    value: layer.dead,
    normal: `below ${percent(above)}`,
  };
}

export const deadUnits: Rule = {
  name: "dead-units",
  source: "AUTOTRAINER (Zhang et al. 2021): 70 % of a layer; Lu et al. 2019, Dying ReLU",
  normal: "below 60 % before the first step, below 70 % later",
  why: "A unit whose sums are negative for every row passes no gradient, so nothing brings it back.",
  repairs: ["reinitialize", "replaceActivation", "lowerRate"],
  start: (view) => dead(view, 0.6),
  watch: whereStuck((view) => dead(view, 0.7)),
};
