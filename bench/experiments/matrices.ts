/** The product of random matrices: how fast it grows, and where f32 ends. The numbers are those of the demonstration. */
import { pathToFileURL } from "node:url";
import { source } from "../paths.js";
import { type Experiment, row } from "./experiment.js";

interface Products {
  readonly curves: readonly { readonly name: string; readonly mean: number; readonly std: number }[];
  readonly overflow: { readonly mean: number; readonly std: number };
}

interface Demonstration {
  matrixProducts(options: { seed: number }): Promise<Products>;
}

/** One run of a seed serves all rows. */
const runs = new Map<number, Promise<Products>>();

async function start(seed: number): Promise<Products> {
  const url = pathToFileURL(source("examples", "matrix-products.mjs")).href;
  const { matrixProducts } = (await import(url)) as Demonstration;
  return matrixProducts({ seed });
}

function products(seed: number): Promise<Products> {
  const run = runs.get(seed) ?? start(seed);
  runs.set(seed, run);
  return run;
}

const curve = (name: string, key: "mean" | "std") => async (seed: number) => ({
  value: (await products(seed)).curves.find((c) => c.name === name)?.[key] ?? Number.NaN,
});
const overflow = (key: "mean" | "std") => async (seed: number) => ({ value: (await products(seed)).overflow[key] });

// Ranges: four standard errors of what 200 products of one seed give.
export const matrices: Experiment = {
  name: "matrices",
  about: "200 products of 100 random 4 × 4 matrices",
  unit: "log₁₀‖M‖₂",
  trains: false,
  rows: [
    row("N(0, 1): mean", 24.98, [24.5, 25.4], curve("N(0, 1)", "mean")),
    row("N(0, 1): deviation", 1.72, [1.4, 2.05], curve("N(0, 1)", "std")),
    row("N(0, 1/n): mean", 24.98 - 100 * Math.log10(2), [-5.6, -4.7], curve("N(0, 1/n)", "mean")),
    row("orthogonal: mean", 0, [-1e-4, 1e-4], curve("orthogonal", "mean")),
    { ...row("f32 overflows: mean", 158.5, [156, 161], overflow("mean")), unit: "factors" },
    { ...row("f32 overflows: deviation", 8.7, [7, 10.4], overflow("std")), unit: "factors" },
  ],
  order: [["N(0, 1): mean"], ["orthogonal: mean"], ["N(0, 1/n): mean"]],
};
