/** Every experiment, in the order of the report. A new one is a file and a line here. */
import type { Experiment } from "./experiment.js";
import { relu30, relu50 } from "./relu.js";

export const experiments: readonly Experiment[] = [relu30, relu50];
