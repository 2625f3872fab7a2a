/** Statistics over a column, computed by the executor a part at a time so that no large intermediate arises. */
import { read } from "../run/index.js";
import { sizeOf } from "../shape.js";
import { Constant, type Tensor } from "../tensor.js";

/** Elements that one run looks at. */
const elementsPerRun = 2 ** 22;

/** Parts of a column (all rows, or those listed) as lazy gathers, with where each begins. */
function* parts(column: Constant, rows?: Int32Array): Generator<{ start: number; part: Tensor }> {
  const n = rows?.length ?? column.shape[0];
  const step = Math.max(1, Math.floor(elementsPerRun / Math.max(1, sizeOf(column.shape.slice(1)))));
  for (let start = 0; start < n; start += step) {
    const length = Math.min(step, n - start);
    const list = rows?.slice(start, start + length) ?? Int32Array.from({ length }, (_, i) => start + i);
    yield { start, part: column.gather(new Constant(list, [length], "i32")) };
  }
}

/** The first row with a value that is NaN or infinite, if any; integers and bytes have none. */
export async function firstBadRow(column: Constant, rows?: Int32Array): Promise<number | undefined> {
  if (column.dtype !== "f32" || column.size === 0) return undefined;
  for (const { start, part } of parts(column, rows)) {
    const fine = part.isFinite().reshape([part.shape[0], -1]).all({ axes: 1 });
    const [[passed], [first]] = await read([fine.all(), fine.argmin()]);
    if (!passed) return start + first;
  }
  return undefined;
}

/** Mean and (population) standard deviation over all elements. */
export async function moments(column: Constant): Promise<{ mean: number; std: number }> {
  let [count, mean, squares] = [0, 0, 0];
  for (const { part } of parts(column)) {
    const n = part.size;
    const [[partMean], [partVariance]] = await read([part.mean(), part.variance()]);
    // Chan et al. 1979: moments of the union from those of the parts.
    const delta = partMean - mean;
    mean += (delta * n) / (count + n);
    squares += partVariance * n + (delta * delta * count * n) / (count + n);
    count += n;
  }
  return { mean, std: Math.sqrt(squares / count) };
}
