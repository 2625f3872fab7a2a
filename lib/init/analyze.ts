/** What a model does with signals and gradients before its first step: measured, predicted, and judged. */
import { lines } from "../chart/index.js";
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { checkModule, type Module } from "../nn/module.js";
import { Generator, randn } from "../ops/index.js";
import type { Shape } from "../shape.js";
import { table } from "../table.js";
import { Tensor } from "../tensor.js";
import { inputOf, type Sample, traceFor } from "./auto.js";
import { defaultLoss } from "./loss.js";
import { measure } from "./measure.js";
import { type HessianSpectrum, hessian, type JacobianSpectrum, jacobian } from "./spectrum.js";
import { judgeLayers } from "./verdict.js";

/** One weighted sum and what follows it. */
export interface LayerAnalysis {
  /** Where the weight stands in the model. */
  readonly path: string;
  readonly layer: string;
  /** The activation that the sums pass through, if any. */
  readonly activation: string | undefined;
  readonly shape: Shape;
  /** Of the sums over the batch. */
  readonly mean: number;
  readonly variance: number;
  /** Second moment of the loss's gradient with respect to the sums. */
  readonly gradient: number;
  /** Share of units whose activation has slope 0 for every row. */
  readonly dead: number;
  /** Share of activations whose slope is below 0.05 in size. */
  readonly saturated: number;
  /** Mean cosine between what two rows become after the activation. */
  readonly correlation: number;
  /** Root of the mean square of each unit's mean over the batch, relative to that of the sums. */
  readonly unitMean: number;
  /** By mean-field theory: second moment of the sums, growth of the squared gradient, layers for an e-fold change. */
  readonly predicted: { readonly q: number; readonly chi: number; readonly depthScale: number };
  /** In plain words. */
  readonly verdict: string;
}

/** What {@link analyze} finds; as a string a table. */
export interface Analysis {
  readonly layers: readonly LayerAnalysis[];
  /** Slope of ln variance per hidden layer, forward, and of ln squared gradient per layer on the way back. */
  readonly forwardSlope: number;
  readonly backwardSlope: number;
  readonly loss: number;
  readonly jacobian: JacobianSpectrum;
  readonly hessian: HessianSpectrum;
  /** Whether no layer has a complaint. */
  readonly healthy: boolean;
  /** Signal and gradient through depth on a log axis, as the text of an SVG file. */
  svg(): string;
  toString(): string;
}

/** Options of {@link analyze}. */
export interface AnalyzeOptions {
  /** What the model shall learn, with `loss`; random unless told. */
  y?: Tensor;
  /** From output and y to a scalar: cross-entropy of random labels, or for one output the square, unless told. */
  loss?: (output: Tensor, y: Tensor) => Tensor;
  /** Of random numbers; 0. */
  seed?: number;
}

/**
 * Passes a batch forward and back through a model as it begins and says, layer by layer in plain words, whether signal and
 * gradient survive; beside what is measured stands what mean-field theory predicts from the weights' variances alone. Norms
 * use the batch's statistics, dropout is off, and nothing is changed.
 * @param sample a batch (N, …), or the shape of one to be drawn from N(0, 1)
 * @throws if the model does not accept the sample
 * @example const analysis = await init.analyze(model, [64, 4]);
 * console.log(`${analysis}`); // a table
 */
