/** Losses on class labels and class probabilities: cross-entropy, negative log-likelihood, Kullback–Leibler divergence. */
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { labelLosses } from "../ops/crossEntropy.js";
import { sameShape, showShape } from "../shape.js";
import { Tensor } from "../tensor.js";
import { checkOutput, checkReduction, checkTarget, type LossOptions, type Reduction, reduceLoss } from "./reduction.js";

/** Options of {@link nll}. */
export interface NllOptions extends LossOptions {
  /** One weight (f32) per class; a mean divides by the sum of the weights that took part. */
  classWeights?: Tensor;
  /** Positions with this label do not count. */
  ignoreIndex?: number;
}

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions extends NllOptions {
  /** Share of the target that is spread over all classes evenly; 0 (Szegedy et al. 2016). */
  labelSmoothing?: number;
}

/** Scores (N, C, …) or (C) with the axis of the classes. */
interface Scores {
  op: string;
  x: Tensor;
  axis: number;
  classes: number;
}

interface Settings {
  classWeights: Tensor | undefined;
  ignoreIndex: number | undefined;
  labelSmoothing: number;
  reduction: Reduction;
}

function classAxis(op: string, name: string, x: Tensor): { axis: number; classes: number } {
  const axis = x.rank === 1 ? 0 : 1;
  if (x.rank === 0 || x.shape[axis] === 0) fail(op, `${name} must be (N, C, …) or (C), got ${showShape(x.shape)}`);
  return { axis, classes: x.shape[axis] };
}

function checkSettings(op: string, options: CrossEntropyOptions, classes: number): Settings {
  const { classWeights, ignoreIndex, labelSmoothing = 0, reduction = "mean" } = options;
  checkReduction(op, reduction);
  checkNumber(op, "labelSmoothing", labelSmoothing, { min: 0, max: 1 });
  if (ignoreIndex !== undefined)
    checkNumber(op, "ignoreIndex", ignoreIndex, { min: -(2 ** 31), max: 2 ** 31 - 1, integer: true });
  if (classWeights !== undefined) {
    checkOutput(op, "classWeights", classWeights);
    if (!sameShape(classWeights.shape, [classes])) {
      fail(
        op,
        `classWeights must have one weight for each of ${classes} classes, got ${showShape(classWeights.shape)}`,
      );
    }
  }
  return { classWeights, ignoreIndex, labelSmoothing, reduction };
}

const without = (x: Tensor, axis: number): number[] => x.shape.filter((_, i) => i !== axis);

/** Labels as i32 of the scores' shape without the classes. */
function checkLabels({ op, x, axis }: Scores, labels: Tensor): Tensor {
  const want = without(x, axis);
  if (!sameShape(labels.shape, want)) {
    const reshaped = labels.size === want.reduce((a, b) => a * b, 1) ? `. Use target.reshape(${showShape(want)})` : "";
    const oneHot = sameShape(labels.shape, x.shape) ? '. As probabilities: target.cast("f32")' : "";
    const hint = reshaped || oneHot;
    fail(
      op,
      `labels must have shape ${showShape(want)} for ${showShape(x.shape)}, got ${showShape(labels.shape)}${hint}`,
    );
  }
  return labels.cast("i32");
}

/** Class weights laid along the axis of the classes. */
const alongClasses = (weights: Tensor, { x, axis, classes }: Scores): Tensor =>
  weights.reshape(x.shape.map((_, i) => (i === axis ? classes : 1)));

/** What each label counts: its class's weight, 0 where ignored; undefined where each counts 1. */
function labelWeights(labels: Tensor, { classWeights, ignoreIndex }: Settings): Tensor | undefined {
  const counts = ignoreIndex === undefined ? undefined : labels.notEqual(ignoreIndex);
  if (!classWeights) return counts?.cast("f32");
  const own = classWeights.gather(counts ? counts.where(labels, 0) : labels);
  return counts ? counts.where(own, 0) : own;
}

/** −Σ w[c]·((1−ε)·t[c] + ε/C)·ln p[c]. */
function byProbability(scores: Scores, target: Tensor, settings: Settings): Tensor {
  const { op, x, axis, classes } = scores;
  const { classWeights, ignoreIndex, labelSmoothing, reduction } = settings;
  if (ignoreIndex !== undefined) fail(op, "ignoreIndex is for labels, got probabilities. Leave it out");
  const smooth = labelSmoothing > 0 ? target.mul(1 - labelSmoothing).add(labelSmoothing / classes) : target;
  const each = x.logSoftmax(axis).mul(classWeights ? smooth.mul(alongClasses(classWeights, scores)) : smooth);
  return reduceLoss(each.sum({ axes: axis }).neg(), reduction);
}

