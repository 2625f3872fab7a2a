/**
 * Sigmoid, tanh and ReLU with their gradients on [−8, 8): the sigmoid's gradient is largest, ¼, at 0 and all but gone
 * beyond ±5, where the function is saturated; tanh's is at most 1; ReLU's is 0 or 1.
 *
 *     node examples/activations.mjs [FOLDER]
 */
import { arange, chart, grad, read } from "evengrad";
import { runAs } from "./output.mjs";

const names = ["sigmoid", "tanh", "relu"];

/** For each function its values and its gradient at every x. */
export async function activations() {
  const x = arange(-8, 8, 0.1);
  const ys = names.map((name) => x[name]());
  const gradients = ys.map((y) => grad(y.sum(), [x])[0]);
  const [at, ...rows] = await read([x, ...ys, ...gradients]);
  return { x: at, curves: names.map((name, i) => ({ name, y: rows[i], gradient: rows[names.length + i] })) };
}

export function picture({ x, curves }) {
  const points = (y) => Array.from(x, (at, i) => [at, y[i]]);
  const series = curves.flatMap(({ name, y, gradient }, colour) => [
    { name, points: points(y), colour },
    { name: `${name}′`, points: points(gradient), colour, dashed: true },
  ]);
  return chart.lines({
    title: "Activations and their gradients",
    x: { label: "x" },
    y: { label: "value", min: -1, max: 2 },
    series,
  });
}

await runAs(import.meta.url, async () => {
  const result = await activations();
  for (const { name, gradient } of result.curves) {
    const alive = gradient.filter((g) => g > 0.01).length / gradient.length;
    console.log(
      `${name}: gradient at most ${Math.max(...gradient).toFixed(3)}, above 0.01 on ${(100 * alive).toFixed(0)} % of [−8, 8)`,
    );
  }
  return { activations: picture(result) };
});
