/** The rows of a run: drawn from a name, standardized, and spoiled as the run has it. */
import { type DataSet, fromArrays } from "../../lib/data/index.js";
import { readSets } from "../experiments/sets.js";
import { Random } from "./random.js";
import type { DataKind, DataSpec, LossName } from "./spec.js";

/** Inputs row by row, and for each row a label or a target. */
interface Rows {
  readonly x: number[][];
  readonly y: number[];
}

const testRows = 500;
const validationRows = 200;

/**
 * A row of one class (or of none, for a regression): its inputs, and its target. What all parts of the data share, such as
 * centres, comes from a stream of its own.
 */
type Sampler = (random: Random, spec: DataSpec, shared: Random) => (label: number) => { x: number[]; y: number };

/** Two coordinates of a class. */
const planar =
  (point: (random: Random, label: number, classes: number) => [number, number]): Sampler =>
  (random, { noise, classes }) =>
  (label) => {
    const [a, b] = point(random, label, classes);
    return { x: [a + noise * random.normal(), b + noise * random.normal()], y: label };
  };

const samplers: Record<Exclude<DataKind, "images">, Sampler> = {
  /** Gaussians around random centres in 8 dimensions, two for each class. */
  blobs: (random, { noise, classes }, shared) => {
    const centres = Array.from({ length: 2 * classes }, () => Array.from({ length: 8 }, () => shared.normal()));
    return (label) => {
      const centre = centres[label + classes * random.integer(0, 1)];
      return { x: centre.map((c) => c + noise * random.normal()), y: label };
    };
  },
  circles: planar((random, label, classes) => {
    const angle = random.uniform(0, 2 * Math.PI);
    const radius = (label + 1) / classes;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }),
  moons: planar((random, label) => {
    const angle = random.uniform(0, Math.PI);
    return label === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
  }),
  spirals: planar((random, label, classes) => {
    const t = Math.sqrt(random.uniform());
    const angle = 2 * Math.PI * (label / classes + 0.75 * t);
    return [t * Math.cos(angle), t * Math.sin(angle)];
  }),
  /** Friedman's first function (1991) of five of ten inputs. */
  friedman:
    (random, { noise }) =>
    () => {
      const x = Array.from({ length: 10 }, () => random.uniform());
      const y = 10 * Math.sin(Math.PI * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4];
      return { x, y: y + 5 * noise * random.normal() };
    },
  waves:
    (random, { noise }) =>
    () => {
      const x = Array.from({ length: 3 }, () => random.uniform(-2, 2));
      return { x, y: Math.sin(2 * x[0]) + x[1] * Math.cos(x[2]) + noise * random.normal() };
    },
  /** Whether the sum of the first three of ten bits is odd; noise keeps rows apart that would be the same. */
  parity:
    (random, { noise }) =>
    (label) => {
      const bits = Array.from({ length: 10 }, () => random.integer(0, 1));
      bits[2] = (bits[0] + bits[1] + label) % 2;
      return { x: bits.map((bit) => bit + noise * random.normal()), y: label };
    },
  /** Six letters in turn and a place: the label is the letter that stands there. */
  recall:
    (random, { classes, noise }) =>
    (label) => {
      const place = random.integer(0, 5);
      const letters = Array.from({ length: 6 }, (_, i) => (i === place ? label : random.integer(0, classes - 1)));
      const flat = letters.flatMap((letter) => Array.from({ length: classes }, (_, c) => Number(c === letter)));
      const row = [...flat, ...Array.from({ length: 6 }, (_, i) => Number(i === place))];
      return { x: row.map((v) => v + noise * random.normal()), y: label };
    },
};

/** How many inputs a row has. */
export function inputsOf({ kind, classes }: DataSpec): number {
  const fixed: Partial<Record<DataKind, number>> = { blobs: 8, friedman: 10, waves: 3, parity: 10, images: 784 };
  return fixed[kind] ?? (kind === "recall" ? 6 * classes + 6 : 2);
}

/** Labels in even shares, or as `rare` has it. */
function labelsFor(n: number, { classes, rare }: Pick<DataSpec, "classes" | "rare">, random: Random): number[] {
  if (classes === 0) return new Array<number>(n).fill(0);
  const others = classes - 1;
  const labels = Array.from({ length: n }, (_, i) => {
    if (rare === 0) return i % classes;
    return i < Math.max(others, Math.round(rare * n)) ? 1 + (i % others) : 0;
  });
  return random.permutation(n).map((i) => labels[i]);
}

/** The training and the test images, read once for each process. */
let images: ReturnType<typeof readSets> | undefined;

type Part = "train" | "validation" | "test";

/** Where the images of a part are, in the files' order: training and validation share none. */
const imagesFrom: Record<Part, readonly [first: number, count: number]> = {
  train: [0, 12_000],
  validation: [12_000, 4_000],
  test: [0, 10_000],
};

