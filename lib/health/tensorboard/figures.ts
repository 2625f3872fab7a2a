/** What TensorBoard is told of a run: the figures of epochs and looks, under names that it groups by their first part. */
import { checkOptions, fail, show } from "../../error.js";
import type { EpochRecord, History } from "../../train/history.js";
import type { HealthSample, LayerSample, WatchedLayer } from "../record.js";
import { EventWriter, type EventWriterOptions } from "./event-writer.js";

/** The figures of each layer. */
const figures = {
  signal: (s: LayerSample) => s.variance,
  mean: (s: LayerSample) => s.mean,
  gradient: (s: LayerSample) => s.gradient,
  dead: (s: LayerSample) => s.dead,
  saturated: (s: LayerSample) => s.saturated,
  weight: (s: LayerSample) => s.weight,
  update: (s: LayerSample) => s.update,
};

const nameOf = ({ path }: WatchedLayer): string => path.replace(/\.?weight$/, "") || "model";

/** Adds what was seen of each layer at one look; call it as looks come, and `flush`. */
export function writeLayers(writer: EventWriter, layers: readonly WatchedLayer[], sample: HealthSample): void {
  const { step } = sample;
  for (const [i, numbers] of sample.layers.entries()) {
    if (!layers[i]) continue;
    const name = nameOf(layers[i]);
    for (const [figure, of] of Object.entries(figures)) writer.scalar(`${figure}/${name}`, of(numbers), step);
    const { signalHistogram, gradientHistogram } = numbers;
    if (signalHistogram) writer.histogram(`signal histogram/${name}`, signalHistogram, step);
    if (gradientHistogram) writer.histogram(`gradient histogram/${name}`, gradientHistogram, step);
  }
  if (sample.topClass !== undefined) writer.scalar("train/top class", sample.topClass, step);
}

/** Adds one look: loss and norm of the gradient, and each layer's figures. */
export function writeSample(writer: EventWriter, layers: readonly WatchedLayer[], sample: HealthSample): void {
  writer.scalar("train/loss", sample.loss, sample.step);
  writer.scalar("train/gradient norm", sample.gradNorm, sample.step);
  writeLayers(writer, layers, sample);
}

/** Adds one epoch's means and its validation, at the steps made by its end. */
export function writeEpoch(writer: EventWriter, epoch: EpochRecord, step: number): void {
  const { loss, metrics, validation } = epoch;
  const kinds: [string, { loss: number; metrics: Readonly<Record<string, number>> } | undefined][] = [
    ["epoch", { loss, metrics }],
    ["validation", validation],
  ];
  for (const [kind, judged] of kinds) {
    if (!judged) continue;
    writer.scalar(`${kind}/loss`, judged.loss, step);
    for (const [name, value] of Object.entries(judged.metrics)) writer.scalar(`${kind}/${name}`, value, step);
  }
}

/**
 * Writes a run to an event file in a folder: the loss and gradient norm of every step, each epoch's metrics and, if the run was
 * watched, the figures of its layers. Show it with `tensorboard --logdir` and the folder.
 * @returns the path of the file
 * @throws if the folder cannot be written
 * @example
 * const history = await fit(model, train, { loss: nn.crossEntropy, optimizer, epochs: 2, health: true });
 * await health.tensorboard(history, "runs/first");
 */
export async function tensorboard(history: History, folder: string, options: EventWriterOptions = {}): Promise<string> {
  if (typeof history !== "object" || history === null || !Array.isArray(history.losses))
    fail("tensorboard", `history must be what fit returned, got ${show(history)}. Await it first`);
  if (typeof folder !== "string" || folder === "")
    fail("tensorboard", `folder must be the path of a folder, got ${show(folder)}`);
  checkOptions("tensorboard", options, ["clock"]);
  const writer = new EventWriter(folder, options);
  for (const [step, loss] of history.losses.entries()) {
    writer.scalar("train/loss", loss, step);
    writer.scalar("train/gradient norm", history.gradNorms[step], step);
  }
  const { layers = [], samples = [] } = history.health ?? {};
  for (const sample of samples) writeLayers(writer, layers, sample);
  let step = 0;
  for (const epoch of history.epochs) {
    step += epoch.steps;
    writeEpoch(writer, epoch, step);
  }
  await writer.close();
  return writer.path;
}
