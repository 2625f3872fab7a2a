/** `evengrad train`: the classic network on a real data set, from files to saved weights. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { SingleBar } from "cli-progress";
import pico from "picocolors";
import {
  arange,
  data,
  EvengradError,
  evaluate,
  fit,
  type HealthOptions,
  type History,
  health,
  isa,
  nn,
  optim,
  type Progress,
  safetensors,
  seed,
  threads,
} from "../index.js";

export interface TrainFlags {
  data?: string;
  epochs: number;
  batch: number;
  lr: number;
  classic: number;
  seed: number;
  threads?: number;
  out: string;
  report: string;
  json: boolean;
}

const percent = (x: number): string => `${(100 * x).toFixed(2)} %`;
const duration = (seconds: number): string =>
  seconds >= 60
    ? `${Math.floor(seconds / 60)}m${String(Math.round(seconds % 60)).padStart(2, "0")}s`
    : `${seconds.toFixed(1)}s`;

function numbersOf(p: Pick<Progress, "loss" | "metrics" | "gradNorm" | "samplesPerSecond">): string {
  const { loss, metrics, gradNorm, samplesPerSecond } = p;
  return `loss ${loss.toFixed(4)}  accuracy ${percent(metrics.accuracy)}  grad norm ${gradNorm.toFixed(3)}  ${Math.round(samplesPerSecond).toLocaleString("en-US")} samples/s`;
}

/** One line per epoch: a bar that moves on a terminal, a plain line elsewhere. */
function reporter(out: NodeJS.WriteStream): { progress(p: Progress): void; close(): void } {
  let bar: SingleBar | undefined;
  const close = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    progress(p) {
      const text = `${numbersOf(p)}  ${duration(p.secondsLeft)} left`;
      const ended = p.step === p.stepsPerEpoch;
      if (!out.isTTY) {
        if (ended) out.write(`epoch ${p.epoch}/${p.epochs}  ${text}\n`);
        return;
      }
      if (!bar) {
        const format = `epoch {epoch} ${pico.cyan("{bar}")} {text}`;
        bar = new SingleBar({
          format,
          barsize: 20,
          barCompleteChar: "█",
          barIncompleteChar: "░",
          stream: out,
          hideCursor: true,
        });
        bar.start(p.stepsPerEpoch, 0, { epoch: `${p.epoch}/${p.epochs}`, text });
      }
      bar.update(p.step, { text });
      if (ended) close();
    },
    close,
  };
}

async function run(
  sets: data.TrainTest,
  flags: TrainFlags,
  lr: number,
  out: NodeJS.WriteStream,
  watch?: HealthOptions,
) {
  seed(flags.seed);
  const { train, test } = sets;
  const { inputs, classes } = await sizesOf(train);
  const model = new nn.Sequential(
    new nn.Linear(inputs, 512),
    new nn.BatchNorm(512),
    new nn.ReLU(),
    new nn.Linear(512, classes),
  );
  const optimizer = new optim.SGD(model.parameters(), { lr });
  const lines = reporter(out);
  let history: History;
  try {
    history = await fit(model, train, {
      loss: nn.crossEntropy,
      optimizer,
      clipGradNorm: 1,
      batchSize: flags.batch,
      epochs: flags.epochs,
      metrics: [nn.accuracy],
      health: watch,
      onProgress: lines.progress,
    });
  } finally {
    lines.close();
  }
  const { loss, metrics } = await evaluate(model, test, { loss: nn.crossEntropy, metrics: [nn.accuracy] });
  return { model, history, loss, accuracy: metrics.accuracy };
}

/** Numbers per image, and classes: the largest label is the last one. */
async function sizesOf({ x, y }: data.DataSet): Promise<{ inputs: number; classes: number }> {
  return { inputs: x.size / x.shape[0], classes: (await y.cast("i32").max().item()) + 1 };
}

/** Refuses a file that could not be written once the training is over. */
async function checkFolder(flag: string, file: string): Promise<void> {
  const folder = dirname(file);
  await access(folder, constants.W_OK).catch((error: Error) => {
    throw new EvengradError(
      "train",
      `${flag} must be in a folder that can be written, got ${folder} (${error.message})`,
    );
  });
}

export async function train(flags: TrainFlags): Promise<void> {
  const out = flags.json ? process.stderr : process.stdout;
  const say = (text: string): void => void out.write(`${text}\n`);
  if (flags.threads !== undefined) threads(flags.threads);
  const weights = resolve(flags.out);
  const page = resolve(flags.report);
  await checkFolder("--out", weights);
  await checkFolder("--report", page);
  const sets = flags.data ? await data.idx(flags.data) : await data.mnist();
  const { inputs, classes } = await sizesOf(sets.train);
  const images = `${sets.train.size} training and ${sets.test.size} test images`;
  say(pico.bold(`${inputs}-512-BatchNorm-ReLU-${classes} on ${flags.data ?? "MNIST"}: ${images}`));
  say(`cross-entropy, SGD ${flags.lr}, clipping at norm 1, batch ${flags.batch}, ${threads()} threads, ${isa()}`);
  const main = await run(sets, flags, flags.lr, out, { histograms: true });
  say(`and with the classic learning rate ${flags.classic}:`);
  const classic = await run(sets, flags, flags.classic, out);
  const rows = Math.min(512, sets.test.size);
  const sample = sets.test.batch(arange(0, rows, 1, "i32"));
  const layers = await health.layers(main.model, sample, { loss: nn.crossEntropy });
  await health.report(main.history, page, { title: `${inputs}-512-BatchNorm-ReLU-${classes}` });
  await safetensors.save(weights, await main.model.state());
  say("");
  say(`${layers}`);
  say("");
  say(`${pico.bold(`test accuracy ${percent(main.accuracy)}`)} in ${duration(main.history.seconds)} (lr ${flags.lr})`);
  say(`test accuracy ${percent(classic.accuracy)} in ${duration(classic.history.seconds)} (lr ${flags.classic})`);
  say(`weights: ${weights}`);
  say(`health: ${main.history.health?.verdict}; report: ${page}`);
  if (!flags.json) return;
  const result = ({ history, loss, accuracy }: typeof main, lr: number) => ({
    lr,
    testAccuracy: accuracy,
    testLoss: loss,
    seconds: history.seconds,
    epochs: history.epochs,
  });
  console.log(
    JSON.stringify({
      ...result(main, flags.lr),
      classic: result(classic, flags.classic),
      layers,
      weights,
      health: main.history.health?.verdict,
      report: page,
      settings: {
        data: flags.data ?? "MNIST",
        batch: flags.batch,
        epochs: flags.epochs,
        seed: flags.seed,
        threads: threads(),
        isa: isa(),
      },
    }),
  );
}
