/** What a watched run leaves behind: samples of its layers through time, findings, and what was repaired. */
import type { Shape } from "../shape.js";
import type { Finding, RepairName } from "./finding.js";

/** A weighted sum that is watched, in the order of use. */
export interface WatchedLayer {
  /** Path of its weight. */
  readonly path: string;
  /** Class of the layer that owns it. */
  readonly layer: string;
  /** The activation that the sums pass through, if any. */
  readonly activation: string | undefined;
  /** Of the sums, batch axis included. */
  readonly shape: Shape;
}

/** How many values lie in each of equal parts of [min, max]. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly counts: readonly number[];
}

/** One layer's numbers at one step. */
export interface LayerSample {
  /** Of the sums over the batch. */
  readonly mean: number;
  readonly variance: number;
  /** Second moment of the loss's gradient with respect to the sums. */
  readonly gradient: number;
  /** Share of units whose activation has slope 0 for every row. */
  readonly dead: number;
  /** Share of activations whose slope is below 0.05 in size. */
  readonly saturated: number;
  /** Root mean square of the weight's elements, and of its gradient's. */
  readonly weight: number;
  readonly weightGradient: number;
  /** Size of the step's update of the weight relative to the weight; of a large one, by 1024 of its numbers. */
  readonly update: number;
  /** Of the sums, and of the loss's gradient with respect to them; not taken at every look. */
  readonly signalHistogram?: Histogram;
  readonly gradientHistogram?: Histogram;
}

/** What was seen at one step. */
export interface HealthSample {
  /** Steps made before it, from 0. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly gradNorm: number;
  /** Share of rows whose largest output is at the most frequent place; undefined unless the output is (N, C). */
  readonly topClass: number | undefined;
  /** In the order of {@link HealthRecord.layers}. */
  readonly layers: readonly LayerSample[];
}

/** One repair, tried or only advised. */
export interface RepairRecord {
  /** Steps made when the fault was found, and to which the run went back. */
  readonly step: number;
  readonly backTo: number;
  readonly finding: Finding;
  readonly repair: RepairName;
  /** What it changed, in words, and the line that does the same. */
  readonly did: string;
  readonly code: string;
  /** `kept`: a trial showed that it helps; `undone`: it did not. */
  readonly outcome: "kept" | "undone";
  /** Loss on the same rows after a trial of so many steps, without and with the repair; NaN where not finite. */
  readonly trial: { readonly steps: number; readonly without: number; readonly with: number };
}

/** What a watched run leaves behind; part of its history. */
export interface HealthRecord {
  /** Whether there was no fault, or every one was repaired. */
  readonly healthy: boolean;
  /** One sentence. */
  readonly verdict: string;
  readonly layers: readonly WatchedLayer[];
  readonly samples: readonly HealthSample[];
  /** Faults first. */
  readonly findings: readonly Finding[];
  readonly repairs: readonly RepairRecord[];
}
