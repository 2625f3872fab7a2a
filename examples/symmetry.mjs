/**
 * Symmetry: hidden units that begin equal get equal gradients and stay equal, so that six of them are worth one.
 * Minibatches do not break it, since all units see the same rows; a random start does, and so does dropout.
 *
 *     node examples/symmetry.mjs [FOLDER]
 */
import { chart, data, Generator, init, nn, optim, seed } from "evengrad";
import { runAs } from "./output.mjs";

const equal = { weightInit: init.constant(0.1) };

/** How a network of 4-6-3 begins and is trained. */
const ways = {
  "equal weights, all rows at once": { layer: equal, size: 96 },
  "equal weights, minibatches": { layer: equal, size: 16 },
  "equal weights, dropout": { layer: equal, size: 16, dropout: 0.3 },
  "random start": { layer: {}, size: 16 },
};

/** 96 rows of four numbers in three classes. */
function classes() {
  const y = Int32Array.from({ length: 96 }, (_, i) => i % 3);
  const x = Float32Array.from({ length: 4 * 96 }, (_, i) => Math.sin(7 * i) + (i % 4 === y[i >> 2] ? 1 : 0));
  return data.fromArrays({ x, xShape: [96, 4], y });
}

/** How far the hidden units' weights are from their mean at most, after each step. */
async function spread({ layer, size, dropout = 0 }, steps) {
  seed(1);
  const first = new nn.Linear(4, 6, layer);
  const model = new nn.Sequential(first, new nn.Tanh(), new nn.Dropout(dropout), new nn.Linear(6, 3, layer));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.2 });
  const set = classes();
  const generator = new Generator(2);
  const apart = () =>
    first.weight
      .sub(first.weight.mean({ axes: 0, keepDims: true }))
      .abs()
      .max()
      .item();
  const curve = [await apart()];
  while (curve.length <= steps) {
    for await (const { x, y } of set.batches({ size, shuffle: true, generator })) {
      await optimizer.step(nn.crossEntropy(model.forward(x), y));
      curve.push(await apart());
      if (curve.length > steps) break;
    }
  }
  return curve;
}

export async function symmetry({ steps = 60 } = {}) {
  const curves = [];
  for (const [name, way] of Object.entries(ways)) curves.push({ name, apart: await spread(way, steps) });
  return curves;
}

/** Below this, what separates the units is rounding. */
const rounding = 1e-7;

export function picture(curves) {
  return chart.lines({
    title: "How far hidden units are apart",
    x: { label: "step" },
    y: { label: "largest difference from their mean", log: true },
    series: curves.map(({ name, apart }) => ({ name, points: apart.map((v, i) => [i, Math.max(v, rounding)]) })),
  });
}

await runAs(import.meta.url, async () => {
  const curves = await symmetry();
  for (const { name, apart } of curves)
    console.log(`${name}: ${apart.at(-1).toExponential(1)} apart after ${apart.length - 1} steps`);
  return { symmetry: picture(curves) };
});
