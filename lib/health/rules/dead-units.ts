/** Units whose activation lets no gradient through, for any row. */
import { type Draft, hidden, percent, type Rule, whereStuck } from "./rule.js";
import type { LayerView, View } from "./view.js";

/** The share of a layer's units that are dead from which on it is a fault, before the first step and on the way. */
export const mostDead = { start: 0.5, later: 0.7 };

/** The share of all answers of a ReLU that are 0 from which on it is one, before the first step: half of them is usual. */
const mostSilent = 0.9;

function dead(view: View, from: number): Draft | undefined {
  const layer = hidden(view)
    .filter((l) => l.dead >= from)
    .sort((a, b) => b.dead - a.dead)[0];
  if (!layer) return undefined;
  return {
    severity: "fault",
    layer: layer.path,
    measured: `${percent(layer.dead)} of the units after ${layer.path} have slope 0 for every row`,
    value: layer.dead,
    normal: `below ${percent(from)}`,
  };
}

const isSilent = (l: LayerView): boolean => /^relu$/i.test(l.activation ?? "") && l.saturated >= mostSilent;

/** Units that answer a row now and then learn from that row alone. */
function silent(view: View): Draft | undefined {
  const layer = hidden(view).find(isSilent);
  return (
    layer && {
      severity: "fault",
      layer: layer.path,
      measured: `${percent(layer.saturated)} of what the ReLU after ${layer.path} answers is 0`,
      value: layer.saturated,
      normal: "about half",
      why: "A unit passes gradient only from rows that it answers: of few rows it learns little, and of none nothing.",
    }
  );
}

export const deadUnits: Rule = {
  name: "dead-units",
  // Of 400 healthy runs of the zoo none has a layer between 45 and 99 %: those at 100 % are branches that wait.
  source:
    "AUTOTRAINER (Zhang et al. 2021): 70 % of a layer; before the first step half of one; Lu et al. 2019, Dying ReLU",
  normal: "below half before the first step, below 70 % later",
  why: "A unit whose sums are negative for every row passes no gradient, so nothing brings it back.",
  repairs: ["reinitialize", "replaceActivation", "lowerRate"],
  start: (view) => dead(view, mostDead.start) ?? silent(view),
  watch: whereStuck((view) => dead(view, mostDead.later)),
};
