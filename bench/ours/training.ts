/** Training as a program sees it: an epoch of images, the event loop meanwhile, two fits at once. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import * as data from "../../lib/data/index.js";
import * as nn from "../../lib/nn/index.js";
import { evaluate, fit } from "../../lib/train/index.js";
import { networks } from "../cases.js";
import type { Spec } from "../suite.js";
import type { Work } from "./kinds.js";
import { modelOf, optimizerOf, secondsPerStep, trainerOf, weightsOf } from "./step.js";

/** Seconds of one epoch over images of bytes; the result to agree with is the accuracy after five. */
export async function epoch(spec: Spec): Promise<Work> {
  const network = networks[`${spec.network}`];
  const { train, test } = await data.idx(`${spec.folder}`);
  const begin = () => {
    const model = modelOf(network, weightsOf(spec));
    const optimizer = optimizerOf(network, model.parameters());
    const options = { loss: nn.crossEntropy, optimizer, clipGradNorm: 1, batchSize: network.batch };
    return { model, run: (epochs: number) => fit(model, train, { ...options, epochs }) };
  };
  const { run } = begin();
  return {
    async measure() {
      const began = performance.now();
      await run(1);
      return (performance.now() - began) / 1000;
    },
    async results() {
      const { model, run } = begin();
      await run(5);
      const { metrics } = await evaluate(model, test, { metrics: [nn.accuracy] });
      return Float32Array.of(metrics.accuracy);
    },
  };
}

/** Milliseconds by which the event loop is late while a network trains: a percentile of all its turns. */
export async function loop(spec: Spec): Promise<Work> {
  const trainer = trainerOf(spec);
  await trainer.train(1);
  return {
    async measure(ms) {
      const delays = monitorEventLoopDelay({ resolution: 1 });
      const began = performance.now();
      delays.enable();
      while (performance.now() - began < ms) await trainer.train(1);
      delays.disable();
      return (spec.percentile === 100 ? delays.max : delays.percentile(Number(spec.percentile))) / 1e6;
    },
  };
}

/** Throughput of two fits at once in one process together, as a part of the throughput of one. */
export async function together(spec: Spec): Promise<Work> {
  const [one, other] = [trainerOf(spec), trainerOf(spec)];
  return {
    async measure(ms) {
      const alone = await secondsPerStep(one, ms);
      const epochs = Math.max(1, Math.ceil(ms / 1000 / (alone * one.stepsPerEpoch)));
      const began = performance.now();
      await Promise.all([one.train(epochs), other.train(epochs)]);
      const spent = (performance.now() - began) / 1000;
      return (2 * epochs * one.stepsPerEpoch * alone) / spent;
    },
  };
}
