/** Image data sets from IDX files. */
import { promises as fs } from "node:fs";
import { join } from "node:path";
import { checkOptions, fail, show } from "../error.js";
import { showShape, sizeOf } from "../shape.js";
import { Constant } from "../tensor.js";
import { moments } from "./check.js";
import { DataSet } from "./dataset.js";
import { parseIdx, readIdx } from "./idx.js";
import { checkFlag } from "./options.js";

/** How images are read. */
export interface ImageOptions {
  /** One row of numbers per image rather than its own shape; true unless told. */
  flatten?: boolean;
  /** Mean 0 and standard deviation 1 over all training pixels, rather than bytes/255; false unless told. */
  standardize?: boolean;
}

/** A pair of IDX files, each by its path or as the file's bytes. */
export interface ImageFiles {
  images: string | Uint8Array;
  labels: string | Uint8Array;
}

/** Training and test rows of one data set. */
export interface TrainTest {
  readonly train: DataSet;
  readonly test: DataSet;
}

interface Pair {
  readonly x: Constant;
  readonly y: Constant;
}

/** Names of options, for those who pass them on. */
export const imageOptions = ["flatten", "standardize"] as const;

const read = (file: unknown, name: string): Promise<Constant> => {
  if (typeof file === "string") return readIdx(file);
  if (file instanceof Uint8Array) return Promise.resolve(parseIdx(file, name));
  return fail("idx", `${name} must be a path or the bytes of a file, got ${show(file)}`);
};

async function readPair({ images, labels }: ImageFiles, flatten: boolean): Promise<Pair> {
  const [x, y] = await Promise.all([read(images, "images"), read(labels, "labels")]);
  if (y.dtype === "f32" || y.rank !== 1) {
    fail("idx", `labels must be integers on one axis, got ${y.dtype}${showShape(y.shape)}. Are the files swapped?`);
  }
  if (x.shape[0] !== y.shape[0]) {
    fail("idx", `images and labels must be equally many, got ${x.shape[0]} and ${y.shape[0]}. Are they of one set?`);
  }
  if (x.shape[0] === 0) fail("idx", `must have at least one image, got ${showShape(x.shape)}`);
  const values = x.dtype === "i32" ? Float32Array.from(x.values) : x.values;
  const shape = flatten ? [x.shape[0], sizeOf(x.shape.slice(1))] : x.shape;
  return { x: new Constant(values, shape, x.dtype === "i32" ? "f32" : x.dtype), y };
}

/** The four files of a directory; names as published, with `-` or `.` before idx, gzipped or not. */
async function findFiles(directory: string): Promise<{ train: ImageFiles; test: ImageFiles }> {
  let names: string[];
  try {
    names = await fs.readdir(directory);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail("idx", `directory must be readable, got: ${reason}. Check the path`);
  }
  const find = (set: string, kind: string): string => {
    const stem = `${set}-${kind}-ubyte`;
    const name = [stem, stem.replace("-idx", ".idx")]
      .flatMap((base) => [base, `${base}.gz`])
      .find((candidate) => names.includes(candidate));
    return name
      ? join(directory, name)
      : fail("idx", `directory ${directory} must have ${stem} or ${stem}.gz, got neither`);
  };
  const pair = (set: string): ImageFiles => ({
    images: find(set, "images-idx3"),
    labels: find(set, "labels-idx1"),
  });
  return { train: pair("train"), test: pair("t10k") };
}

async function statistics(x: Constant): Promise<{ mean: number; std: number }> {
  const { mean, std } = await moments(x);
  return std > 0 ? { mean, std } : fail("idx", `images must differ to be standardized, got ${mean} everywhere`);
}

/**
 * Images and labels from IDX files, gzipped or not: from a directory with the four files of MNIST (train-images-idx3-ubyte,
 * train-labels-idx1-ubyte, t10k-…) as training and test sets, or from one pair of files as one set.
 *
 * Bytes stay bytes; batches hold x/255, or standardized values: both sets then by the training set's mean and deviation.
 * @param source a directory, or the paths or bytes of a pair of files
 * @throws if a file is missing, lies about its size or is no IDX file
 * @example const { train, test } = await data.idx("/usr/share/datasets/fashion-mnist");
 */
export async function idx(source: string, options?: ImageOptions): Promise<TrainTest>;
export async function idx(source: ImageFiles, options?: ImageOptions): Promise<DataSet>;
export async function idx(source: string | ImageFiles, options: ImageOptions = {}): Promise<TrainTest | DataSet> {
  checkOptions("idx", options, imageOptions);
  const { flatten = true, standardize = false } = options;
  checkFlag("idx", "flatten", flatten);
  checkFlag("idx", "standardize", standardize);
  if (typeof source !== "string") {
    checkOptions("idx", source, ["images", "labels"]);
    const { x, y } = await readPair(source ?? {}, flatten);
    return new DataSet(x, y, standardize ? await statistics(x) : {});
  }
  const files = await findFiles(source);
  const [train, test] = await Promise.all([readPair(files.train, flatten), readPair(files.test, flatten)]);
  const scale = standardize ? await statistics(train.x) : {};
  return { train: new DataSet(train.x, train.y, scale), test: new DataSet(test.x, test.y, scale) };
}
