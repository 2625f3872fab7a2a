/** Parameters that never change: not in the graph, not in the optimizer, or with a gradient of exactly 0. */
import type { ParameterFacts } from "../facts/parameters.js";
import { sum } from "../numbers.js";
import { type Draft, percent, type Rule } from "./rule.js";
import type { LayerView, View } from "./view.js";

/** The share of parameters that may be frozen without a word. */
const mostFrozen = 0.3;

/** `this.head.forward(x)` for `head.weight`. */
const callOf = (path: string): string =>
  path.includes(".") ? `this.${path.slice(0, path.lastIndexOf("."))}.forward(x)` : `x.mul(this.${path})`;

const letThrough = {
  text: "take away what stops gradients between it and the loss, such as stopGradient, round, sign or a comparison",
  code: "z.sigmoid() in place of z.greater(0)",
};

const isFrozen = (p: ParameterFacts): boolean => !p.trainable;
const isUnused = (p: ParameterFacts): boolean => !p.used;
const isForgotten = (p: ParameterFacts): boolean => p.trainable && !p.given;
const isCut = (p: ParameterFacts): boolean => p.used && p.trainable && p.gradient === 0 && p.rank >= 2;
const isAlike = (p: ParameterFacts): boolean => p.twins > 0.3;
const isZero = (p: ParameterFacts): boolean => p.rms === 0 && p.rank !== 1;
const isMostlyDead = (l: LayerView): boolean => l.dead > 0.5;

/** Whether no slope comes through what follows a layer, though it is no function that has none in places. */
const isStopped = (l: LayerView): boolean =>
  !l.head && !l.branch && l.dead === 1 && l.variance > 0 && !/relu|where|clamp/i.test(l.activation ?? "");

const sizeOf = (p: ParameterFacts): number => p.size;
const sizeOfAll = (list: readonly ParameterFacts[]): number => sum(list.map(sizeOf));

/** Frozen parameters: on purpose where they were trained before, which only the run itself can tell. */
function frozen({ facts: { parameters } }: View, severity: Draft["severity"]): Draft | undefined {
  const still = parameters.filter(isFrozen);
  const share = sizeOfAll(still) / sizeOfAll(parameters);
  if (!(share > mostFrozen)) return undefined;
  return {
    severity,
    layer: still[0].path,
    measured: `${percent(share)} of the parameters are frozen`,
    value: share,
    repairs: ["unfreeze"],
  };
}

export const noGradient: Rule = {
  name: "no-gradient",
  source: "structure: a parameter learns if the loss depends on it and the optimizer has it",
  normal: "every parameter that is not frozen has a gradient",
  why: "What gets no gradient stays as it was drawn, and what depends on it learns around noise.",
  repairs: [],
  start(view): Draft | undefined {
    const { parameters, layers } = view.facts;
    const unused = parameters.find(isUnused);
    if (unused)
      return {
        severity: "warning",
        layer: unused.path,
        measured: `the loss does not depend on ${unused.path}`,
        value: 0,
        byHand: [{ text: "let what forward returns be made with it, or leave it out", code: callOf(unused.path) }],
      };
    const forgotten = parameters.filter(isForgotten);
    if (forgotten.length)
      return {
        severity: "fault",
        layer: forgotten[0].path,
        measured: `the optimizer was not given ${forgotten[0].path}${forgotten.length > 1 ? ` and ${forgotten.length - 1} more` : ""}`,
        value: forgotten.length,
        repairs: ["giveAll"],
      };
    // A zero somewhere (an output, the scale of a branch) may hold the gradient back for the first step.
    const through = layers.find(isStopped);
    if (through)
      return {
        severity: "fault",
        layer: through.path,
        measured: `no gradient comes back to ${through.path} through ${through.activation}`,
        value: 0,
        byHand: [letThrough],
      };
    const shut = parameters.some(isAlike) || parameters.some(isZero) || layers.some(isMostlyDead);
    const cut = parameters.find(isCut);
    if (cut && !shut)
      return {
        severity: "fault",
        layer: cut.path,
        measured: `the gradient of ${cut.path} is exactly 0`,
        value: 0,
        byHand: [letThrough],
      };
    return frozen(view, "warning");
  },
  // Where steps blow up or swing, what is frozen is not the reason.
  watch: (view) => (view.course.name === "stalled" || view.course.name === "slow" ? frozen(view, "fault") : undefined),
};
