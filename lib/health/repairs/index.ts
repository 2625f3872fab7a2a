/** All repairs by name. */
import type { RepairName } from "../finding.js";
import { dropLast, largerBatch, shuffle } from "./batches.js";
import { classWeights } from "./class-weights.js";
import { clip } from "./clip.js";
import {
  dropActivation,
  dropout,
  insertActivation,
  layerNorm,
  normalize,
  replaceActivation,
  rescaleInputs,
  rescaleOutputs,
  residual,
  weakerDropout,
} from "./layers.js";
import { adaptiveOptimizer, usualMemory, weakerDecay, weightDecay } from "./optimizers.js";
import { giveAll, unfreeze } from "./parameters.js";
import { lowerRate, raiseRate, warmUp } from "./rates.js";
import { reinitialize } from "./reinitialize.js";
import type { Repair } from "./repair.js";

/** Stopping early is no change of a run but its end: the monitor does it. */
export const repairs: Readonly<Record<Exclude<RepairName, "stopEarly">, Repair>> = {
  adaptiveOptimizer,
  classWeights,
  clip,
  dropActivation,
  dropLast,
  dropout,
  giveAll,
  insertActivation,
  largerBatch,
  layerNorm,
  lowerRate,
  normalize,
  raiseRate,
  reinitialize,
  replaceActivation,
  rescaleInputs,
  rescaleOutputs,
  residual,
  shuffle,
  unfreeze,
  usualMemory,
  warmUp,
  weakerDecay,
  weakerDropout,
  weightDecay,
};
