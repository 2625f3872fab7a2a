/** A module's output values for many rows, batch by batch, in evaluation mode. */
import type { TypedArray } from "../dtype.js";
import { arrayOf } from "../dtype.js";
import { checkNumber, checkOptions, checkSignal, fail, show } from "../error.js";
import { read } from "../run/index.js";
import { sameShape, showShape, sizeOf } from "../shape.js";
import { Constant, Tensor } from "../tensor.js";
import { inMode, type Module } from "./module.js";

/** How {@link Module.predict} proceeds. */
export interface PredictOptions {
  /** Rows (axis 0) computed at once; all unless told. */
  batchSize?: number;
  signal?: AbortSignal;
}

export async function predict(module: Module, x: Tensor, options: PredictOptions): Promise<Constant> {
  checkOptions("predict", options, ["batchSize", "signal"]);
  if (!(x instanceof Tensor)) fail("predict", `x must be a tensor, got ${show(x)}. Make one with tensor(…)`);
  const { batchSize, signal } = options;
  if (batchSize !== undefined) checkNumber("predict", "batchSize", batchSize, { min: 1, integer: true });
  checkSignal("predict", signal);
  signal?.throwIfAborted();
  const rows = x.shape[0] ?? 1;
  if (batchSize === undefined || batchSize >= rows) return run(module, x, signal);

  // Each batch is a leaf of its own, so that equal sizes replay one program.
  const { values } = x instanceof Constant ? x : await compute(x, signal);
  const rest = x.shape.slice(1);
  const row = sizeOf(rest);
  const outputs: Constant[] = [];
  for (let from = 0; from < rows; from += batchSize) {
    signal?.throwIfAborted();
    const to = Math.min(rows, from + batchSize);
    const output = await run(
      module,
      new Constant(values.subarray(from * row, to * row), [to - from, ...rest], x.dtype),
      signal,
    );
    if (output.shape[0] !== to - from) {
      fail(
        "predict",
        `batches want an output row for each input row, got ${showShape(output.shape)} for ${to - from} rows. Leave batchSize out`,
      );
    }
    outputs.push(output);
  }
  return join(outputs, rows);
}

const run = (module: Module, x: Tensor, signal?: AbortSignal): Promise<Constant> =>
  compute(
    inMode(module, false, () => module.forward(x)),
    signal,
  );

async function compute(x: Tensor, signal?: AbortSignal): Promise<Constant> {
  const [values] = await read([x], { signal });
  return new Constant(values, x.shape, x.dtype);
}

function join(parts: readonly Constant[], rows: number): Constant {
  const [first] = parts;
  const rest = first.shape.slice(1);
  const values: TypedArray = new (arrayOf(first.dtype))(rows * sizeOf(rest));
  let at = 0;
  for (const part of parts) {
    if (!sameShape(part.shape.slice(1), rest)) {
      fail("predict", `outputs of all batches must agree, got ${showShape(part.shape)} and ${showShape(first.shape)}`);
    }
    values.set(part.values, at);
    at += part.size;
  }
  return new Constant(values, [rows, ...rest], first.dtype);
}
