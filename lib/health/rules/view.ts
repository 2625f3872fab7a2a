/** What rules look at: a run before its first step, or somewhere on its way. */
import type { Slopes } from "../../init/measure.js";
import type { WeightUse } from "../../init/structure.js";
import type { Optimizer } from "../../optim/index.js";
import type { EpochRecord } from "../../train/history.js";
import type { NeighbourFacts } from "../facts/neighbours.js";
import type { StartFacts } from "../facts/start.js";
import type { HealthSample } from "../record.js";
import type { Course } from "./course.js";

/** Of a layer what was measured, before the first step or at a look. */
interface LayerNumbers {
  readonly variance: number;
  readonly gradient: number;
  readonly dead: number;
  readonly saturated: number;
}

/** One layer, before the first step or at a sampled one. */
export interface LayerView extends LayerNumbers {
  readonly path: string;
  readonly activation: string | undefined;
  /** Whether its sums are the output; whether it stands in a residual branch; whether a norm follows its sums. */
  readonly head: boolean;
  readonly branch: boolean;
  readonly normalized: boolean;
}

/** What was measured of a layer, with what it is. */
export const layerView = (
  { path, through, meets, block, normalized }: WeightUse,
  numbers: LayerNumbers,
): LayerView => ({
  ...numbers,
  ...{ path, normalized, activation: through?.name, head: meets === "head", branch: block !== undefined },
});

/** How the run is to go. */
export interface Plan {
  readonly optimizer: Optimizer | undefined;
  readonly batchSize: number | undefined;
  readonly dropLast: boolean;
  /** Steps of the whole run, where known. */
  readonly steps: number | undefined;
  /** Rows of the training set, and of validation that are also in it, if there is one. */
  readonly rows: number;
  readonly leaked: number | undefined;
  /** Of the targets' variance the share within a batch, where rows are not shuffled. */
  readonly within?: number;
}

/** Losses of the first steps on one and the same batch, made and taken back. */
export type Rehearsal = readonly number[];

export interface View extends Slopes {
  /** Steps made. */
  readonly step: number;
  readonly facts: StartFacts;
  readonly plan: Plan;
  readonly layers: readonly LayerView[];
  /** The gradient's noise scale in rows, if it was measured: before the first step, and where a run gets no further. */
  readonly noise: number | undefined;
  /** What the nearest other rows say of rows, if it was asked: likewise. */
  readonly neighbours: NeighbourFacts | undefined;
}

/** Before the first step. */
export interface StartView extends View {
  readonly rehearsal: Rehearsal | undefined;
  /** Largest curvature of the loss, if it was measured. */
  readonly curvature: number | undefined;
}

/** On the way. */
export interface RunView extends View {
  readonly total: number;
  readonly losses: readonly number[];
  readonly gradNorms: readonly number[];
  readonly course: Course;
  /** What was seen since the run was last repaired. */
  readonly samples: readonly HealthSample[];
  /** Whether it was repaired: one that was ill is looked at more closely. */
  readonly repaired: boolean;
  readonly topClass: number | undefined;
  readonly epochs: readonly EpochRecord[];
  /** What is known of the last step, if it was not finite. */
  readonly failure: { readonly layer: string | undefined; readonly text: string } | undefined;
}
