/** What the published rules look at, gathered from a run after every epoch. */
import { grad } from "../../lib/grad.js";
import * as nn from "../../lib/nn/index.js";
import { traceLayers } from "../../lib/nn/trace.js";
import { arange } from "../../lib/ops/index.js";
import { read } from "../../lib/run/index.js";
import type { Tensor } from "../../lib/tensor.js";
import { evaluate, fit } from "../../lib/train/index.js";
import { autotrainer, type Look, sagemaker, saturation, type Trace } from "./baselines.js";
import { metricOf } from "./model.js";
import type { RunSpec } from "./spec.js";
import { attempt, type Prepared, prepare } from "./train.js";

type Values = ArrayLike<number>;

/** Gradients and activations over the first batch, in evaluation mode, as AUTOTRAINER has it. */
async function gradients({ run, model, trained, sets, loss }: Prepared, before?: readonly Values[]) {
  const { x, y } = sets.train.batch(arange(0, run.train.batch, 1, "i32"));
  const { output, inputs } = traceLayers(model, x);
  const learned = trained.filter((p) => p.trainable);
  const grads = grad(loss(output, y), learned);
  const weights = learned.flatMap((p, i) => (p.rank >= 2 ? [{ p, g: grads[i] }] : []));
  const saturated = [...inputs].flatMap(([part, z]): Tensor[] => {
    const range =
      part instanceof nn.Tanh ? saturation.tanh : part instanceof nn.Sigmoid ? saturation.sigmoid : undefined;
    return range ? [z.less(range[0]).logicalOr(z.greater(range[1])).mean()] : [];
  });
  const size = learned.reduce((sum, p) => sum + p.size, 0);
  const zeros = grads
    .map((g) => g.equal(0).sum().cast("f32"))
    .reduce((a, b) => a.add(b))
    .div(size);
  const rows = weights.flatMap(({ p, g }) => [g.norm(), g.abs().mean(), p.sub(p.mean()).square().mean()]);
  const all = await read([zeros, ...rows, ...saturated, ...weights.map(({ p }) => p as Tensor)]);
  const at = (i: number): number => all[i][0];
  const matrices = all.slice(1 + rows.length + saturated.length);
  return {
    look: {
      zeros: at(0),
      saturated: saturated.map((_, i) => at(1 + rows.length + i)),
      weights: weights.map((_, i) => ({
        norm: at(1 + 3 * i),
        meanSize: at(2 + 3 * i),
        variance: at(3 + 3 * i),
        update: before ? changeOf(before[i], matrices[i]) : Number.NaN,
      })),
    },
    matrices,
  };
}

/** Σ|b − a|/Σ|a|. */
function changeOf(a: Values, b: Values): number {
  let moved = 0;
  let size = 0;
  for (let i = 0; i < a.length; i++) {
    moved += Math.abs(b[i] - a[i]);
    size += Math.abs(a[i]);
  }
  return moved / size;
}

/** Trains a run with one seed and looks at it as the published tools do. */
async function traceOf(run: RunSpec, seed: number): Promise<Trace> {
  const prepared = await prepare(run, seed);
  const { model, sets, options, loss } = prepared;
  const metric = metricOf(run);
  const share = (value: number): number => (run.data.classes ? value : Math.max(0, 1 - value / sets.variance));
  const none = { loss: 0, accuracy: 0, testLoss: 0, testAccuracy: 0 };
  let { look, matrices } = await gradients(prepared);
  const start: Look = { ...none, ...look };
  const epochs: Look[] = [];
  const { error } = await attempt(() =>
    fit(model, sets.train, {
      ...options,
      metrics: { metric },
      onEpoch: async (record) => {
        const test = await evaluate(model, sets.test, { loss, metrics: { metric }, batchSize: 500 });
        ({ look, matrices } = await gradients(prepared, matrices));
        epochs.push({
          ...look,
          loss: record.loss,
          accuracy: share(record.metrics.metric),
          testLoss: test.loss,
          testAccuracy: share(test.metrics.metric),
        });
      },
    }),
  );
  return { start, epochs, totalEpochs: run.train.epochs, broke: error?.includes("finite") ?? false };
}

/** What both tools say of a run; null is nothing. */
export interface Published {
  readonly autotrainer: string | null;
  readonly sagemaker: string | null;
}

export async function published(run: RunSpec, seed: number): Promise<Published> {
  const trace = await traceOf(run, seed);
  return { autotrainer: autotrainer(trace) ?? null, sagemaker: sagemaker(trace) ?? null };
}
