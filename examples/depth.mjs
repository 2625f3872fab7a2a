/**
 * What is left of a signal after 30 layers, for every pair of activation and initializer: log₁₀ of the variance over the
 * rows, relative to that of the first layer. The last column is `init.auto`.
 *
 *     node examples/depth.mjs [FOLDER]
 */
import { chart, Generator, init, nn, randn, read } from "evengrad";
import { runAs } from "./output.mjs";

const activations = [
  nn.Sigmoid,
  nn.Tanh,
  nn.Softsign,
  nn.ReLU,
  nn.LeakyReLU,
  nn.ELU,
  nn.SELU,
  nn.SiLU,
  nn.GELU,
  nn.Softplus,
];

/** U(±1/√fanIn), the default of PyTorch's `Linear`. */
const inverseRoot = (shape, options) => init.lecunUniform(shape, { ...options, gain: 1 / Math.sqrt(3) });

const initializers = {
  "N(0, 1)": (shape, options) => init.normal(shape, { ...options, std: 1 }),
  "N(0, 0.01²)": init.normal,
  "U(1/√n)": inverseRoot,
  Xavier: init.xavierNormal,
  He: init.heNormal,
  orthogonal: init.orthogonal,
  auto: undefined,
};

/** log₁₀ of the last layer's variance over rows relative to the first's. */
async function left(Activation, weightInit, { depth, width, rows }) {
  const generator = new Generator(1);
  const x = randn([rows, width], { generator: new Generator(2) });
  const layers = Array.from({ length: depth }, () => new nn.Linear(width, width, { generator, weightInit }));
  const model = new nn.Sequential(...layers.flatMap((layer) => [layer, new Activation()]), new nn.Linear(width, 10));
  if (!weightInit) init.auto(model, x, { seed: 1 });
  const overRows = (z) =>
    z
      .sub(z.mean({ axes: 0, keepDims: true }))
      .square()
      .mean();
  const sums = [];
  let y = x;
  for (const layer of layers) {
    sums.push(layer.forward(y));
    y = new Activation().forward(sums.at(-1));
  }
  const [first, last] = await read([overRows(sums[0]), overRows(sums.at(-1))]);
  return Math.log10(last[0] / first[0]);
}

export async function depth({ depth = 30, width = 128, rows = 64 } = {}) {
  const values = [];
  for (const Activation of activations) {
    const row = [];
    for (const weightInit of Object.values(initializers))
      row.push(await left(Activation, weightInit, { depth, width, rows }));
    values.push(row);
  }
  return { rows: activations.map(({ name }) => name), columns: Object.keys(initializers), values, depth };
}

const words = (x) => (Number.isNaN(x) ? "not finite" : x === -Infinity ? "0" : x.toFixed(1));

export function picture({ rows, columns, values, depth }) {
  return chart.heatMap({
    title: `log₁₀ of the signal's variance after ${depth} layers`,
    rows,
    columns,
    values,
    scale: [-10, 0, 10],
    format: words,
    legend: "blue: the rows become alike or vanish; red: they explode; pale: the signal is kept",
  });
}

await runAs(import.meta.url, async () => {
  const result = await depth();
  for (const [i, name] of result.rows.entries()) console.log(`${name}: ${result.values[i].map(words).join(", ")}`);
  return { depth: picture(result) };
});
