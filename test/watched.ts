/** Watched runs that never were: histories with plausible numbers, for the tests of what shows them. */
import type { Finding } from "../lib/health/finding.js";
import type { HealthRecord, HealthSample, LayerSample, RepairRecord, WatchedLayer } from "../lib/health/record.js";
import type { EpochRecord, History } from "../lib/train/history.js";
import { randomFrom } from "./helpers.js";

/** What a run is made of. */
export interface Watched {
  layers?: number;
  samples?: number;
  epochs?: number;
  stepsPerEpoch?: number;
  /** A healthy run has no findings; an ill one has two and a repair. */
  ill?: boolean;
  histograms?: boolean;
}

export const vanishing: Finding = {
  rule: "vanishing-signal",
  severity: "fault",
  layer: "layers.3.weight",
  step: 40,
  measured: "the variance of the sums falls × 0.31 a layer, to 2.4e-9 in the last",
  value: 0.31,
  normal: "a factor between 0.5 and 2 a layer",
  why: "Each layer passes on less than it takes, so what tells the rows apart is lost on the way <to the loss>.",
  source: "log-variance slope; Schoenholz et al. 2017",
  advice: [
    {
      repair: "reinitialize",
      text: "Draw the weights anew for their activations",
      code: 'await init.auto(model, { sample: batch.x });\n// keeps "what" & <how>',
    },
    { repair: "normalize", text: "Normalize between layers", code: "new nn.BatchNorm(128)" },
  ],
};

const slow: Finding = {
  rule: "learning-rate-low",
  severity: "warning",
  step: 0,
  measured: "updates of 2e-6 of the weights",
  value: 2e-6,
  normal: "1e-4 to 1e-2",
  why: "At this rate a weight needs a hundred thousand steps to change.",
  source: "TheDeepChecker",
  advice: [{ repair: "raiseRate", text: "Raise the rate", code: "optimizer.lr = 0.1;" }],
};

const repairs: readonly RepairRecord[] = [
  {
    ...{ step: 40, backTo: 0, finding: vanishing, repair: "normalize" },
    did: "put a batch norm behind each of 3 layers",
    code: "new nn.BatchNorm(128)",
    outcome: "undone",
    trial: { steps: 50, without: 2.31, with: Number.NaN },
  },
  {
    ...{ step: 40, backTo: 0, finding: vanishing, repair: "reinitialize" },
    did: "drew 4 weights anew",
    code: "await init.auto(model);",
    outcome: "kept",
    trial: { steps: 50, without: 2.31, with: 0.8123 },
  },
];

/** A bell of counts between two values. */
const bell = (min: number, max: number): { min: number; max: number; counts: number[] } => ({
  ...{ min, max },
  counts: Array.from({ length: 30 }, (_, i) => Math.round(400 * Math.exp(-(((i - 14.5) / 6) ** 2)))),
});

/** A history as `fit` with `health` returns it. */
export function watched(options: Watched = {}): History & { readonly health: HealthRecord } {
  const { layers = 4, samples = 12, epochs = 3, stepsPerEpoch = 100, ill = true, histograms = true } = options;
  const random = randomFrom(7);
  const noise = (): number => Math.exp(0.3 * (random() - 0.5));
  const steps = epochs * stepsPerEpoch;
  const list = Array.from({ length: layers }, (_, i): WatchedLayer => {
    const activation = i < layers - 1 ? "ReLU" : undefined;
    return { path: `layers.${i}.weight`, layer: "Linear", activation, shape: [64, activation ? 128 : 10] };
  });
  const losses = Array.from({ length: steps }, (_, i) => (0.05 + 2.25 * Math.exp((-6 * i) / steps)) * noise());
  const layerSample = (layer: number, time: number): LayerSample => {
    const depth = ill ? 10 ** ((-8 * layer * (1 - time)) / layers) : 1;
    const hidden = layer < layers - 1;
    return {
      ...{ mean: 0.1 * random(), variance: depth * noise(), gradient: 1e-6 * (1 - 0.9 * time) * noise() },
      ...{ dead: ill && hidden ? 0.3 * time * random() : 0, saturated: hidden ? 0.5 * noise() : 0 },
      ...{ weight: 0.08 * (1 + time), weightGradient: 1e-4 * noise(), update: 1e-3 * noise() },
      ...(histograms && { signalHistogram: bell(-3, 3.5), gradientHistogram: bell(-1e-5, 1e-5) }),
    };
  };
  const seen = Array.from({ length: samples }, (_, k): HealthSample => {
    const step = Math.floor((k * (steps - 1)) / Math.max(1, samples - 1));
    const time = samples === 1 ? 1 : k / (samples - 1);
    const { length } = list;
    return {
      ...{ step, epoch: 1 + Math.floor(step / stepsPerEpoch), loss: losses[step], gradNorm: noise() },
      topClass: 0.1 + 0.2 * (1 - time),
      layers: Array.from({ length }, (_, i) => layerSample(i, time)),
    };
  });
  const records = Array.from({ length: epochs }, (_, e): EpochRecord => {
    const loss = losses.slice(e * stepsPerEpoch, (e + 1) * stepsPerEpoch).reduce((a, b) => a + b, 0) / stepsPerEpoch;
    const accuracy = 1 - 0.4 / (e + 1);
    return {
      ...{ epoch: e + 1, steps: stepsPerEpoch, loss, metrics: { accuracy }, gradNorm: 1, skipped: 0, seconds: 0.4 },
      ...{ samplesPerSecond: 16_000, validation: { loss: loss * 1.1, metrics: { accuracy: accuracy - 0.05 } } },
    };
  });
  return {
    ...{ epochs: records, losses, gradNorms: losses.map((x) => x * noise()), seconds: 1.234, stopped: "completed" },
    health: {
      healthy: !ill,
      verdict: ill ? "The signal dies on its way through layers.3." : "Healthy: nothing keeps this run from learning.",
      ...{ layers: list, samples: seen, findings: ill ? [vanishing, slow] : [], repairs: ill ? repairs : [] },
    },
  };
}
