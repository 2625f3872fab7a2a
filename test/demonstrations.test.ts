/** The demonstrations under examples/, in a reduced form: the numbers that they show, and the pictures that they draw. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";

const demonstration = <T>(name: string): Promise<T> =>
  import(pathToFileURL(join(import.meta.dirname, "..", "examples", `${name}.mjs`)).href) as Promise<T>;

const isPicture = expect.stringMatching(/^<svg .*<\/svg>\n$/s);

describe("activations", async () => {
  interface Curves {
    x: Float32Array;
    curves: { name: string; y: Float32Array; gradient: Float32Array }[];
  }
  const { activations, picture } = await demonstration<{
    activations(): Promise<Curves>;
    picture(curves: Curves): string;
  }>("activations");

  test("have gradients largest at 0, and none where they are saturated", async () => {
    const result = await activations();
    const zero = result.x.findIndex((x) => Math.abs(x) < 1e-6);
    const [sigmoid, tanh, relu] = result.curves;
    expect(result.x).toHaveLength(160);
    expect([sigmoid.gradient[zero], tanh.gradient[zero]]).toEqual([0.25, 1]);
    expect(Math.max(...sigmoid.gradient)).toBe(0.25);
    expect(sigmoid.gradient[0]).toBeCloseTo(3.35e-4, 6);
    expect(new Set(relu.gradient)).toEqual(new Set([0, 1]));
    expect(picture(result)).toEqual(isPicture);
  });
});

describe("matrix products", async () => {
  interface Products {
    curves: { name: string; mean: number; std: number; means: number[] }[];
    overflow: { mean: number; std: number };
  }
  const { matrixProducts, picture } = await demonstration<{
    matrixProducts(options: { factors: number; trials: number }): Promise<Products>;
    picture(products: Products): string;
  }>("matrix-products");

  test("grow, shrink, or keep their norm", async () => {
    const result = await matrixProducts({ factors: 30, trials: 50 });
    const [normal, scaled, orthogonal] = result.curves;
    expect(normal.mean).toBeGreaterThan(6.5);
    expect(normal.mean).toBeLessThan(8.5);
    // The same draw but for a factor n^½ in each: log₁₀ 2 a factor.
    expect(normal.mean - scaled.mean).toBeCloseTo(30 * Math.log10(2), 0);
    expect(orthogonal.means.every((log) => Math.abs(log) < 1e-4)).toBe(true);
    expect(Math.abs(result.overflow.mean - 158.5)).toBeLessThan(6);
    expect(picture(result)).toEqual(isPicture);
  });
});

describe("symmetry", async () => {
  type Curves = { name: string; apart: number[] }[];
  const { symmetry, picture } = await demonstration<{
    symmetry(options: { steps: number }): Promise<Curves>;
    picture(curves: Curves): string;
  }>("symmetry");

  test("is kept by minibatches, and broken by dropout and a random start", async () => {
    const curves = await symmetry({ steps: 20 });
    const [whole, minibatches, dropout, random] = curves.map(({ apart }) => apart[20]);
    expect(Math.max(whole, minibatches)).toBeLessThan(1e-6);
    expect(Math.min(dropout, random)).toBeGreaterThan(1e-2);
    expect(picture(curves)).toEqual(isPicture);
  });
});

describe("depth", async () => {
  interface Map {
    rows: string[];
    columns: string[];
    values: number[][];
    depth: number;
  }
  const { depth, picture } = await demonstration<{
    depth(options: { depth: number; width: number; rows: number }): Promise<Map>;
    picture(map: Map): string;
  }>("depth");

  test("is survived by what init.auto draws, for every activation, and by no other initializer", async () => {
    const map = await depth({ depth: 12, width: 64, rows: 32 });
    const worst = map.columns.map((_, j) => Math.max(...map.values.map((row) => Math.abs(row[j]))));
    expect(map.columns.at(-1)).toBe("auto");
    expect(worst.at(-1)).toBeLessThan(1.5);
    for (const other of worst.slice(0, -1)) expect(other).toBeGreaterThan(2);
    expect(picture(map)).toEqual(isPicture);
  });
});

describe("analyze", async () => {
  const { analyses } = await demonstration<{
    analyses(options: { depth: number; width: number }): Promise<Record<string, { healthy: boolean; svg(): string }>>;
  }>("analyze");

  test("tells Xavier before ReLU from what fits", async () => {
    const { xavier, auto } = await analyses({ depth: 12, width: 64 });
    expect([xavier.healthy, auto.healthy]).toEqual([false, true]);
    expect(xavier.svg()).toEqual(isPicture);
  });
});