export async function analyze(model: Module, sample?: Sample, options: AnalyzeOptions = {}): Promise<Analysis> {
  const op = "init.analyze";
  checkOptions(op, options, ["y", "loss", "seed"]);
  checkModule(op, "model", model);
  const { seed = 0 } = options;
  checkNumber(op, "seed", seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
  const generator = new Generator(seed);
  const given = inputOf(op, model, sample);
  const rows = sample === undefined ? [64, ...given.shape.slice(1)] : given.shape;
  const x = sample instanceof Tensor ? sample : randn(rows, { generator });
  if (x.dtype !== "f32") fail(op, `sample must be f32, got ${x.dtype}. Give x.cast("f32") or a shape`);
  if (options.loss !== undefined && typeof options.loss !== "function")
    fail(op, `loss must be a function of (output, y), got ${show(options.loss)}`);
  const structure = traceFor(op, model, x, "batch");
  const { uses, output } = structure;
  if (uses.length === 0) fail(op, "the model must have a weight of two axes that meets the input, got none");
  const loss = defaultLoss(op, output, options, generator);
  const { findings, forwardSlope, backwardSlope, values } = await measure(
    structure,
    x,
    sample instanceof Tensor,
    loss,
    [loss],
  );
  const layers = judgeLayers(findings);
  const trainable = model.parameters().filter((p) => p.trainable);
  const analysis = {
    layers,
    forwardSlope,
    backwardSlope,
    loss: values[0][0],
    jacobian: await jacobian(x, output, generator),
    hessian: await hessian(loss, trainable, generator),
    healthy: layers.every(({ verdict }) => verdict.startsWith("healthy")),
  };
  const methods = { svg: () => picture(layers), toString: () => render(analysis) };
  return Object.defineProperties(Object.assign(analysis, methods), {
    svg: { enumerable: false },
    toString: { enumerable: false },
  });
}

const digits = (x: number): string =>
  Number.isNaN(x) ? "" : Math.abs(x) >= 1e4 || (Math.abs(x) < 1e-2 && x !== 0) ? x.toExponential(1) : x.toPrecision(3);
const percent = (x: number): string => (Number.isNaN(x) ? "" : `${(100 * x).toFixed(0)} %`);

function render(analysis: Omit<Analysis, "svg" | "toString">): string {
  const { layers, forwardSlope, backwardSlope, loss, jacobian: j, hessian: h } = analysis;
  const head = [
    "weight",
    "then",
    "verdict",
    "variance",
    "predicted",
    "gradient",
    "χ",
    "dead",
    "flat",
    "alike",
    "unit mean",
  ];
  const body = layers.map((r) => [
    r.path,
    r.activation ?? "",
    r.verdict,
    digits(r.variance),
    digits(r.predicted.q),
    digits(r.gradient),
    digits(r.predicted.chi),
    percent(r.dead),
    percent(r.saturated),
    digits(r.correlation),
    digits(r.unitMean),
  ]);
  const growth = (slope: number): string => `× ${digits(Math.exp(slope))} a layer`;
  return [
    table([head, ...body], { left: 3 }),
    `signal variance ${growth(forwardSlope)}, squared gradient ${growth(backwardSlope)} on its way back`,
    Number.isNaN(j.condition)
      ? `Jacobian: ${j.largest === 0 ? "0, as the output does not depend on the input yet" : "not finite"}`
      : `Jacobian: largest singular value ${digits(j.largest)}, condition ${j.exact ? "" : "at least "}${digits(j.condition)}`,
    Number.isNaN(h.largest)
      ? `loss ${digits(loss) || "not finite"}, and so its curvature`
      : `loss ${digits(loss)}, largest curvature ${digits(h.largest)}: ${
          h.learningRate === Infinity
            ? "no direction limits the rate"
            : `gradient descent diverges above a rate of ${digits(h.learningRate)}`
        }`,
  ].join("\n");
}

function picture(layers: readonly LayerAnalysis[]): string {
  const points = (of: (layer: LayerAnalysis) => number) => layers.map((l, i): [number, number] => [i + 1, of(l)]);
  const positive = (v: number): number => (v > 0 ? v : Number.NaN);
  return lines({
    title: "Signal and gradient through depth",
    x: { label: "layer" },
    y: { label: "variance", log: true },
    series: [
      { name: "signal", points: points((l) => positive(l.variance)), colour: 0 },
      { name: "signal, predicted", points: points((l) => positive(l.predicted.q)), colour: 0, dashed: true },
      { name: "squared gradient", points: points((l) => positive(l.gradient)), colour: 1 },
    ],
  });
}
