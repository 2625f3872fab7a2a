/** What the monitor wants to know of a step, as tensors beside the step's own, and as numbers. */
import { grad } from "../grad.js";
import { siteNumbers, siteTensors } from "../init/measure.js";
import { type Structure, structureIn } from "../init/structure.js";
import type { Module } from "../nn/module.js";
import type { Optimizer } from "../optim/index.js";
import type { Tensor } from "../tensor.js";
import type { StepParts } from "../train/observer.js";
import type { LayerSample } from "./record.js";

const perSite = 9;

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

  constructor(private readonly model: Module) {}

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
    return [...sites, ...top];
  }

  /** The numbers of a step from those tensors' values. */
  numbers(values: readonly ArrayLike<number>[]): StepNumbers {
    const at = (i: number): number => values[i][0];
    const count = this.structure?.uses.length ?? 0;
    const layers = Array.from({ length: count }, (_, i): LayerSample => {
      const numbers = Array.from({ length: perSite }, (_, k) => at(perSite * i + k));
      const { second, ...site } = siteNumbers(numbers);
      const [weight, weightGradient, update] = numbers.slice(6);
      return { ...site, weight, weightGradient, update };
    });
    return { layers, topClass: this.classes ? at(perSite * count) : undefined };
  }
}
