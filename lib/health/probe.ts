/** What the monitor wants to know of a step, as tensors beside the step's own, and as numbers. */
import type { TypedArray } from "../dtype.js";
import { grad } from "../grad.js";
import { siteNumbers, siteTensors } from "../init/measure.js";
import { type Structure, structureIn } from "../init/structure.js";
import type { Module } from "../nn/module.js";
import type { Optimizer } from "../optim/index.js";
import type { Tensor } from "../tensor.js";
import type { StepParts } from "../train/observer.js";
import type { Histogram, LayerSample } from "./record.js";

const perSite = 9;
/** Tensors of one histogram: its range and its counts. */
const perHistogram = 3;
const bins = 30;

const histogramOf = (t: Tensor): Tensor[] => [t.min(), t.max(), t.histogram({ bins })];

/** A step's numbers. */
export interface StepNumbers {
  readonly topClass: number | undefined;
  readonly layers: readonly LayerSample[];
}

/** Reads the layers of a step. */
export class Probe {
  /** Of the step that was instrumented last. */
  structure: Structure | undefined;
  private classes = false;

  constructor(
    private readonly model: Module,
    private readonly histograms: boolean,
  ) {}

  /** Tensors made from a step's graph. */
  tensors({ x, trace, loss, step }: StepParts, optimizer: Optimizer): Tensor[] {
    const structure = structureIn(this.model, x, trace);
    this.structure = structure;
    const { uses } = structure;
    const gradients = grad(
      loss,
      uses.map((use) => use.sum),
    );
    const active = optimizer.params.filter((p) => p.trainable);
    const written = new Map(step.effects.map(({ variable, value }) => [variable, value]));
    const sites = uses.flatMap((use, i) => {
      const { weight } = use;
      const rms = weight.norm().mul(1 / Math.sqrt(weight.size));
      const at = active.indexOf(weight);
      const zero = rms.mul(0);
      const gradient = at < 0 ? zero : step.outputs.norms.slice([at, at + 1]).mul(1 / Math.sqrt(weight.size));
      const next = written.get(weight);
      const update = next ? next.sub(weight).norm().div(weight.norm().add(1e-30)) : zero;
      return [...siteTensors(use, gradients[i]), rms, gradient, update];
    });
    const { output } = trace;
    this.classes = output.rank === 2 && output.shape[1] > 1;
    const top = this.classes
      ? [
          output
            .equal(output.max({ axes: 1, keepDims: true }))
            .mean({ axes: 0 })
            .max(),
        ]
      : [];
    const spread = this.histograms
      ? uses.flatMap((use, i) => [...histogramOf(use.sum), ...histogramOf(gradients[i])])
      : [];
    return [...sites, ...top, ...spread];
  }

  /** The numbers of a step from those tensors' values. */
  numbers(values: readonly TypedArray[]): StepNumbers {
    const at = (i: number): number => values[i][0];
    const count = this.structure?.uses.length ?? 0;
    const spreadFrom = perSite * count + (this.classes ? 1 : 0);
    const histogram = (k: number): Histogram => {
      const [[min], [max], counts] = values.slice(spreadFrom + perHistogram * k);
      return { min, max, counts: Array.from(counts) };
    };
    const spread = (i: number) =>
      this.histograms && { signalHistogram: histogram(2 * i), gradientHistogram: histogram(2 * i + 1) };
    const layers = Array.from({ length: count }, (_, i): LayerSample => {
      const numbers = Array.from({ length: perSite }, (_, k) => at(perSite * i + k));
      const { second, ...site } = siteNumbers(numbers);
      const [weight, weightGradient, update] = numbers.slice(6);
      return { ...site, weight, weightGradient, update, ...spread(i) };
    });
    return { layers, topClass: this.classes ? at(perSite * count) : undefined };
  }
}
