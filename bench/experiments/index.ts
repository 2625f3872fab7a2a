/** Every experiment, in the order of the report. A new one is a file and a line here. */
import { batchNorm } from "./batch-norm.js";
import type { Experiment } from "./experiment.js";
import { matrices } from "./matrices.js";
import { published } from "./published.js";
import { relu30, relu50 } from "./relu.js";
import { residual } from "./residual.js";
import { sigmoid20, silu20, softplus20 } from "./saturating.js";
import { tanh100 } from "./tanh.js";

export const experiments: readonly Experiment[] = [
  matrices,
  relu30,
  relu50,
  tanh100,
  sigmoid20,
  softplus20,
  silu20,
  residual,
  batchNorm,
  published,
];
