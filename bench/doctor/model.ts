/** The network, the loss and the optimizer of a run, as a user would write them. */
import * as init from "../../lib/init/index.js";
import * as nn from "../../lib/nn/index.js";
import { tensor } from "../../lib/ops/index.js";
import * as optim from "../../lib/optim/index.js";
import type { Tensor, Variable } from "../../lib/tensor.js";
import { gaussian, inverseRootFanIn } from "../experiments/stack.js";
import { inputsOf } from "./data.js";
import type { ActivationName, Draw, HeadActivation, LossName, NetSpec, NormName, RunSpec, TrainSpec } from "./spec.js";

const activationLayers: Record<ActivationName, () => nn.Module> = {
  relu: () => new nn.ReLU(),
  leaky: () => new nn.LeakyReLU(),
  tanh: () => new nn.Tanh(),
  sigmoid: () => new nn.Sigmoid(),
  gelu: () => new nn.GELU(),
  silu: () => new nn.SiLU(),
  softplus: () => new nn.Softplus(),
  elu: () => new nn.ELU(),
};

const normLayers: Record<NormName, (width: number) => nn.Module[]> = {
  none: () => [],
  batch: (width) => [new nn.BatchNorm(width)],
  layer: (width) => [new nn.LayerNorm(width)],
};

const headLayers: Record<HeadActivation, () => nn.Module[]> = {
  none: () => [],
  softmax: () => [new nn.Softmax()],
  sigmoid: () => [new nn.Sigmoid()],
  relu: () => [new nn.ReLU()],
  tanh: () => [new nn.Tanh()],
};

/** How a layer's weight is drawn; undefined leaves it to the package. */
function initializer(draw: Draw): init.Initializer | undefined {
  switch (draw.draw) {
    case "auto":
      return undefined;
    case "he":
      return init.heNormal;
    case "xavier":
      return init.xavierNormal;
    case "pytorch":
      return inverseRootFanIn;
    case "normal":
      return (shape, options) => init.normal(shape, { ...options, std: draw.std });
    case "gain":
      return gaussian(draw.gain);
    case "constant":
      return init.constant(draw.value);
  }
}

/** A hidden layer: Linear, norm, activation, dropout. */
function hidden(net: NetSpec, from: number): nn.Module[] {
  const options = {
    ...(net.init.draw !== "auto" && { weightInit: initializer(net.init) }),
    ...(net.bias !== 0 && { biasInit: init.constant(net.bias) }),
  };
  return [
    new nn.Linear(from, net.width, options),
    ...normLayers[net.norm](net.width),
    ...(net.activation === "none" ? [] : [activationLayers[net.activation]()]),
    ...(net.dropout ? [new nn.Dropout(net.dropout)] : []),
  ];
}

const outputsOf = ({ data, net, train }: RunSpec): number => {
  const single = data.classes === 0 || net.oneOutput || train.loss === "bce" || train.loss === "logOfZero";
  return single ? 1 : data.classes;
};

/** A run's network; the default generator draws its weights. */
export function networkOf(run: RunSpec): { model: nn.Sequential; trained: readonly Variable[] } {
  const { net, data } = run;
  const blocks = Array.from({ length: net.depth }, (_, i) => {
    const layers = hidden(net, i ? net.width : inputsOf(data));
    const skips = net.residual && i > 0;
    return skips ? [new nn.Residual(new nn.Sequential(...layers, { autoInit: false }))] : layers;
  });
  const cut = net.cut?.layers ?? 0;
  const detached = net.cut?.by === "detached" ? [new nn.Lambda((x) => x.stopGradient())] : [];
  const scale = net.init.draw === "constant" || net.init.draw === "normal" ? { weightInit: initializer(net.init) } : {};
  const head = new nn.Linear(net.depth ? net.width : inputsOf(data), outputsOf(run), scale);
  const model = new nn.Sequential(
    ...blocks.slice(0, cut).flat(),
    ...detached,
    ...blocks.slice(cut).flat(),
    head,
    ...headLayers[net.head](),
  );
  const without = blocks.slice(0, cut).flat();
  if (net.cut?.by === "frozen") for (const layer of without) layer.freeze();
  const lost = new Set(net.cut?.by === "unlisted" ? without.flatMap((layer) => layer.parameters()) : []);
  return { model, trained: model.parameters().filter((p) => !lost.has(p)) };
}

/** Weights that let every class count alike, by the rows of each class. */
function evenWeights({ data: { classes, rare } }: RunSpec): number[] {
  const share = (c: number): number => (rare === 0 ? 1 / classes : c === 0 ? 1 - rare : rare / (classes - 1));
  return Array.from({ length: classes }, (_, c) => 1 / (classes * share(c)));
}

type Loss = (output: Tensor, target: Tensor) => Tensor;

/** A run's loss. */
export function lossOf(run: RunSpec): Loss {
  const losses: Record<LossName, () => Loss> = {
    crossEntropy: () => nn.crossEntropy,
    weightedCrossEntropy: () => {
      const classWeights = tensor(evenWeights(run));
      return (output, target) => nn.crossEntropy(output, target, { classWeights });
    },
    bce: () => nn.binaryCrossEntropyWithLogits,
    mse: () => nn.mse,
    logOfZero: () => (z, t) => {
      const p = z.hardSigmoid();
      return t
        .mul(p.log())
        .add(t.neg().add(1).mul(p.neg().add(1).log()))
        .mean()
        .neg();
    },
  };
  return losses[run.train.loss]();
}

/** A run's optimizer over the parameters that it is given. */
export function optimizerOf(params: readonly Variable[], train: TrainSpec): optim.Optimizer {
  const { lr, momentum, betas, eps, weightDecay } = train;
  switch (train.optimizer) {
    case "sgd":
      return new optim.SGD(params, { lr, weightDecay });
    case "momentum":
      return new optim.SGD(params, { lr, momentum, weightDecay });
    case "adam":
      return new optim.Adam(params, { lr, betas, eps, weightDecay });
    case "adamw":
      return new optim.AdamW(params, { lr, betas, eps, weightDecay });
    case "rmsprop":
      return new optim.RMSprop(params, { lr, eps, weightDecay });
  }
}

/** A run's learning-rate schedule. */
export function scheduleOf({ schedule }: TrainSpec): optim.Schedule | undefined {
  switch (schedule) {
    case "none":
      return undefined;
    case "cosine":
      return optim.cosine();
    case "falling":
      return optim.linear({ floor: 0.1 });
    case "warmup":
      return optim.warmup(20);
  }
}

/** Accuracy, from 0 to 1, or of a regression the mean squared error. */
export function metricOf({ data, net, train }: RunSpec): Loss {
  if (data.classes === 0) return nn.mse;
  if (!net.oneOutput) return nn.accuracy;
  // One output for all classes names the nearest one, or as a logit the first or the second.
  if (train.loss === "mse") return (output, target) => output.sub(target).abs().less(0.5).mean();
  return (output, target) => output.greater(0).cast("f32").equal(target).mean();
}