/** Images by label: so many of each as are asked for, in random order. */
async function imagesOf(labels: readonly number[], part: Part, random: Random): Promise<Rows> {
  images ??= readSets();
  const { x, y } = (await images)[part === "test" ? "test" : "train"];
  const [first, count] = imagesFrom[part];
  const places = new Map<number, number[]>();
  const order = random.permutation(count).map((i) => first + i);
  for (const i of order) {
    const label = y.values[i];
    const list = places.get(label) ?? [];
    list.push(i);
    places.set(label, list);
  }
  const row = (i: number): number[] => Array.from(x.values.subarray(784 * i, 784 * (i + 1)));
  return { x: labels.map((label) => row(places.get(label)?.pop() ?? order[0])), y: [...labels] };
}

/** A part of the data; the test is even and clean, whatever was done to the rows at hand. */
async function draw(spec: DataSpec, n: number, part: Part): Promise<Rows> {
  const random = new Random(`${spec.seed}/${part}`);
  const labels = labelsFor(n, part === "test" ? { ...spec, rare: 0 } : spec, random);
  if (spec.kind === "images") return imagesOf(labels, part, random);
  const sample = samplers[spec.kind](random, spec, new Random(spec.seed));
  const rows = labels.map((label) => sample(label));
  return { x: rows.map(({ x }) => x), y: rows.map(({ y }) => y) };
}

interface Moments {
  readonly mean: number;
  readonly std: number;
}

function momentsOf(values: readonly number[]): Moments {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(variance) || 1 };
}

/** Of every column; of images, of all pixels together. */
function columnMoments({ x }: Rows, together: boolean): Moments[] {
  const width = x[0].length;
  if (together) return new Array<Moments>(width).fill(momentsOf(x.slice(0, 100).flat()));
  return Array.from({ length: width }, (_, column) => momentsOf(x.map((row) => row[column])));
}

/** Lets labels change places, and gets some wrong. */
function spoiled(y: readonly number[], spec: DataSpec, part: Part): number[] {
  const random = new Random(`${spec.seed}/${part}/spoiled`);
  const out = [...y];
  const places = random.permutation(y.length);
  const moved = places.slice(0, Math.round(spec.shuffled * y.length));
  for (const [i, place] of moved.entries()) out[place] = y[moved[(i + 1) % moved.length]];
  for (const place of places.slice(0, Math.round(spec.wrong * y.length))) {
    out[place] = spec.classes ? (y[place] + random.integer(1, spec.classes - 1)) % spec.classes : random.normal();
  }
  return out;
}

/** Data sets as a run wants them. */
export interface RunSets {
  readonly train: DataSet;
  readonly validation: DataSet;
  readonly test: DataSet;
  /** Variance of the test's targets, for a regression. */
  readonly variance: number;
}

/** Whether a loss wants targets (N, 1) in f32 rather than labels (N) in i32. */
const wantsTargets = (loss: LossName): boolean => loss === "bce" || loss === "mse" || loss === "logOfZero";

/** Inputs of mean 0 and variance 1, scaled and moved, as f32 row by row. */
function inputs({ x }: Rows, columns: readonly Moments[], { scale, offset }: DataSpec): Float32Array {
  const width = columns.length;
  const out = new Float32Array(x.length * width);
  for (const [i, row] of x.entries())
    for (let j = 0; j < width; j++) out[i * width + j] = ((row[j] - columns[j].mean) / columns[j].std) * scale + offset;
  return out;
}

/** Draws the rows of a run. */
export async function setsOf(spec: DataSpec, loss: LossName): Promise<RunSets> {
  const train = await draw(spec, spec.rows, "train");
  const validation = await draw(spec, validationRows, "validation");
  const test = await draw(spec, testRows, "test");
  const columns = columnMoments(train, spec.kind === "images");
  const { mean, std } = spec.classes ? { mean: 0, std: 1 } : momentsOf(train.y);
  const targets = (y: readonly number[]): number[] => y.map((t) => (t - mean) / std);
  const factor = spec.classes ? 1 : spec.targetScale;
  const dataSet = (rows: Rows, y: readonly number[]): DataSet => {
    const x = { x: inputs(rows, columns, spec), xShape: [rows.x.length, columns.length] };
    if (!wantsTargets(loss)) return fromArrays({ ...x, y: Int32Array.from(y) });
    return fromArrays({ ...x, y: Float32Array.from(y, (t) => factor * t), yShape: [y.length, 1] });
  };
  const clean = targets(test.y);
  return {
    train: dataSet(train, spoiled(targets(train.y), spec, "train")),
    validation: dataSet(validation, spoiled(targets(validation.y), spec, "validation")),
    test: dataSet(test, clean),
    variance: (factor * momentsOf(clean).std) ** 2,
  };
}
