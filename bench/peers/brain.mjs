// brain.js: fully connected networks of one activation. It knows no batches: a step is its training on
// as many rows, each with an update of its own.
import brain from "brain.js";
import { batches, floats, layersOf, whole } from "./training.mjs";

function step(spec) {
  const layers = layersOf(spec);
  const linear = layers.filter((layer) => layer.kind === "linear");
  const others = new Set(layers.flatMap(({ kind }) => (kind === "linear" ? [] : kind)));
  if (others.has("batchnorm") || others.size > 1 || spec.optimizer !== "sgd") {
    return { unsupported: "it has no such networks: one activation throughout, no normalization" };
  }
  const [x, y] = [floats(spec.x), whole(spec.y)];
  const classes = linear.at(-1).outs;
  const rows = Array.from(y, (label, i) => ({
    input: x.slice(i * spec.inputs, (i + 1) * spec.inputs),
    output: Float32Array.from({ length: classes }, (_, k) => Number(k === label)),
  }));
  const net = new brain.NeuralNetwork({
    hiddenLayers: linear.slice(0, -1).map((l) => l.outs),
    activation: [...others][0],
  });
  net.train(rows, { iterations: 1, learningRate: spec.lr, momentum: 1e-9, errorThresh: 1e-9 });
  const order = batches(rows.length, spec.batch, true);
  return {
    note: "an update for each row, of a squared error",
    async run(calls) {
      for (let i = 0; i < calls; i++) for (const row of order.next().value) net.trainPattern(rows[row]);
    },
  };
}

export const kinds = { step };
