// TensorFlow.js on its cpu or wasm backend, whichever BENCH_BACKEND names.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { batches, floats, footprintOf, layersOf, transposed, whole } from "./training.mjs";

const package_ = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json");
setWasmPaths(join(dirname(package_), "dist/"));
setThreadsCount(Number(process.env.BENCH_NUM_THREADS));
await tf.setBackend(process.env.BENCH_BACKEND);

function elementwise({ op, x, size, row, exponent }) {
  const input = tf.tensor(floats(x), row ? [size / row, row] : [size]);
  const layerNorm = (v) => {
    const { mean, variance } = tf.moments(v, -1, true);
    return v.sub(mean).mul(variance.add(1e-5).rsqrt());
  };
  const gelu = (v) => v.mul(v.mul(Math.SQRT1_2).erf().add(1)).mul(0.5);
  const composed = {
    ...{ gelu, layerNorm },
    silu: (v) => v.mul(v.sigmoid()),
    mish: (v) => v.mul(v.softplus().tanh()),
    pow: (v) => v.pow(exponent),
  };
  const call = composed[op] ?? ((v) => v[op]());
  let last = tf.tidy(() => call(input));
  return {
    async run(calls) {
      for (let i = 0; i < calls; i++) {
        last.dispose();
        last = tf.tidy(() => call(input));
      }
      last.dataSync();
    },
    results: () => last.data(),
  };
}

/** A network as variables and a function from a batch to logits, which notes new running statistics. */
function network(layers) {
  const params = [];
  const statistics = [];
  const variable = (values, trainable = true) => {
    const made = tf.variable(values, trainable);
    if (trainable) params.push(made);
    return made;
  };
  const stages = layers.map(({ kind, ins, outs, weight }) => {
    if (kind === "relu") return (v) => v.relu();
    if (kind === "tanh") return (v) => v.tanh();
    if (kind === "linear") {
      const w = variable(tf.tensor(transposed(weight, outs, ins), [ins, outs]));
      const b = variable(tf.zeros([outs]));
      return (v) => v.matMul(w).add(b);
    }
    const [gamma, beta] = [variable(tf.ones([outs])), variable(tf.zeros([outs]))];
    const running = [variable(tf.zeros([outs]), false), variable(tf.ones([outs]), false)];
    return (v) => {
      const { mean, variance } = tf.moments(v, 0);
      const rows = v.shape[0];
      const [share, unbiased] = [mean.mul(0.1), variance.mul((0.1 * rows) / (rows - 1))].map(tf.keep);
      statistics.push(() => {
        running[0].assign(running[0].mul(0.9).add(share));
        running[1].assign(running[1].mul(0.9).add(unbiased));
        tf.dispose([share, unbiased]);
      });
      return v.sub(mean).mul(variance.add(1e-5).rsqrt()).mul(gamma).add(beta);
    };
  });
  return { params, statistics, forward: (x) => stages.reduce((v, stage) => stage(v), x) };
}

function step(spec) {
  const layers = layersOf(spec);
  const classes = layers.findLast((layer) => layer.kind === "linear").outs;
  const labels = whole(spec.y);
  const x = tf.tensor(floats(spec.x), [labels.length, spec.inputs]);
  const y = tf.tensor(labels, [labels.length], "int32");
  function trainer(shuffle) {
    const order = batches(labels.length, spec.batch, shuffle);
    const { params, statistics, forward } = network(layers);
    const optimizer = spec.optimizer === "adam" ? tf.train.adam(spec.lr, 0.9, 0.999, 1e-8) : tf.train.sgd(spec.lr);
    return () =>
      tf.tidy(() => {
        const indices = tf.tensor(order.next().value, [spec.batch], "int32");
        const target = tf.oneHot(y.gather(indices), classes);
        const input = x.gather(indices);
        statistics.length = 0;
        const { value, grads } = tf.variableGrads(() => tf.losses.softmaxCrossEntropy(target, forward(input)), params);
        const norm = tf.addN(Object.values(grads).map((g) => g.square().sum())).sqrt();
        const factor = tf.minimum(norm.reciprocal(), 1);
        for (const name of Object.keys(grads)) grads[name] = grads[name].mul(factor);
        optimizer.applyGradients(grads);
        for (const write of statistics) write();
        return value.dataSync()[0];
      });
  }
  const train = trainer(true);
  return {
    async run(calls) {
      for (let i = 0; i < calls; i++) train();
    },
    results() {
      const one = trainer(false);
      return Float32Array.from({ length: spec.checked }, one);
    },
  };
}

export const kinds = { elementwise, step };
export const footprint = footprintOf("@tensorflow/tfjs");
