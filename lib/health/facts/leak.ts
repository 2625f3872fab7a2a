/** How many rows of one set are also in another. */
import type { DataSet } from "../../data/index.js";
import { concat, eye, Generator, randn, tensor } from "../../ops/index.js";
import { read } from "../../run/index.js";
import type { Tensor } from "../../tensor.js";
import { squaredDistances } from "./distances.js";
import { spread } from "./sample.js";

/** So many rows are looked for, among all others, or so many from all over a larger set. */
const [mostSought, mostRows] = [64, 2 ** 17];
/** Random sums that stand for a row: equal rows have equal ones; the nearest by these is then compared in full. */
const sums = 8;
/** Numbers that one run looks at. */
const perRun = 2 ** 22;

const rowsOf = (set: DataSet, at: Int32Array): Tensor => {
  const { x } = set.batch(tensor(at, [at.length], "i32"));
  return x.cast("f32").reshape([at.length, x.size / at.length]);
};

/** Random sums (N, sums) of rows, a part of them at a time. */
async function sketch(set: DataSet, at: Int32Array): Promise<Tensor> {
  const features = rowsOf(set, at.subarray(0, 1)).size;
  const by = tensor(await randn([features, sums], { generator: new Generator() }).data(), [features, sums]);
  const step = Math.max(1, Math.floor(perRun / features));
  const parts: Tensor[] = [];
  for (let from = 0; from < at.length; from += step) {
    const part = at.slice(from, from + step);
    parts.push(tensor(await rowsOf(set, part).matmul(by).data(), [part.length, sums]));
  }
  return concat(parts, 0);
}

/** Share of rows a that are, up to rounding, the row of a set that is nearest by the sketches: b's is of the rows `at`. */
async function among(a: Tensor, set: DataSet, at: Int32Array, distances: Tensor): Promise<number> {
  const [nearest] = await read([distances.argmin({ axes: 1 })]);
  const b = rowsOf(
    set,
    Int32Array.from(nearest, (i) => at[i]),
  );
  const nothing = a.square().sum({ axes: 1 }).add(1e-30).mul(1e-10);
  return a.sub(b).square().sum({ axes: 1 }).lessEqual(nothing).mean().item();
}

/**
 * Share of validation rows, from all over, that are among the training rows, less the share of training rows that are there
 * twice anyway.
 */
export async function leakedShare(train: DataSet, validation: DataSet): Promise<number> {
  const [sought, at] = [spread(validation.size, mostSought), spread(train.size, mostRows)];
  const [a, b] = [await sketch(validation, sought), await sketch(train, at)];
  const middle = b.mean({ axes: 0 });
  const from = b.sub(middle);
  const n = Math.min(mostSought, at.length);
  const own = from.slice([0, n]);
  const itself = eye(n, at.length).mul(1e30);
  const shared = await among(rowsOf(validation, sought), train, at, squaredDistances(a.sub(middle), from));
  const doubled = await among(rowsOf(train, at.slice(0, n)), train, at, squaredDistances(own, from).add(itself));
  return Math.max(0, shared - doubled);
}
