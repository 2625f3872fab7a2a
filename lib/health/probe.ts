/** What the monitor wants to know of a step, as tensors beside the step's own, and as numbers. */
import { sitesReading, sumGradients } from "../init/measure.js";
import { joined, known, packed, type Reading, rootMeanSquares } from "../init/reading.js";
import type { Structure, WeightUse } from "../init/structure.js";
import type { Optimizer } from "../optim/index.js";
import type { Tensor, Variable } from "../tensor.js";
import type { StepParts } from "../train/observer.js";
import type { Histogram, LayerSample } from "./record.js";

const bins = 30;

/** A step's numbers, but for how far it moves the weights, which only shows after it. */
export interface StepNumbers {
  readonly topClass: number | undefined;
  readonly layers: readonly Omit<LayerSample, "update">[];
}

const histogramOf = (t: Tensor): Reading<Histogram> => ({
  tensors: [t.min(), t.max(), t.histogram({ bins })],
  decode: ([[min], [max], counts]) => ({ min, max, counts: Array.from(counts) }),
});

const spreadOf = (
  sum: Tensor,
  gradient: Tensor,
): Reading<Pick<LayerSample, "gradientHistogram" | "signalHistogram">> => {
  const { tensors, decode } = joined(histogramOf(sum), histogramOf(gradient));
  return {
    tensors,
    decode: (values) => {
      const [signalHistogram, gradientHistogram] = decode(values);
      return { signalHistogram, gradientHistogram };
    },
  };
};

/** Share of rows whose largest output is at the most frequent place. */
function topClassOf(output: Tensor): Reading<number | undefined> {
  if (output.rank !== 2 || output.shape[1] < 2) return known(undefined);
  const top = output.equal(output.max({ axes: 1, keepDims: true })).mean({ axes: 0 });
  return { tensors: [top.max()], decode: ([[share]]) => share };
}

const isTrainable = (p: Variable): boolean => p.trainable;

/** Root mean squares of weights and of their gradients; 0 where there is none. */
function weightsOf(
  weights: readonly Variable[],
  { outputs }: StepParts["step"],
  optimizer: Optimizer,
): Reading<Pick<LayerSample, "weight" | "weightGradient">[]> {
  const params = optimizer.params.filter(isTrainable);
  const places: number[] = []; // among the gradients
  for (const weight of weights) places.push(params.indexOf(weight));
  const { tensors, decode } = joined(rootMeanSquares(weights), {
    tensors: [outputs.norms],
    decode: ([norms]) => norms,
  });
  return {
    tensors,
    decode: (values) => {
      const [own, norms] = decode(values);
      const numbers: Pick<LayerSample, "weight" | "weightGradient">[] = [];
      for (let i = 0; i < weights.length; i++) {
        const gradient = places[i] < 0 ? 0 : norms[places[i]] / Math.sqrt(weights[i].size);
        numbers.push({ weight: own[i], weightGradient: gradient });
      }
      return numbers;
    },
  };
}

const weightOf = ({ weight }: WeightUse): Variable => weight;

/** Reads the layers of a step, from tensors made of its graph. */
export function stepReading(
  { uses }: Structure,
  { trace: { output }, loss, step }: StepParts,
  optimizer: Optimizer,
  histograms: boolean,
): Reading<StepNumbers> {
  const gradients = sumGradients(loss, uses, step.gradients);
  const { tensors, decode } = packed(
    joined(
      sitesReading(uses, gradients),
      weightsOf(uses.map(weightOf), step, optimizer),
      joined(...uses.map(({ sum }, i) => (histograms ? spreadOf(sum, gradients[i]) : known({})))),
      topClassOf(output),
    ),
  );
  return {
    tensors,
    decode: (values) => {
      const [sites, weights, spread, topClass] = decode(values);
      const layers: StepNumbers["layers"][number][] = [];
      for (const [i, { second, ...site }] of sites.entries()) layers.push({ ...site, ...weights[i], ...spread[i] });
      return { layers, topClass };
    },
  };
}
