/** How many rows of one set are also in another. */
import type { DataSet } from "../../data/index.js";
import { arange } from "../../ops/index.js";
import { read } from "../../run/index.js";
import type { Tensor } from "../../tensor.js";

/** As many rows of each set are compared. */
const [mostChecked, mostRows] = [256, 8192];

const flat = (x: Tensor): Tensor => x.cast("f32").reshape([x.shape[0], x.size / x.shape[0]]);
const firstRows = (set: DataSet, most: number): Tensor =>
  flat(set.batch(arange(0, Math.min(most, set.size), 1, "i32")).x);

/** Share of the first validation rows that are among the first training rows, up to rounding. */
export async function leakedShare(train: DataSet, validation: DataSet): Promise<number> {
  const [a, b] = [firstRows(validation, mostChecked), firstRows(train, mostRows)];
  const length = (x: Tensor): Tensor => x.square().sum({ axes: 1 });
  const distance = length(a).unsqueeze(1).add(length(b)).sub(a.matmul(b.transpose()).mul(2));
  const near = distance.min({ axes: 1 }).lessEqual(length(a).add(1e-30).mul(1e-6));
  const [[share]] = await read([near.mean()]);
  return share;
}
