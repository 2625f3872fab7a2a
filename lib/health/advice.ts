/** What each repair is in words, and the line that does it. */
import type { Optimizer } from "../optim/index.js";
import type { Advice, RepairName } from "./finding.js";
import { decayOf, type Memory, unusualMemory } from "./memory.js";

const known: Readonly<Record<RepairName, readonly [text: string, code: string]>> = {
  adaptiveOptimizer: ["use an optimizer that scales steps itself", "new optim.Adam(model.parameters(), { lr: 0.002 })"],
  classWeights: ["count rare classes more", "loss: (z, y) => nn.crossEntropy(z, y, { classWeights })"],
  clip: ["limit the gradient's norm", "fit(model, set, { …, clipGradNorm: 1 })"],
  dropActivation: [
    "give the loss raw scores: take the last activation away",
    "new nn.Sequential(…, new nn.Linear(width, classes))",
  ],
  dropLast: ["leave out the last batch of an epoch", "fit(model, set, { …, dropLast: true })"],
  dropout: ["drop activations at random", "new nn.Dropout(0.3)"],
  giveAll: ["give the optimizer every parameter", "new optim.Adam(model.parameters(), { lr: 0.001 })"],
  insertActivation: ["put an activation between the layers", "new nn.ReLU()"],
  largerBatch: ["take more rows per step", "fit(model, set, { …, batchSize: 32 })"],
  layerNorm: ["use a norm that does not need a batch", "new nn.LayerNorm(features)"],
  lowerRate: ["take smaller steps", "optimizer.lr /= 10"],
  normalize: ["normalize the sums of each layer", "new nn.BatchNorm(features)"],
  raiseRate: ["take larger steps", "optimizer.lr *= 10"],
  reinitialize: ["draw weights that fit what follows them", "init.auto(model, batch.x)"],
  replaceActivation: ["use an activation that does not die or saturate", "new nn.LeakyReLU()"],
  rescaleInputs: ["bring features to mean 0 and variance 1", "new nn.Standardize(mean, std)"],
  rescaleOutputs: [
    "learn targets of mean 0 and variance 1",
    "new nn.Standardize(mean.div(std).neg(), std.reciprocal()) after the last layer",
  ],
  residual: ["let signal and gradient pass beside the layers", "new nn.Residual(block, { scale: 0, learned: true })"],
  shuffle: ["take the rows in a new order each epoch", "fit(model, set, { …, shuffle: true })"],
  stopEarly: ["go back to where validation was best", "onEpoch: ({ validation }) => validation.loss <= best"],
  unfreeze: ["let frozen layers learn, before the optimizer is made", "model.unfreeze()"],
  usualMemory: [
    "let the optimizer remember as long as usual",
    "new optim.Adam(model.parameters(), { lr, betas: [0.9, 0.999], eps: 1e-8 })",
  ],
  warmUp: ["begin with small steps", "schedule: optim.warmup(steps)"],
  weakerDecay: ["do not decay", "new optim.AdamW(model.parameters(), { weightDecay: 0 })"],
  weakerDropout: ["drop less", "new nn.Dropout(0.1)"],
  weightDecay: ["keep weights small", "new optim.AdamW(model.parameters(), { weightDecay: 0.01 })"],
};

const advice = Object.fromEntries(
  Object.entries(known).map(([repair, [text, code]]) => [repair, { repair, text, code }]),
) as Readonly<Record<RepairName, Advice>>;

/** An optimizer with other options, as it is written. */
function written({ name, lr }: Optimizer, changes: Memory & { readonly weightDecay?: number }): string | undefined {
  const list = Object.entries(changes).map(([key, value]) => `${key}: ${JSON.stringify(value).replace(",", ", ")}`);
  return list.length ? `new optim.${name}(model.parameters(), { lr: ${lr}, ${list.join(", ")} })` : undefined;
}

/** The lines of what changes the optimizer at hand; undefined where there is nothing to change. */
const lines: Partial<Record<RepairName, (optimizer: Optimizer) => string | undefined>> = {
  giveAll: ({ name, lr }) => `new optim.${name}(model.parameters(), { lr: ${lr} })`,
  usualMemory: (optimizer) => written(optimizer, unusualMemory(optimizer)),
  weakerDecay: (optimizer) => (decayOf(optimizer) > 0 ? written(optimizer, { weightDecay: 0 }) : undefined),
};

/** A repair as advice for a run with an optimizer, where that is known; undefined if there is nothing for it to do. */
export function adviceFor(repair: RepairName, optimizer: Optimizer | undefined): Advice | undefined {
  const line = optimizer && lines[repair];
  if (!line) return advice[repair];
  const code = line(optimizer);
  return code === undefined ? undefined : { ...advice[repair], code };
}
