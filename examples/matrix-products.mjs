/**
 * The product of 100 random 4 × 4 matrices, a linear network in small: from N(0, 1) it grows by a factor 1.8 a layer until
 * f32 overflows near the 159th; scaled by 1/√n it shrinks 10⁵-fold
 * in 100 (narrow layers lose by fluctuation what they keep in the mean square); orthogonal factors keep every length.
 *
 *     node examples/matrix-products.mjs [FOLDER]
 */
import { chart, init, randn, read, seed, stack } from "evengrad";
import { runAs } from "./output.mjs";

const n = 4;
const normal = (std) => (trials) => randn([trials, n, n], { std });

/** How a factor is drawn, `trials` at once: (trials, n, n). */
const draws = {
  "N(0, 1)": normal(1),
  "N(0, 1/n)": normal(1 / Math.sqrt(n)),
  orthogonal: (trials) => stack(Array.from({ length: trials }, () => init.orthogonal([n, n]))),
};

/** ln ‖M‖₂ of matrices (…, n, n): MᵀM, squared again and again, is left with its largest eigenvalue. */
function logNorm(m) {
  let gram = m.transpose().matmul(m);
  let log = 0;
  for (let share = 0.5; share > 1e-4; share /= 2) {
    const size = gram.norm({ axes: [-2, -1], keepDims: true });
    log = size.log().mul(share).add(log);
    gram = gram.div(size);
    gram = gram.matmul(gram);
  }
  return log.squeeze();
}

/** log₁₀‖W_k ⋯ W₁‖₂ for k from 1 to `factors`, one list per k with a value per trial: each product is scaled to norm 1. */
async function logNorms(draw, factors, trials) {
  let product = draw(trials);
  const products = [product];
  let scale = 0;
  const scales = [];
  for (let k = 1; k <= factors; k++) {
    const size = product.norm({ axes: [-2, -1], keepDims: true });
    scales.push(scale);
    scale = size.log().add(scale);
    product = draw(trials).matmul(product.div(size));
    products.push(product);
  }
  const logs = products.slice(0, factors).map((p, k) => logNorm(p).add(scales[k] === 0 ? 0 : scales[k].squeeze()));
  return (await read(logs)).map((row) => Array.from(row, (x) => x / Math.LN10));
}

/** After how many factors of N(0, 1) the product is no longer finite in f32, for each trial. */
async function overflows(trials, most = 240) {
  let product = draws["N(0, 1)"](trials);
  const finite = [];
  for (let k = 1; k <= most; k++) {
    finite.push(
      product
        .isFinite()
        .all({ axes: [-2, -1] })
        .cast("f32"),
    );
    product = draws["N(0, 1)"](trials).matmul(product);
  }
  const [rows] = await read([stack(finite).sum({ axes: 0 })]);
  return Array.from(rows, (finiteOnes) => finiteOnes + 1);
}

const meanOf = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const stdOf = (values) => Math.sqrt(meanOf(values.map((x) => (x - meanOf(values)) ** 2)));

/** Means over the trials of log₁₀ of the norm after every number of factors, and where f32 overflows. */
export async function matrixProducts({ factors = 100, trials = 200, seed: start = 1 } = {}) {
  seed(start);
  const curves = [];
  for (const [name, draw] of Object.entries(draws)) {
    const rows = await logNorms(draw, factors, trials);
    const last = rows[factors - 1];
    curves.push({ name, means: rows.map(meanOf), mean: meanOf(last), std: stdOf(last) });
  }
  const overflow = await overflows(trials);
  return { curves, overflow: { mean: meanOf(overflow), std: stdOf(overflow) } };
}

export function picture({ curves }) {
  const series = curves.map(({ name, means }) => ({ name, points: means.map((log, k) => [k + 1, 10 ** log]) }));
  const marks = [{ axis: "y", at: 3.4e38, text: "largest f32" }];
  return chart.lines({
    title: "Products of random 4 × 4 matrices",
    x: { label: "factors" },
    y: { label: "‖M‖₂", log: true },
    series,
    marks,
  });
}

await runAs(import.meta.url, async () => {
  const result = await matrixProducts();
  for (const { name, mean, std } of result.curves)
    console.log(`${name}: log₁₀‖M‖₂ = ${mean.toFixed(2)} ± ${std.toFixed(2)}`);
  console.log(
    `f32 overflows after ${result.overflow.mean.toFixed(1)} ± ${result.overflow.std.toFixed(1)} factors of N(0, 1)`,
  );
  return { "matrix-products": picture(result) };
});
