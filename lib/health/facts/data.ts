/** What is known of inputs and targets before any training. */
import type { Reading } from "../../init/reading.js";
import { maxBins } from "../../ops/histogram.js";
import type { Shape } from "../../shape.js";
import type { Tensor } from "../../tensor.js";

/** Inputs as (N, features). */
export interface InputFacts {
  readonly finite: boolean;
  /** Root mean square of all values. */
  readonly rms: number;
  /** Root mean square of the features' means over that of their standard deviations. */
  readonly offset: number;
  /** Share of features that have one value in all rows. */
  readonly constant: number;
  /** Share of all variance that the feature of most variance has. */
  readonly dominance: number;
  readonly features: number;
}

/** As (rows, features). */
export const rows = (x: Tensor): Tensor => x.reshape([x.shape[0], x.size / x.shape[0]]);
const root = Math.sqrt;

export function inputFacts(input: Tensor): Reading<InputFacts> {
  const x = rows(input.cast("f32"));
  const mean = x.mean({ axes: 0 });
  const variance = x.variance({ axes: 0 });
  const still = variance.lessEqual(mean.square().mul(1e-12)); // rounding of a mean
  return {
    tensors: [
      x.isFinite().all().cast("f32"),
      x.square().mean(),
      mean.square().mean(),
      variance.mean(),
      variance.max(),
      still.mean(),
    ],
    decode: ([[finite], [square], [means], [spread], [most], [constant]]) => ({
      finite: finite === 1,
      rms: root(square),
      offset: root(means / spread),
      constant,
      dominance: most / (spread * x.shape[1]),
      features: x.shape[1],
    }),
  };
}

/** Targets of rows: class labels, or numbers. */
export interface TargetFacts {
  readonly finite: boolean;
  readonly least: number;
  readonly most: number;
  /** Whether all are whole numbers from 0 on, as labels are. */
  readonly whole: boolean;
  readonly integer: boolean;
  /** Mean of the variances of the target's columns. */
  readonly variance: number;
  /** Mean square of all. */
  readonly square: number;
  /** Rows per class, of all that a sample stands for; undefined for what are no labels. */
  readonly counts: readonly number[] | undefined;
}

/** Of how many classes labels are that a model has outputs for, by the shape of these; 0 where targets are no labels. */
export const classesOf = (target: Tensor, output: Shape): number =>
  output.length === 2 && target.dtype === "i32" && target.rank === 1 ? output[1] : 0;

/** @param all targets of all rows that these stand for */
export function targetFacts(target: Tensor, classes: number, all = target): Reading<TargetFacts> {
  const y = target.cast("f32");
  const labels = target.dtype === "i32" && target.rank === 1 && classes > 1 && classes <= maxBins;
  const counts = labels ? [all.histogram({ bins: classes, min: -0.5, max: classes - 0.5 })] : [];
  return {
    tensors: [
      y.isFinite().all().cast("f32"),
      y.min(),
      y.max(),
      y.floor().equal(y).all().cast("f32"),
      rows(y).variance({ axes: 0 }).mean(),
      y.square().mean(),
      ...counts,
    ],
    decode: ([[finite], [least], [most], [whole], [variance], [square], perClass]) => ({
      integer: target.dtype === "i32",
      finite: finite === 1,
      least,
      most,
      whole: whole === 1 && least >= 0,
      variance,
      square,
      counts: perClass && Array.from(perClass),
    }),
  };
}
