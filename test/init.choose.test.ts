/** The numbers behind init.auto's choices, against sums in double precision that share nothing with its own. */
import { expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { traceLayers } from "../lib/nn/trace.js";
import { Generator, randn } from "../lib/ops/index.js";
import { read } from "../lib/run/index.js";
import type { Tensor } from "../lib/tensor.js";

type Scalar = (x: number) => number;

/** A function and its derivative, and the module. */
const functions: Record<string, [phi: Scalar, slope: Scalar, module: () => nn.Module]> = {
  tanh: [Math.tanh, (x) => 1 - Math.tanh(x) ** 2, () => new nn.Tanh()],
  elu: [(x) => (x > 0 ? x : Math.expm1(x)), (x) => (x > 0 ? 1 : Math.exp(x)), () => new nn.ELU()],
  sigmoid: [
    (x) => 1 / (1 + Math.exp(-x)),
    (x) => Math.exp(-Math.abs(x)) / (1 + Math.exp(-Math.abs(x))) ** 2,
    () => new nn.Sigmoid(),
  ],
  softplus: [
    (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    (x) => 1 / (1 + Math.exp(-x)),
    () => new nn.Softplus(),
  ],
};

/** Mean, variance, second moment and that of the slope over N(0, q), by the trapezoidal rule. */
function over(name: string, q: number) {
  const [phi, slope] = functions[name];
  const step = 0.005;
  let [mean, square, slopes] = [0, 0, 0];
  for (let z = -9; z <= 9; z += step) {
    const density = (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)) * step;
    mean += density * phi(Math.sqrt(q) * z);
    square += density * phi(Math.sqrt(q) * z) ** 2;
    slopes += density * slope(Math.sqrt(q) * z) ** 2;
  }
  return { mean, square, variance: square - mean ** 2, slopes };
}

const width = 64;
const stack = (module: () => nn.Module, depth: number): nn.Sequential =>
  new nn.Sequential(
    ...Array.from({ length: depth }, () => [new nn.Linear(width, width), module()]).flat(),
    new nn.Linear(width, 10),
  );

/** σ_w² of a choice, and what else it says. */
function chosen(module: () => nn.Module, depth: number, at: number, sample?: Tensor) {
  const { std, ...rest } = init.auto(stack(module, depth), sample, { seed: 1 })[at];
  return { weightVariance: std ** 2 * width, ...rest };
}

test.each(["tanh", "elu"])("%s: the squared gradient of 50 layers grows by 4, as sums are small", (name) => {
  const { q = 0, weightVariance, reason } = chosen(functions[name][2], 50, 20);
  const { square, slopes } = over(name, q);
  expect(weightVariance / (q / square)).toBeCloseTo(1, 6);
  expect((50 * Math.log((q * slopes) / square)) / Math.log(4)).toBeLessThan(1);
  expect((50 * Math.log((q * slopes) / square)) / Math.log(4)).toBeGreaterThan(0.98);
  expect(reason).toContain(`grows × ${Number(((q * slopes) / square).toPrecision(3))} a layer`);
  expect(chosen(functions[name][2], 50, 0).weightVariance).toBeCloseTo(q, 6); // inputs of variance 1
});

test.each([
  ["tanh", 8, "1.18"],
  ["elu", 30, "1.04"],
])("%s: sums of variance 1 in %i layers", (name, depth, growth) => {
  const { q, weightVariance, reason } = chosen(functions[name][2], depth, 2);
  expect([q, weightVariance]).toEqual([1, expect.closeTo(1 / over(name, 1).square, 6)]);
  expect(reason).toContain(`grows × ${growth} a layer`);
});

test.each([
  ["sigmoid", 30],
  ["sigmoid", 100],
  ["softplus", 8],
  ["softplus", 60],
])("%s over %i layers: by its variance, the mean taken away", (name, depth) => {
  const { q = 0, weightVariance, bias } = chosen(functions[name][2], depth, 3);
  const { variance, slopes } = over(name, q);
  expect(weightVariance / (q / variance)).toBeCloseTo(1, 6);
  expect(bias).toBe("centred");
  // A deviation of the signal grows by d ln variance/d ln q.
  const elasticity = Math.log(over(name, 1.01 * q).variance / over(name, q / 1.01).variance) / (2 * Math.log(1.01));
  const growth = (depth * Math.log(((q * slopes) / variance) * Math.max(1, elasticity))) / Math.log(4);
  expect(growth).toBeLessThan(1);
  if (q < 1) expect(growth).toBeGreaterThan(0.98);
  expect(q < 1).toBe(depth >= 60);
});

test.each([
  ["gelu", () => new nn.GELU(), 1.25 ** 7],
  ["silu", () => new nn.SiLU(), 1.25 ** 13],
] as const)("%s: the stable edge of chaos in 50 layers, biases included", async (name, module, q) => {
  const model = stack(module, 50);
  const report = init.auto(model, [1, width], { seed: 1 });
  const edge = init.gain(name, { mode: "edgeOfChaos", q });
  expect(report[20].q).toBeCloseTo(q, 9);
  expect(report[20].std ** 2 * width).toBeCloseTo(edge.weightVariance, 6);
  const biases = model.children().flatMap((part) => (part instanceof nn.Linear && part.bias ? [part.bias] : []));
  const squares = await read(biases.slice(0, 50).map((b) => b.square().mean()));
  const variance = squares.reduce((sum, [s]) => sum + s, 0) / 50;
  expect(Math.abs(variance / edge.biasVariance - 1)).toBeLessThan(4 * Math.sqrt(2 / (50 * width)));
});

test("a mean is taken away where χ is below 0.9", () => {
  // tanh + c: E[φ′²]/(E[tanh²] + c²).
  const { square, slopes } = over("tanh", 1);
  const withChi = (chi: number) => {
    const c = Math.sqrt(slopes / chi - square);
    return () => new nn.Lambda((x) => x.tanh().add(c));
  };
  expect(chosen(withChi(0.88), 2, 1).bias).toBe("centred");
  expect(chosen(withChi(0.92), 2, 1).bias).toBe("zeros");
});

test("orthogonal from 10 hidden layers on, but for the output", () => {
  const draws = (depth: number) => {
    const report = init.auto(stack(() => new nn.ReLU(), depth));
    return [report[0].draw, report[depth - 1].draw, report[depth].draw];
  };
  expect(draws(9)).toEqual(["normal", "normal", "normal"]);
  expect(draws(10)).toEqual(["orthogonal", "orthogonal", "normal"]);
});

test("by data, sums have the second moment that was chosen, or that weights of that variance promise", async () => {
  const x = randn([300, width], { mean: 0.5, std: 2, generator: new Generator(4) });
  const seconds = async (module: () => nn.Module, depth: number) => {
    const model = stack(module, depth);
    const report = init.auto(model, x, { seed: 2 });
    const { outputs, inputs } = traceLayers(model, x);
    const layers = model.children().filter((part) => part instanceof nn.Linear);
    const second = async (of: (part: nn.Linear) => Tensor) => read(layers.map((part) => of(part).square().mean()));
    const sums = await second((part) => outputs.get(part) as Tensor);
    const before = await second((part) => inputs.get(part) as Tensor);
    const products = await second((part) => (outputs.get(part) as Tensor).sub(part.bias as Tensor));
    return report.map(({ q, std }, i) => ({
      sum: sums[i][0],
      wanted: q ?? before[i][0] * std ** 2 * width,
      product: products[i][0],
      q,
    }));
  };
  for (const { sum, wanted } of await seconds(() => new nn.ReLU(), 3)) expect(sum / wanted).toBeCloseTo(1, 4);
  for (const { sum, wanted } of (await seconds(() => new nn.Sigmoid(), 3)).slice(0, 3))
    expect(sum / wanted).toBeCloseTo(1, 4);
  // Random biases give their part of q, the products exactly the rest.
  for (const { q = 0, product } of (await seconds(() => new nn.GELU(), 50)).slice(0, 50)) {
    const { biasVariance } = init.gain("gelu", { mode: "edgeOfChaos", q });
    expect(biasVariance).toBeGreaterThan(0.04 * q);
    expect(product / (q - biasVariance)).toBeCloseTo(1, 4);
  }
});
