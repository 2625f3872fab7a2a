/** Initialization that looks at the model: `init.auto`, and LSUV for any module. */
import { checkNumber, checkOptions, EvengradError, fail, show } from "../error.js";
import { checkModule, type Module } from "../nn/module.js";
import type { TraceMode } from "../nn/trace.js";
import { defaultGenerator, zeros } from "../ops/index.js";
import { checkShape, type Shape, showShape } from "../shape.js";
import { table } from "../table.js";
import { Tensor } from "../tensor.js";
import { assign, replaceUnasked, streamOf } from "./assign.js";
import { drawByData, drawByTheory } from "./calibrate.js";
import { type Choice, choose } from "./choose.js";
import { generatorOf, type InitOptions } from "./initializer.js";
import { type Structure, structureOf, type WeightUse } from "./structure.js";

/** What one weight begins with, and why. */
export interface InitChoice {
  /** Where the weight stands in the model, e.g. `0.weight`. */
  readonly path: string;
  /** Class of its layer. */
  readonly layer: string;
  readonly shape: Shape;
  /** Distribution, e.g. `orthogonal`. */
  readonly draw: "normal" | "orthogonal" | "zeros";
  /** Standard deviation of the weight's elements, before any scaling by data. */
  readonly std: number;
  /** Second moment that the weighted sums get, where it is fixed. */
  readonly q: number | undefined;
  /** What the bias begins with, if there is one: 0, random numbers, or what takes the sums' means away. */
  readonly bias: "none" | "zeros" | "normal" | "centred";
  readonly reason: string;
}

/** Choices in the order of use; as a string a table. */
export interface InitReport extends ReadonlyArray<InitChoice> {
  toString(): string;
}

/** What a model is traced with: a batch, or the shape of one. */
export type Sample = Tensor | Shape;

/** The input of a model from a sample; without one, from the first matrix among its parameters. */
export function inputOf(op: string, model: Module, sample: Sample | undefined): Tensor {
  if (sample instanceof Tensor) {
    if (sample.rank === 0 || sample.size === 0)
      fail(op, `sample must be a batch (N, …) of at least one row, got ${showShape(sample.shape)}`);
    return sample;
  }
  if (sample !== undefined) return zeros(checkShape(op, sample));
  const first = model.parameters().find((variable) => variable.rank >= 2);
  if (!first) return fail(op, "the model must have a weight of two axes, got none. Is it built?");
  return zeros([1, first.shape[1]]);
}

/** Traces a model; what its forward throws is put in words. */
export function traceFor(op: string, model: Module, x: Tensor, mode: TraceMode = "evaluation"): Structure {
  checkModule(op, "model", model);
  try {
    return structureOf(model, x, mode);
  } catch (error) {
    if (!(error instanceof EvengradError)) throw error;
    return fail(
      op,
      `the model must accept the sample, got an input of shape ${showShape(x.shape)} and from it "${error.message}". ` +
        "Pass a sample, or the shape of one, that its forward takes",
    );
  }
}

/** What was chosen, for the user; `fitted` if by a batch. */
export function reportOf(choices: readonly Choice[], fitted: boolean): InitReport {
  const biasOf = ({ use: { bias }, draw, inputMean, biasStd, centred }: Choice): InitChoice["bias"] => {
    if (!bias) return "none";
    if (fitted ? centred && draw !== "zeros" : inputMean !== 0) return "centred";
    return biasStd > 0 ? "normal" : "zeros";
  };
  const rows = choices.map((choice): InitChoice => {
    const { use, draw, std, q, reason } = choice;
    return {
      path: use.path,
      layer: use.layer,
      shape: use.weight.shape,
      draw,
      std,
      q,
      bias: biasOf(choice),
      reason,
    };
  });
  return Object.defineProperty(rows, "toString", { value: () => render(rows), enumerable: false });
}

function render(rows: readonly InitChoice[]): string {
  const head = ["weight", "layer", "shape", "draw", "std", "bias", "why"];
  const body = rows.map((r) => [
    r.path,
    r.layer,
    showShape(r.shape),
    r.draw,
    Number(r.std.toPrecision(4)).toString(),
    r.bias,
    r.reason,
  ]);
  return table([head, ...body], { left: 7 });
}

/** Choices for what may change: frozen weights stay, each with its bias, and a bias that is frozen alone counts as none. */
export const unfrozen = (choices: readonly Choice[]): Choice[] =>
  choices
    .filter(({ use }) => use.weight.trainable)
    .map((choice) =>
      choice.use.bias?.trainable === false ? { ...choice, use: { ...choice.use, bias: undefined } } : choice,
    );

