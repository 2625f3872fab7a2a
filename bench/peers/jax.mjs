// jax-js on its WebAssembly backend: a jitted function for each piece of work.
import { init, jit, lax, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { batches, floats, footprintOf, layersOf, transposed, whole } from "./training.mjs";

await init("wasm", "cpu");

const array = (values, shape) =>
  np.array(values, { shape, dtype: values instanceof Int32Array ? np.int32 : np.float32 });

/** A jitted function of one array, again and again. */
async function repeated(f, x) {
  const call = jit(f);
  let last = await call(x.ref).blockUntilReady();
  return {
    async run(calls) {
      for (let i = 0; i < calls; i++) {
        last.dispose();
        last = await call(x.ref).blockUntilReady();
      }
    },
    results: () => last.ref.data(),
  };
}

/** y = (x − mean) / √(variance + ε) over an axis; consumes x. */
function normalized(x, axis) {
  const centred = x.ref.sub(np.mean(x, axis, { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), axis, { keepdims: true });
  return centred.div(np.sqrt(variance.add(1e-5)));
}

function elementwise({ op, x, size, row, exponent }) {
  const ops = {
    relu: nn.relu,
    sigmoid: nn.sigmoid,
    tanh: np.tanh,
    gelu: (v) => nn.gelu(v, { approximate: false }),
    exp: np.exp,
    log: np.log,
    softmax: (v) => nn.softmax(v, -1),
    layerNorm: (v) => normalized(v, -1),
    expm1: np.expm1,
    log1p: np.log1p,
    erf: lax.erf,
    silu: nn.silu,
    softplus: nn.softplus,
    elu: (v) => nn.elu(v),
    mish: nn.mish,
    rsqrt: (v) => np.reciprocal(np.sqrt(v)),
    pow: (v) => np.power(v, exponent),
  };
  return repeated(ops[op], array(floats(x), row ? [size / row, row] : [size]));
}

/** Parameters and running statistics of a network as lists of arrays. */
function begin(layers) {
  const params = [];
  const running = [];
  for (const { kind, ins, outs, weight } of layers) {
    if (kind === "linear") params.push(array(transposed(weight, outs, ins), [ins, outs]), np.zeros([outs]));
    if (kind === "batchnorm") {
      params.push(np.ones([outs]), np.zeros([outs]));
      running.push(np.zeros([outs]), np.ones([outs]));
    }
  }
  return { params, running };
}

/** The mean cross-entropy and the new running statistics, for parameters, statistics and a batch. */
function forward(layers, params, running, x, y) {
  const next = [];
  let [at, stat] = [0, 0];
  let v = x;
  const rows = x.shape[0];
  for (const { kind } of layers) {
    if (kind === "linear") v = np.matmul(v, params[at++]).add(params[at++]);
    if (kind === "relu") v = nn.relu(v);
    if (kind === "tanh") v = np.tanh(v);
    if (kind === "batchnorm") {
      const mean = np.mean(v.ref, 0);
      const centred = v.sub(mean.ref);
      const variance = np.mean(np.square(centred.ref), 0);
      const unbiased = variance.ref.mul((0.1 * rows) / (rows - 1));
      next.push(running[stat++].mul(0.9).add(mean.mul(0.1)), running[stat++].mul(0.9).add(unbiased));
      v = centred
        .div(np.sqrt(variance.add(1e-5)))
        .mul(params[at++])
        .add(params[at++]);
    }
  }
  const picked = nn.logSoftmax(v, -1).mul(nn.oneHot(y, layers.findLast((l) => l.kind === "linear").outs));
  return [picked.sum().mul(-1 / rows), next];
}
/** The factor that brings gradients to norm 1 if theirs is above. */
function clipFactor(grads) {
  const squares = grads.map((g) => np.square(g.ref).sum());
  return np.minimum(np.reciprocal(np.sqrt(squares.reduce((a, b) => a.add(b)))), 1);
}

/** New parameters and moments; `corrections` holds 1/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ). */
function update({ optimizer, lr }, params, grads, moments, corrections) {
  const factor = clipFactor(grads);
  const clipped = grads.map((g) => g.mul(factor.ref));
  factor.dispose();
  if (optimizer === "sgd") return { params: params.map((p, i) => p.sub(clipped[i].mul(lr))), moments: [] };
  const next = { params: [], moments: [] };
  for (const [i, p] of params.entries()) {
    const mean = moments[2 * i].mul(0.9).add(clipped[i].ref.mul(0.1));
    const square = moments[2 * i + 1].mul(0.999).add(np.square(clipped[i]).mul(0.001));
    const root = np.sqrt(square.ref.mul(corrections.ref.slice(1))).add(1e-8);
    next.params.push(p.sub(mean.ref.mul(corrections.ref.slice(0)).div(root).mul(lr)));
    next.moments.push(mean, square);
  }
  return next;
}

async function step(spec) {
  const layers = layersOf(spec);
  const [labels, rows] = [whole(spec.y), floats(spec.x)];
  const x = array(rows, [labels.length, spec.inputs]);
  const y = array(labels, [labels.length]);
  const differentiate = valueAndGrad((...args) => forward(layers, ...args), { hasAux: true });
  const adam = spec.optimizer === "adam";
  const call = jit(({ params, running, moments }, x, y, indices, corrections) => {
    const batch = [np.take(x, indices.ref, 0), np.take(y, indices, 0)];
    const [[loss, stats], grads] = differentiate(tree.ref(params), running, ...batch);
    const next = update(spec, params, grads, moments, corrections);
    corrections.dispose();
    return { loss, state: { ...next, running: stats } };
  });
  function trainer(shuffle) {
    const order = batches(labels.length, spec.batch, shuffle);
    const state = begin(layers);
    state.moments = adam ? state.params.flatMap((p) => [np.zeros(p.shape), np.zeros(p.shape)]) : [];
    let t = 0;
    let now = state;
    return async () => {
      t++;
      const corrections = array(Float32Array.of(1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)), [2]);
      const indices = array(order.next().value, [spec.batch]);
      const { loss, state: next } = call(now, x.ref, y.ref, indices, corrections);
      now = next;
      return (await loss.data())[0];
    };
  }
  const train = trainer(true);
  return {
    async run(calls) {
      for (let i = 0; i < calls; i++) await train();
    },
    async results() {
      const one = trainer(false);
      const losses = new Float32Array(spec.checked);
      for (let i = 0; i < losses.length; i++) losses[i] = await one();
      return losses;
    },
  };
}

export const kinds = { elementwise, step };
export const footprint = footprintOf("@jax-js/jax");
