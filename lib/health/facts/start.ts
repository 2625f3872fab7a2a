/** Everything the doctor knows of a run before its first step, from the structure and one pass forward and back. */

import { collect } from "../../compile/graph.js";
import { grad } from "../../grad.js";
import { type Slopes, sitesReading, slopesThrough, sumOf } from "../../init/measure.js";
import { joined, packed, type Reading } from "../../init/reading.js";
import type { Structure } from "../../init/structure.js";
import { BatchNorm, Dropout } from "../../nn/index.js";
import type { Module } from "../../nn/module.js";
import type { Optimizer } from "../../optim/index.js";
import { read } from "../../run/index.js";
import type { Shape } from "../../shape.js";
import type { Tensor, Variable } from "../../tensor.js";
import { type LayerView, layerView, type Plan, type StartView } from "../rules/view.js";
import { classesOf, type InputFacts, inputFacts, type TargetFacts, targetFacts } from "./data.js";
import { chanceOf, type LossFacts, lossFacts } from "./loss.js";
import { type ParameterFacts, parameterFacts } from "./parameters.js";
import type { Sample } from "./sample.js";

/** The model's answers to a batch. */
export interface OutputFacts {
  readonly shape: Shape;
  readonly least: number;
  readonly most: number;
  /** The op that makes it, such as `softmax`; `matmul` and `add` are a plain linear head. */
  readonly op: string;
}

/** One weight's numbers, and what it meets. */
export interface LayerFacts extends LayerView {
  /** Whether the sum goes into another weight as it is. */
  readonly bare: boolean;
}

export interface StartFacts extends Slopes {
  readonly input: InputFacts;
  readonly target: TargetFacts;
  readonly output: OutputFacts;
  readonly loss: LossFacts;
  /** Loss of the best answer that does not look at the input, where it can be told. */
  readonly chance: number | undefined;
  readonly layers: readonly LayerFacts[];
  readonly parameters: readonly ParameterFacts[];
  /** Path of a norm that needs a batch, if there is one. */
  readonly batchNorm: string | undefined;
  /** The dropout that drops most, if there is one. */
  readonly dropout: { readonly path: string; readonly p: number } | undefined;
  readonly rows: number;
}

/** The op behind changes of shape. */
export function opOf(output: Tensor): string {
  let at = output;
  while (at.op.kind === "alias") at = at.inputs[0];
  return at.op.name;
}

/** @param gradients of the loss with respect to each sum */
function layerFacts({ uses }: Structure, gradients: readonly Tensor[]): Reading<LayerFacts[]> {
  const { tensors, decode } = sitesReading(uses, gradients);
  return {
    tensors,
    decode: (values) => {
      const sites = decode(values);
      return uses.map((use, i) => ({
        ...layerView(use, sites[i]),
        bare: use.through === undefined && use.meets === "layer" && !use.normalized,
      }));
    },
  };
}

/** Parameters that a loss depends on. */
function usedIn(model: Module, loss: Tensor): Variable[] {
  const reached = new Set<Tensor>(collect({ outputs: [loss] }).leaves);
  const used: Variable[] = [];
  for (const parameter of model.parameters()) if (reached.has(parameter)) used.push(parameter);
  return used;
}

/** What a rule asks of the layers themselves. */
function partsIn(model: Module): Pick<StartFacts, "batchNorm" | "dropout"> {
  let [batchNorm, dropout]: [StartFacts["batchNorm"], StartFacts["dropout"]] = [undefined, undefined];
  for (const [path, part] of model.namedModules()) {
    if (part instanceof BatchNorm) batchNorm ??= path || "(model)";
    if (part instanceof Dropout && !(dropout && dropout.p >= part.p)) dropout = { path, p: part.p };
  }
  return { batchNorm, dropout };
}

/** Reads all facts in one run. */
export async function startFacts(
  model: Module,
  structure: Structure,
  { x, y, all }: Sample,
  loss: Tensor,
  optimizer: Optimizer | undefined,
): Promise<StartFacts> {
  const { output } = structure;
  const first = structure.uses[0]?.input; // after what the model itself does to its inputs
  const classes = classesOf(y, output.shape);
  const shown: Reading<OutputFacts> = {
    tensors: [output.min(), output.max()],
    decode: ([[least], [most]]) => ({ shape: output.shape, least, most, op: opOf(output) }),
  };
  const used = usedIn(model, loss);
  const sums = structure.uses.map(sumOf);
  const gradients = grad(loss, [...sums, ...used]);
  const ofParameters = new Map<Variable, Tensor>();
  for (let i = 0; i < used.length; i++) ofParameters.set(used[i], gradients[sums.length + i]);
  const { tensors, decode } = packed(
    joined(
      inputFacts(first && first.size === x.size ? first.reshape([x.shape[0], x.size / x.shape[0]]) : x),
      targetFacts(y, classes, all),
      shown,
      lossFacts(loss, output, y),
      parameterFacts(model, ofParameters, optimizer),
      layerFacts(structure, gradients.slice(0, sums.length)),
    ),
  );
  const [input, target, out, lossKind, parameters, layers] = decode(await read(tensors));
  return {
    input,
    target,
    output: out,
    loss: lossKind,
    chance: chanceOf(lossKind.kind, target),
    layers,
    ...slopesThrough(layers),
    parameters,
    ...partsIn(model),
    rows: x.shape[0],
  };
}

/** Whether data and loss are finite, so that more can be measured. */
export const isSound = ({ input, target, loss }: StartFacts): boolean =>
  input.finite && target.finite && Number.isFinite(loss.value);

/** What rules look at before the first step. */
export const startView = (
  facts: StartFacts,
  plan: Plan,
  measured: Partial<Pick<StartView, "curvature" | "neighbours" | "noise" | "rehearsal">>,
): StartView => ({
  ...{ step: 0, facts, plan, layers: facts.layers },
  ...{ forwardSlope: facts.forwardSlope, backwardSlope: facts.backwardSlope },
  ...{ curvature: undefined, neighbours: undefined, noise: undefined, rehearsal: undefined, ...measured },
});
