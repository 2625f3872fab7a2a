/** How much the nearest other row tells of a row's target: nothing, where rows and targets were reordered apart. */
import type { Reading } from "../../init/reading.js";
import { eye, oneHot } from "../../ops/index.js";
import { read } from "../../run/index.js";
import type { Shape } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import { classesOf, rows } from "./data.js";
import { squaredDistances } from "./distances.js";
import type { Sample } from "./sample.js";

export interface NeighbourFacts {
  readonly rows: number;
  /** Share of rows whose nearest other row has the same label, or the correlation with its number; and what chance gives. */
  readonly agreement: number;
  readonly chance: number;
  /** Their difference in standard errors. */
  readonly deviation: number;
}

/** Fewer rows tell nothing. */
const fewestRows = 32;
const mostRows = 512;

/** For each of the first rows the nearest other one, by Euclidean distance: leave-one-out. */
function nearestOf(input: Tensor, n: number): Tensor {
  const x = rows(input.cast("f32").slice([0, n]));
  const centred = x.sub(x.mean({ axes: 0 }));
  return squaredDistances(centred, centred).add(eye(n).mul(1e30)).argmin({ axes: 1 });
}

/** @param classes of labels (N); 0 for a number per row */
function among(input: Tensor, target: Tensor, classes: number): Reading<NeighbourFacts> {
  const n = Math.min(mostRows, input.shape[0]);
  const nearest = nearestOf(input, n);
  const y = target.slice([0, n]).reshape([n]);
  if (classes === 0) {
    const t = y.cast("f32");
    const centred = t.sub(t.mean());
    const correlation = centred.mul(centred.gather(nearest)).mean().div(centred.square().mean().add(1e-30));
    return {
      tensors: [correlation],
      decode: ([[agreement]]) => ({ rows: n, agreement, chance: 0, deviation: agreement * Math.sqrt(n) }),
    };
  }
  const hot = oneHot(y, classes);
  return {
    tensors: [y.gather(nearest).equal(y).mean(), hot.sum({ axes: 0 }).square().sum()],
    decode: ([[agreement], [pairs]]) => {
      const chance = (pairs - n) / (n * (n - 1));
      return { rows: n, agreement, chance, deviation: (agreement - chance) / Math.sqrt((chance * (1 - chance)) / n) };
    },
  };
}

/** What neighbours say of a sample's rows, if targets are one to a row. @param output shape of the model's outputs */
export async function neighboursIn({ x, y }: Sample, output: Shape): Promise<NeighbourFacts | undefined> {
  const classes = classesOf(y, output);
  if (x.shape[0] < fewestRows || (classes < 2 && y.size > y.shape[0])) return undefined;
  const { tensors, decode } = among(x, y, classes);
  return decode(await read(tensors));
}
