/** Drawing what was chosen: by theory, or by how a batch passes, layer by layer. */
import { collect } from "../compile/graph.js";
import { type Generator, randn, zeros } from "../ops/index.js";
import { apply } from "../ops/op.js";
import type { Tensor, Variable } from "../tensor.js";
import type { Choice } from "./choose.js";
import { orthogonal } from "./orthogonal.js";
import type { Structure, WeightUse } from "./structure.js";
import { contentOf } from "./through.js";

/** Where a weight's random numbers come from; undefined leaves the weight as it is. */
export type Streams = (use: WeightUse) => Generator | undefined;

/** The axes of a weight along which one unit's inputs lie. */
export function inputAxes({ weight: { shape }, fans }: WeightUse): number[] {
  if (shape.length === 2 && fans.fanIn === shape[0] && fans.fanIn !== shape[1]) return [0];
  return shape.map((_, axis) => axis).slice(1);
}

/** The weight of a choice before any data; with no bias to take the inputs' mean away, each unit's weights sum to 0. */
function drawn({ use, draw, std, inputMean }: Choice, generator: Generator): Tensor {
  const { shape, size } = use.weight;
  if (draw === "zeros") return zeros(shape);
  // Elements of an orthogonal matrix have variance 1/longer side.
  const longer = Math.max(shape[0], size / shape[0]);
  const weight =
    draw === "normal"
      ? randn(shape, { std, generator })
      : orthogonal(shape, { gain: std * Math.sqrt(longer), generator });
  if (use.bias || inputMean === 0) return weight;
  return weight.sub(weight.mean({ axes: inputAxes(use), keepDims: true }));
}

/** The random part of a bias. */
function ownBias({ use: { bias }, biasStd }: Choice, generator: Generator): Tensor | undefined {
  return bias && biasStd > 0 ? randn(bias.shape, { std: biasStd, generator }) : undefined;
}

/** First values by theory alone: the bias takes away what inputs of the predicted mean give. */
export function drawByTheory(choices: readonly Choice[], streams: Streams): Map<Variable, Tensor> {
  const values = new Map<Variable, Tensor>();
  for (const choice of choices) {
    const { use, inputMean } = choice;
    const generator = streams(use);
    if (!generator) continue;
    const weight = drawn(choice, generator);
    values.set(use.weight, weight);
    if (!use.bias) continue;
    const own = ownBias(choice, generator) ?? zeros(use.bias.shape);
    const sums = weight.sum({ axes: inputAxes(use) }).mul(-inputMean);
    values.set(use.bias, inputMean === 0 ? own : own.add(sums.reshape(use.bias.shape)));
  }
  return values;
}

/** Mean of a product over the axes that a bias is repeated along. */
function meanAlong(product: Tensor, bias: Tensor): Tensor {
  const lead = product.rank - bias.rank;
  const axes = product.shape.flatMap((n, i) => (i < lead || bias.shape[i - lead] !== n ? [i] : []));
  return product.mean({ axes, keepDims: true });
}

/**
 * First values by data: the model's graph is made again from the batch on; where a choice says so, each unit's mean over
 * the batch is taken away, then the weight scaled so that the sums have the second moment q (LSUV, Mishkin & Matas 2016,
 * with per-unit centring). Sums are linear in weight and bias, so one pass is exact.
 */
export function drawByData(choices: readonly Choice[], streams: Streams, structure: Structure): Map<Variable, Tensor> {
  const { output, live } = structure;
  const values = new Map<Variable, Tensor>();
  const remade = new Map<Tensor, Tensor>();
  const fits = new Map<Tensor, Choice>();
  for (const choice of choices) {
    const generator = streams(choice.use);
    if (!generator) continue;
    fits.set(choice.use.unbiased, choice);
    values.set(choice.use.weight, drawn(choice, generator));
    if (choice.use.bias) values.set(choice.use.bias, ownBias(choice, generator) ?? zeros(choice.use.bias.shape));
  }
  // Views of parameters are made where they are used: a weight changes once it was fitted.
  const now = (node: Tensor): Tensor => {
    if (live.has(node)) return remade.get(node) ?? node;
    if (node.inputs.length === 0) return values.get(node as Variable) ?? contentOf(node);
    return apply(node.op, node.inputs.map(now), node.attrs);
  };
  for (const node of collect({ outputs: [output] }).nodes) {
    if (!live.has(node)) continue;
    if (node.inputs.length > 0) remade.set(node, apply(node.op, node.inputs.map(now), node.attrs));
    const choice = fits.get(node);
    if (choice) remade.set(node, fit(choice, now(choice.use.input), now(node), values));
  }
  return values;
}

/** Scales a weight and sets its bias in `values` by the products of a batch, and returns the products as they become. */
function fit({ use, ...choice }: Choice, input: Tensor, product: Tensor, values: Map<Variable, Tensor>): Tensor {
  if (choice.draw === "zeros" || use.lookup) return product;
  const mean = choice.centred && use.bias && use.added ? meanAlong(product, use.added) : undefined;
  const wanted = secondMoment(choice, use, input);
  const spread = (mean ? product.sub(mean) : product).square().mean();
  const by = (t: Tensor): Tensor => (wanted === undefined ? t : t.mul(spread.add(1e-30).rsqrt().mul(wanted)));
  values.set(use.weight, by(values.get(use.weight) as Tensor));
  if (mean && use.bias) values.set(use.bias, by(mean).neg().reshape(use.bias.shape));
  return by(product);
}

/** The root of the second moment that products should have: a choice's own, or what its weights' variance promises. */
function secondMoment(
  { q, biasStd, std, inputMean }: Omit<Choice, "use">,
  use: WeightUse,
  input: Tensor,
): Tensor | number | undefined {
  if (q !== undefined) return Math.sqrt(q - biasStd ** 2);
  return inputMean === 0
    ? input
        .square()
        .mean()
        .sqrt()
        .mul(std * Math.sqrt(use.fans.fanIn))
    : undefined;
}
