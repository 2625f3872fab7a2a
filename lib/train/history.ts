/** What a training run records: per epoch for people, per step for those who look closer. */

import type { TypedArray } from "../dtype.js";
import type { HealthRecord } from "../health/record.js";
import type { Memory } from "../run/index.js";

/** One epoch. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  readonly steps: number;
  /** Mean over the epoch's rows, each taken when its batch was trained on. */
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Mean of the gradient's norm before clipping, over the steps in which it was finite. */
  readonly gradNorm: number;
  /** Steps left out because something was not finite. */
  readonly skipped: number;
  /** Of training, without validation. */
  readonly seconds: number;
  readonly samplesPerSecond: number;
  readonly validation?: { readonly loss: number; readonly metrics: Readonly<Record<string, number>> };
}

/** How a run went. */
export interface History {
  readonly epochs: readonly EpochRecord[];
  /** Loss of every step. */
  readonly losses: readonly number[];
  /** Gradient norm of every step, before clipping. */
  readonly gradNorms: readonly number[];
  readonly seconds: number;
  /** Whether all epochs were made, or `onEpoch` or the doctor ended it. */
  readonly stopped: "completed" | "health" | "onEpoch";
  /** What one step took, of the graph that took most; absent if no step was begun. */
  readonly memory?: Memory;
  /** What was seen, found and repaired, if `health` was asked for. */
  readonly health?: HealthRecord;
}

/** Where a run stands. */
export interface Progress {
  readonly epoch: number;
  readonly epochs: number;
  /** Steps made in this epoch. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** Mean over this epoch so far. */
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Of the latest step. */
  readonly gradNorm: number;
  readonly samplesPerSecond: number;
  readonly secondsLeft: number;
}

/** Sums one epoch. */
export class EpochTally {
  private rows = 0;
  private loss = 0;
  private norm = 0;
  private finite = 0;
  private metrics: number[];
  private ms = 0;
  lastNorm = Number.NaN;
  steps = 0;
  skipped = 0;

  constructor(private readonly names: readonly string[]) {
    this.metrics = names.map(() => 0);
  }

  /** A tally of its own that stands where this one does. */
  copy(): EpochTally {
    const copy = Object.assign(new EpochTally(this.names), this);
    copy.metrics = [...this.metrics];
    return copy;
  }

  /** Books a step of `size` rows that took `ms`; its metrics stand in row `row`. */
  add(
    size: number,
    ms: number,
    step: { loss: number; gradNorm: number; skipped: boolean },
    metrics: readonly TypedArray[],
    row: number,
  ): void {
    this.steps++;
    this.ms += ms;
    if (step.skipped) this.skipped++;
    this.lastNorm = step.gradNorm;
    if (Number.isFinite(step.gradNorm)) {
      this.norm += step.gradNorm;
      this.finite++;
    }
    this.rows += size;
    this.loss += step.loss * size;
    for (let i = 0; i < metrics.length; i++) this.metrics[i] += metrics[i][row] * size;
  }

  /** Means so far. */
  means(): Pick<EpochRecord, "loss" | "metrics" | "gradNorm" | "seconds" | "samplesPerSecond"> {
    const seconds = this.ms / 1000;
    return {
      loss: this.loss / this.rows,
      metrics: Object.fromEntries(this.names.map((name, i) => [name, this.metrics[i] / this.rows])),
      gradNorm: this.norm / this.finite,
      seconds,
      samplesPerSecond: this.rows / seconds,
    };
  }
}
