/** How many rows of one set are also in another. */
import type { DataSet } from "../../data/index.js";
import { arange } from "../../ops/index.js";
import { read } from "../../run/index.js";
import type { Tensor } from "../../tensor.js";
import { squaredDistances } from "./distances.js";

/** As many rows of each set are compared. */
const [mostChecked, mostRows] = [64, 8192];

const flat = (x: Tensor): Tensor => x.cast("f32").reshape([x.shape[0], x.size / x.shape[0]]);
const firstRows = (set: DataSet, most: number): Tensor =>
  flat(set.batch(arange(0, Math.min(most, set.size), 1, "i32")).x);

/** Share of the rows of a that are among those of b so many times, up to rounding. */
function among(a: Tensor, b: Tensor, times: number): Tensor {
  const nothing = a.square().sum({ axes: 1, keepDims: true }).add(1e-30).mul(1e-6);
  const same = squaredDistances(a, b).lessEqual(nothing);
  return same.cast("f32").sum({ axes: 1 }).greaterEqual(times).mean();
}

/**
 * Share of the first validation rows that are among the first training rows, less the share of training rows that are there
 * twice anyway.
 */
export async function leakedShare(train: DataSet, validation: DataSet): Promise<number> {
  const [a, b] = [firstRows(validation, mostChecked), firstRows(train, mostRows)];
  const own = b.slice([0, Math.min(mostChecked, b.shape[0])]);
  const [[shared], [doubled]] = await read([among(a, b, 1), among(own, b, 2)]);
  return Math.max(0, shared - doubled);
}
