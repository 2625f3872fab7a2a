/** Whole training steps of small networks: gather, forward, backward, clip to norm 1, optimizer. */
import { type Network, networks, weightShapes } from "../cases.js";
import { closeTo } from "../differ.js";
import type { Input } from "../inputs.js";
import type { Case, Spec, Suite } from "../suite.js";
import { microseconds } from "../units.js";

/** Files of a network's weights (uniform, by He et al. 2015) and of its data. */
function inputsOf(network: Network): Record<string, Input> {
  const rows = network.steps * network.batch;
  const shapes = weightShapes(network);
  const weights = shapes.map(([outs, ins], i): [string, Input] => {
    const bound = Math.sqrt(6 / ins);
    return [`w${i}`, { dtype: "f32", size: outs * ins, low: -bound, high: bound, seed: 10 + i }];
  });
  return {
    ...Object.fromEntries(weights),
    x: { dtype: "f32", size: rows * network.inputs, low: 0, high: 1, seed: 4 },
    y: { dtype: "i32", size: rows, low: 0, high: shapes.at(-1)![0], seed: 5 },
  };
}

/** What a contender needs to know to train a network; the first `checked` losses are compared. */
function specOf(name: string, { inputs, layers, batch, optimizer, lr }: Network): Spec {
  return { kind: "step", network: name, inputs, layers: layers.join(" "), batch, optimizer, lr, checked: 4 };
}

export const stepCase = (name: string): Case => ({
  name,
  unit: "us",
  spec: specOf(name, networks[name]),
  inputs: inputsOf(networks[name]),
  value: microseconds,
  // Fifty layers and Adam's division by small numbers magnify roundings.
  differ: closeTo({ relative: networks[name].layers.length > 50 ? 1e-2 : 1e-3 }),
});

export const step: Suite = {
  name: "step",
  about: "one training step, by fit over data in memory; everyone at their best of 1 and 2 threads",
  peers: ["torch", "torch-avx512", "jax-js", "tfjs-cpu", "tfjs-wasm", "brain", "js-pytorch"],
  cases: Object.keys(networks).map(stepCase),
  sampleMs: 250,
  bestOfThreads: true,
};
