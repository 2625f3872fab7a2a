/** All rules, causes before what follows from them: the first fault of a run is its most likely cause. */
import { adviceFor } from "../advice.js";
import type { Finding } from "../finding.js";
import { activationBeforeLoss } from "./activation-before-loss.js";
import { batchOfOne } from "./batch-of-one.js";
import { classImbalance } from "./class-imbalance.js";
import { collapse } from "./collapse.js";
import { constantFeatures } from "./constant-features.js";
import { constantTargets } from "./constant-targets.js";
import { deadUnits } from "./dead-units.js";
import { explodingGradient } from "./exploding-gradient.js";
import { explodingSignal } from "./exploding-signal.js";
import { gradientNoise } from "./gradient-noise.js";
import { headMismatch } from "./head-mismatch.js";
import { inputScale } from "./input-scale.js";
import { leak } from "./leak.js";
import { learningRateHigh } from "./learning-rate-high.js";
import { learningRateLow } from "./learning-rate-low.js";
import { longMemory } from "./long-memory.js";
import { missingNonlinearity } from "./missing-nonlinearity.js";
import { noGradient } from "./no-gradient.js";
import { nonFinite } from "./non-finite.js";
import { oscillation } from "./oscillation.js";
import { overfitting } from "./overfitting.js";
import { plateau } from "./plateau.js";
import type { Draft, Rule } from "./rule.js";
import { saturatedUnits } from "./saturated-units.js";
import { shuffledLabels } from "./shuffled-labels.js";
import { sortedRows } from "./sorted-rows.js";
import { spike } from "./spike.js";
import { stall } from "./stall.js";
import { strongDropout } from "./strong-dropout.js";
import { symmetricUnits } from "./symmetric-units.js";
import { targetScale } from "./target-scale.js";
import { vanishingGradient } from "./vanishing-gradient.js";
import { vanishingSignal } from "./vanishing-signal.js";
import type { RunView, StartView, View } from "./view.js";
import { strongDecay } from "./weight-decay.js";

/** Before the first step, rules in the order in which one causes another. */
const first: readonly Rule[] = [
  nonFinite,
  headMismatch,
  activationBeforeLoss,
  constantFeatures,
  constantTargets,
  symmetricUnits,
  noGradient,
  inputScale,
  targetScale,
  strongDropout,
  deadUnits,
  saturatedUnits,
  explodingSignal,
  vanishingSignal,
  explodingGradient,
  vanishingGradient,
  missingNonlinearity,
  batchOfOne,
  strongDecay,
  longMemory,
  classImbalance,
  sortedRows,
  shuffledLabels,
  leak,
  learningRateHigh,
  learningRateLow,
  gradientNoise,
];

/** On the way: steps too large kill units and blow up signals that were sound before. */
const later: readonly Rule[] = [
  headMismatch,
  noGradient,
  shuffledLabels,
  learningRateHigh,
  saturatedUnits,
  deadUnits,
  explodingSignal,
  vanishingSignal,
  explodingGradient,
  vanishingGradient,
  nonFinite,
  learningRateLow,
  overfitting,
  collapse,
  oscillation,
  stall,
  plateau,
  gradientNoise,
  spike,
];

/** Every rule once. */
export const rules: readonly Rule[] = [...new Set([...first, ...later])];

function findingOf(rule: Rule, draft: Draft, { step, plan: { optimizer } }: View): Finding {
  const { name, source, normal, why } = rule;
  const { severity, layer, measured, value, byHand = [] } = draft;
  const repairs = (draft.repairs ?? rule.repairs).flatMap((repair) => adviceFor(repair, optimizer) ?? []);
  return {
    ...{ rule: name, severity, layer, step, measured, value },
    ...{ normal: draft.normal ?? normal, why: draft.why ?? why, source, advice: [...byHand, ...repairs] },
  };
}

/** What the rules say before the first step. */
export function atStart(view: StartView): Finding[] {
  const found: Finding[] = [];
  for (const rule of first) {
    const draft = rule.start?.(view);
    if (draft) found.push(findingOf(rule, draft, view));
  }
  return found;
}

/** What the rules say on the way. */
export function onTheWay(view: RunView): Finding[] {
  const found: Finding[] = [];
  for (const rule of later) {
    const draft = rule.watch?.(view);
    if (draft) found.push(findingOf(rule, draft, view));
  }
  return found;
}
