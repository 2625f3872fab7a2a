/** Steps too small to get anywhere. */
import { memoryOf } from "../memory.js";
import { mean, median } from "../numbers.js";
import type { HealthSample } from "../record.js";
import { type Draft, type Rule, short } from "./rule.js";
import { climb, climbed, medianUpdate } from "./updates.js";
import type { RunView, StartView, View } from "./view.js";

/** Ten thousand updates of this size relative to the weight change little. */
const smallest = 1e-4;
/** Updates that are small for a run of some hundred steps. */
const small = 1e-3;
/** All updates together, relative to the weights: where they add up to less, weights are about as they were drawn. */
const leastWay = 0.1;
/** Of the loss of an answer that ignores the input: what begins below it was trained before, and what ends below it got somewhere. */
const [trained, done] = [0.5, 0.2];

export const learningRateLow: Rule = {
  name: "learning-rate-low",
  source: "updates of 1e-4 to 0.1 of the weights (TheDeepChecker); SageMaker Debugger's update ratio",
  normal: "updates above 0.0001 of the weights, that add up to a tenth of them, or a loss that falls",
  why: "Steps so small need many times the steps that are planned to get anywhere.",
  repairs: ["usualMemory", "raiseRate", "adaptiveOptimizer"],
  start(view): Draft | undefined {
    const { rehearsal, plan } = view;
    if (!rehearsal || rehearsal.length < 10) return damped(view);
    const [first, last] = [rehearsal[0], rehearsal[rehearsal.length - 1]];
    const fell = (first - last) / Math.abs(first);
    if (!(fell < 0.002) || !(last <= first)) return damped(view);
    return {
      severity: "fault",
      measured: `at a rate of ${short(plan.optimizer?.lr ?? Number.NaN)}, ${rehearsal.length} steps on one batch lower the loss by ${short(100 * fell)} %`,
      value: fell,
      normal: "more than 0.2 %",
    };
  },
  watch(view): Draft | undefined {
    const { course, layers, facts, repaired } = view;
    const { from, to } = climb(view);
    // Weights that long steps have thrown far off make the next ones look short.
    if (layers.length === 0 || to > climbed * from) return undefined;
    const update = medianUpdate(view);
    const ended = unfinished(view);
    const limits: Partial<Record<typeof course.name, number>> = {
      slow: small,
      stalled: smallest,
      oscillating: smallest,
    };
    const limit = ended ? (repaired ? Infinity : small) : limits[course.name];
    const left = course.recent >= 0.4 * (facts.chance ?? course.first);
    if (limit !== undefined && update < limit && (left || !ended))
      return { ...way(view, update), ...(ended && { normal: "a loss that has come to rest when the steps end" }) };
    return still(view, update) ?? gotNowhere(view, update);
  },
};

const way = ({ losses, course }: RunView, update: number): Draft => ({
  severity: "fault",
  measured: `${losses.length} steps took the loss from ${short(course.first)} to ${short(course.recent)}, with updates of ${short(update)} of the weights`,
  value: update,
});

/** At the end of the run the loss still falls: by a tenth from its middle fifth to its last. */
function unfinished({ step, total, losses }: RunView): boolean {
  if (step < total || losses.length < 50) return false;
  const fifth = Math.floor(losses.length / 5);
  return mean(losses.slice(-fifth)) < 0.9 * mean(losses.slice(2 * fifth, 3 * fifth));
}

/** Weights that moved by less than a hundredth, in a loss that hardly fell: whatever they were before, the run does nothing. */
function still(view: RunView, update: number): Draft | undefined {
  const { step, total, losses, course } = view;
  if (step < total || losses.length < 50 || course.recent < 0.8 * course.first) return undefined;
  return update * losses.length < leastWay / 10 ? way(view, update) : undefined;
}

function largestGradient({ layers }: HealthSample): number {
  let largest = -Infinity;
  for (const { weightGradient } of layers) largest = Math.max(largest, weightGradient);
  return largest;
}

/** A run from a fresh start that ends with much of the loss left, where weights hardly moved or ε held the steps back. */
function gotNowhere(view: RunView, update: number): Draft | undefined {
  const { step, total, losses, course, facts } = view;
  const { chance } = facts;
  if (chance === undefined || step < total || losses.length < 50) return undefined;
  const end = mean(losses.slice(-10)); // of a run that waited and then learned, the lowest
  if (course.first < trained * chance || end < done * chance) return undefined; // what was trained moves little
  const all = update * losses.length;
  if (all < leastWay)
    return {
      ...way(view, update),
      value: all,
      normal: `updates that add up to more than ${leastWay} of the weights`,
    };
  const eps = epsOf(view);
  if (eps === 0) return undefined;
  const largest = median(view.samples.map(largestGradient));
  if (!(eps > largest)) return undefined;
  return { ...way(view, update), ...held(eps, largest) };
}

/** What an optimizer that divides by the gradient's size adds to it; 0 for others. */
const epsOf = ({ plan: { optimizer } }: View): number => (optimizer ? (memoryOf(optimizer).eps ?? 0) : 0);

const held = (eps: number, largest: number) => ({
  why: "A step is the gradient over its size plus ε: where ε is the larger, steps are as small as the gradient is.",
  normal: `an ε far below the gradients, of which the largest weight's is ${short(largest)}: it is ${short(eps)}`,
});

/** ε outweighs the gradient of every weight, and the first steps are small beside the weights. */
function damped(view: StartView): Draft | undefined {
  const eps = epsOf(view);
  const { optimizer } = view.plan;
  if (!optimizer || eps === 0) return undefined;
  const updates: number[] = [];
  let largest = 0;
  for (const { rank, trainable, gradient, rms } of view.facts.parameters) {
    if (rank < 2 || !trainable || !(gradient > 0 && rms > 0)) continue;
    updates.push((optimizer.lr * gradient) / (gradient + eps) / rms);
    largest = Math.max(largest, gradient);
  }
  const update = median(updates);
  if (updates.length === 0 || eps <= largest || update >= small) return undefined;
  return {
    severity: "fault",
    measured: `with an ε of ${short(eps)} the first steps are ${short(update)} of the weights`,
    value: update,
    ...held(eps, largest),
  };
}