/**
 * Cross-entropy of logits, −ln softmax(logits)[label], keeping the digits of losses near 0.
 * @param logits (N, C), (N, C, …) or (C), before any softmax
 * @param target labels (i32 or u8) of the shape without C, or probabilities (f32) of the logits' shape
 * @param options label smoothing, class weights, an ignored label, and the reduction (`"mean"`), as in PyTorch
 * @throws if shapes or dtypes do not fit; when run, if a label is not from 0 to C − 1
 * @example const loss = nn.crossEntropy(tensor([[0, 20]]), tensor([1], [1], "i32"));
 * await loss.item() // 2.06e-9
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const op = "crossEntropy";
  checkOutput(op, "logits", logits);
  checkOptions(op, options, ["labelSmoothing", "classWeights", "ignoreIndex", "reduction"]);
  const { axis, classes } = classAxis(op, "logits", logits);
  const settings = checkSettings(op, options, classes);
  if (!(target instanceof Tensor)) fail(op, `target must be a tensor, got ${show(target)}. Make one with tensor(…)`);
  const scores = { op, x: logits, axis, classes };
  if (target.dtype === "i32" || target.dtype === "u8") {
    const labels = checkLabels(scores, target);
    const { classWeights: weights, ignoreIndex: ignore, labelSmoothing: smoothing, reduction } = settings;
    return reduceLoss(
      labelLosses(logits, labels, { axis, ignore, smoothing, weights }),
      reduction,
      labelWeights(labels, settings),
    );
  }
  if (target.dtype === "f32" && sameShape(target.shape, logits.shape)) return byProbability(scores, target, settings);
  const fix = sameShape(target.shape, without(logits, axis)) ? '. Use target.cast("i32")' : "";
  return fail(
    op,
    `target must be i32 labels ${showShape(without(logits, axis))} or f32 probabilities ${showShape(logits.shape)}, ` +
      `got ${target.dtype}${showShape(target.shape)}${fix}`,
  );
}

/**
 * Negative log-likelihood −logProbs[label] of what logSoftmax gives.
 * @param logProbs (N, C), (N, C, …) or (C)
 * @param labels i32 or u8 of the shape without C
 * @param options class weights, an ignored label, and the reduction (`"mean"`)
 * @throws if shapes or dtypes do not fit; when run, if a label is not from 0 to C − 1
 * @example const loss = nn.nll(logits.logSoftmax(), labels);
 * await loss.item() // as nn.crossEntropy(logits, labels)
 */
export function nll(logProbs: Tensor, labels: Tensor, options: NllOptions = {}): Tensor {
  const op = "nll";
  checkOutput(op, "logProbs", logProbs);
  checkOptions(op, options, ["classWeights", "ignoreIndex", "reduction"]);
  const { axis, classes } = classAxis(op, "logProbs", logProbs);
  const settings = checkSettings(op, options, classes);
  if (!(labels instanceof Tensor)) fail(op, `labels must be a tensor, got ${show(labels)}. Make one with tensor(…)`);
  if (labels.dtype !== "i32" && labels.dtype !== "u8")
    fail(op, `labels must be i32, got ${labels.dtype}. Use labels.cast("i32")`);
  const known = checkLabels({ op, x: logProbs, axis, classes }, labels);
  const weights = labelWeights(known, settings);
  const picked = logProbs.pick(known, { axis, ignore: settings.ignoreIndex }).neg();
  return reduceLoss(weights ? picked.mul(weights) : picked, settings.reduction, weights);
}

/** Options of {@link klDivergence}. */
export interface KlOptions {
  /** Whether the target holds logarithms too; false. */
  logTarget?: boolean;
  /** `"batchMean"` (the default) divides the sum by the rows (axis 0), which is the divergence per row. */
  reduction?: Reduction | "batchMean";
}

/**
 * Kullback–Leibler divergence Σ t·(ln t − input) of a target distribution from the model's.
 * @param logInput logarithms of probabilities, any shape
 * @param target probabilities of that shape, or their logarithms
 * @throws if the shapes differ
 * @example const loss = nn.klDivergence(student.logSoftmax(), teacher.softmax());
 * await loss.item() // 0 if they agree
 */
export function klDivergence(logInput: Tensor, target: Tensor, options: KlOptions = {}): Tensor {
  const op = "klDivergence";
  checkOutput(op, "logInput", logInput);
  checkOptions(op, options, ["logTarget", "reduction"]);
  const { logTarget = false, reduction = "batchMean" } = options;
  if (typeof logTarget !== "boolean") fail(op, `logTarget must be true or false, got ${show(logTarget)}`);
  checkReduction(op, reduction, ["batchMean", "mean", "sum", "none"]);
  const t = checkTarget(op, logInput, target);
  // t·ln t is 0 at t = 0.
  const loss = logTarget ? t.exp().mul(t.sub(logInput)) : t.mul(t.greater(0).where(t, 1).log().sub(logInput));
  if (reduction === "batchMean") return loss.sum().div(logInput.shape[0] ?? 1);
  return reduceLoss(loss, reduction);
}
