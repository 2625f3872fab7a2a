/** Activations far out, where they are flat. */
import { mostDead } from "./dead-units.js";
import { type Draft, hidden, percent, type Rule, whereStuck } from "./rule.js";
import type { View } from "./view.js";

/** Half of a ReLU's slopes are 0 as they should be. */
const oneSided = (activation: string | undefined): boolean =>
  activation === undefined || /relu|where|max|elu/i.test(activation);

function saturated(view: View, above: number): Draft | undefined {
  const layer = hidden(view)
    .filter((l) => !oneSided(l.activation) && l.saturated > above && l.dead < mostDead.start)
    .sort((a, b) => b.saturated - a.saturated)[0];
  if (!layer) return undefined;
  return {
    severity: "fault",
    layer: layer.path,
    measured: `${percent(layer.saturated)} of the slopes after ${layer.path} (${layer.activation}) are below 0.05`,
    value: layer.saturated,
    normal: `below ${percent(above)}`,
  };
}

export const saturatedUnits: Rule = {
  name: "saturated-units",
  source: "Glorot & Bengio 2010, § 3; DeepDiagnosis: more than half of a layer beyond |z| = 5",
  normal: "below 60 % before the first step, below 70 % later",
  why: "Where an activation is flat its slope is near 0, and so is every gradient that passes it.",
  repairs: ["reinitialize", "rescaleInputs", "normalize", "replaceActivation"],
  start: (view) => saturated(view, 0.6),
  watch: whereStuck((view) => saturated(view, 0.7)),
};