/** A generator for all weights in turn. */
export function inTurn(op: string, options: InitOptions): () => ReturnType<typeof generatorOf> & object {
  const generator = generatorOf(op, options) ?? defaultGenerator;
  return () => generator;
}

/**
 * Draws every weight of a model anew by what its output meets in the traced graph: He before ReLU and its kin; before
 * smooth activations sums of a variance at which gradients neither die nor explode over the model's depth, with the mean
 * taken away after sigmoid and softplus; LeCun for SELU and for outputs; Xavier for gates; Fixup in residual branches
 * without norm; orthogonal for recurrence and deep stacks. Biases begin with 0, or with what takes the mean away. Norms'
 * parameters stay, and so do frozen weights. This is the default of `nn.Sequential`, by theory, for layers whose initializers are not given.
 * @param sample a batch (N, …), by which sums are then centred and scaled layer by layer; or the shape of one, for
 * theory alone; may be left out if the first weight is a `Linear` layer's
 * @returns what was chosen for each weight, and why
 * @throws if the model does not accept the sample; where weights are first read, if the batch is not finite: they are then as
 * they were
 * @example const report = init.auto(model, images);
 * report[0].reason // "the model's output: LeCun, variance 1/fanIn"
 */
export function auto(model: Module, sample?: Sample, options: InitOptions = {}): InitReport {
  const op = "init.auto";
  checkOptions(op, options, ["generator", "seed"]);
  checkModule(op, "model", model);
  const structure = traceFor(op, model, inputOf(op, model, sample));
  const fitted = sample instanceof Tensor;
  const choices = unfrozen(choose(structure, fitted));
  const streams = inTurn(op, options);
  const values = fitted ? drawByData(choices, streams, structure) : drawByTheory(choices, streams);
  assign(op, values, fitted ? sample : undefined);
  return reportOf(choices, fitted);
}

const ownStream = ({ weight }: WeightUse): ReturnType<typeof streamOf> => streamOf(weight);

/** What a container of plain layers does: only variables that nobody has asked for begin anew, with their own streams. */
export function autoUnasked(model: Module): void {
  try {
    const structure = structureOf(model, inputOf("init.auto", model, undefined));
    const values = drawByTheory(choose(structure), ownStream);
    for (const [variable, value] of values) replaceUnasked(variable, value);
  } catch (error) {
    // Without a sample, or with layers that do not fit, they keep what they have; forward will say what is wrong.
    if (!(error instanceof EvengradError)) throw error;
  }
}

/** Options of {@link lsuv}. */
export interface LsuvOptions extends InitOptions {
  /** Second moment of each layer's sums; 1. */
  variance?: number;
  /** Whether each unit's mean over the batch is taken away by its bias; true. */
  centre?: boolean;
}

/**
 * Layer-sequential unit variance, for any module: orthogonal weights, each scaled so that its sums over the batch have
 * variance 1, once every unit's mean over the batch was taken away by its bias (Mishkin & Matas 2016, and centring, which
 * sigmoid and softplus need). Sums are linear in the weights, so one pass is exact. Frozen weights stay.
 * @param sample a batch (N, …) of data as it will be
 * @throws if the model does not accept the sample; where weights are first read, if it is not finite: they are then as they
 * were
 * @example init.lsuv(model, images);
 * await model.forward(images).square().mean().item() // about 1
 */
export function lsuv(model: Module, sample: Tensor, options: LsuvOptions = {}): InitReport {
  const op = "init.lsuv";
  checkOptions(op, options, ["variance", "centre", "generator", "seed"]);
  checkModule(op, "model", model);
  const { variance = 1, centre = true } = options;
  checkNumber(op, "variance", variance, { above: 0, max: 1e12 });
  if (typeof centre !== "boolean") fail(op, `centre must be true or false, got ${show(centre)}`);
  if (!(sample instanceof Tensor))
    fail(op, `sample must be a batch of data, got ${show(sample)}. Use init.auto for theory`);
  const structure = traceFor(op, model, inputOf(op, model, sample));
  const all = structure.uses.map(
    (use): Choice => ({
      use,
      draw: use.lookup ? "normal" : "orthogonal",
      std: use.lookup ? 1 : 1 / Math.sqrt(use.fans.fanIn),
      inputMean: 0,
      biasStd: 0,
      q: use.lookup ? undefined : variance,
      centred: centre && !use.lookup,
      reason: use.lookup
        ? "rows are looked up, each an input of variance 1"
        : `sums over the batch of variance ${variance}${centre && use.bias ? ", each unit's of mean 0" : ""}`,
    }),
  );
  const choices = unfrozen(all);
  assign(op, drawByData(choices, inTurn(op, options), structure), sample);
  return reportOf(choices, true);
}
