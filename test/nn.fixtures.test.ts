/** Every activation, layer and loss against PyTorch: outputs, gradients and running statistics, on each executor. */
import { beforeAll, describe, expect, test } from "vitest";
import { grad } from "../lib/grad.js";
import * as nn from "../lib/nn/index.js";
import { read, useExecutor } from "../lib/run/index.js";
import { Constant, type Tensor } from "../lib/tensor.js";
import { apart, fixtures, type LayerCase, title, toOptions, toTensor } from "./fixtures/read.js";
import { executors } from "./helpers.js";

const { activations, layers, losses } = fixtures("nn.json");

type Make = new (...args: unknown[]) => nn.Module;
const make = (name: string, args: readonly unknown[]): nn.Module => {
  const Layer = (nn as unknown as Record<string, Make>)[name];
  return name === "Residual" ? new Layer(new nn.Linear(4, 4), ...args) : new Layer(...args);
};

/** x with an offset of 1e4 has ULPs of 1e-3: what it can tell about its own statistics is that much less. */
const isOffset = (layer: LayerCase): boolean => Math.abs(layer.calls[0].x.values[0]) > 5000;

describe.each(executors)("%s", (executor) => {
  beforeAll(() => useExecutor(executor));

  test.each(activations.map((a) => [title(a.module, a.args), a] as const))("%s", async (_, a) => {
    const [x, g] = [toTensor(a.x), toTensor(a.g)];
    const y = make(a.module, a.args).forward(x);
    const [dx] = grad(y, [x], g);
    const [values, gradient] = await read([y, dx]);
    expect({ y: apart(values, a.y.values, 1e-6, "own"), dx: apart(gradient, a.dx.values, 1e-6) }).toEqual({
      y: [],
      dx: [],
    });
  });

  test.each(layers.map((l) => [title(l.layer, l.args) + (isOffset(l) ? " at 1e4" : ""), l] as const))(
    "%s",
    async (_, l) => {
      const module = make(l.layer, l.args);
      const names = Object.keys(l.state);
      const state = Object.fromEntries(names.map((name) => [name, toTensor(l.state[name])]));
      const { missing } = module.loadState(state, { strict: false });
      const parameters = new Map(module.namedParameters());
      expect([...parameters.keys()].sort()).toEqual([...names].sort());
      for (const call of l.calls) {
        module.training = call.training;
        const [x, g] = [toTensor(call.x), toTensor(call.g)];
        const y = module.forward(x);
        expect(y.shape).toEqual(call.y.shape);
        const leaves = [x, ...names.map((name) => parameters.get(name) as Tensor)];
        const [values, ...gradients] = await read([y, ...grad(y, leaves, g)]);
        const after = await module.state();
        const tolerance = isOffset(l) ? 4e-6 : 2e-6;
        const found = {
          y: apart(values, call.y.values, tolerance),
          dx: apart(gradients[0], call.dx.values, tolerance),
          ...Object.fromEntries(
            names.map((name, i) => [name, apart(gradients[i + 1], call.grads[name].values, tolerance)]),
          ),
          ...Object.fromEntries(
            missing.map((name) => [name, apart(after[name].values, call.buffers[name].values, tolerance)]),
          ),
        };
        expect(found).toEqual(Object.fromEntries(Object.keys(found).map((name) => [name, []])));
      }
    },
  );

  test.each(losses.map((l) => [title(l.loss, [l.options]), l] as const))("%s", async (_, l) => {
    const loss = (nn as unknown as Record<string, (x: Tensor, target: Tensor, options: object) => Tensor>)[l.loss];
    const [x, g] = [toTensor(l.x), toTensor(l.g)];
    const y = loss(x, toTensor(l.target), toOptions(l.options));
    expect(y.shape).toEqual(l.y.shape);
    const [dx] = grad(y, [x], g);
    const [values, gradient] = await read([y, dx]);
    // Sums in which terms cancel are as good as their largest terms, which are all of order 1.
    expect({ y: apart(values, l.y.values, 2e-6), dx: apart(gradient, l.dx.values, 2e-6) }).toEqual({ y: [], dx: [] });
  });
});

describe("where PyTorch's float32 loses digits", () => {
  test.each(executors)("%s keeps those of small losses", async (executor) => {
    useExecutor(executor);
    const label = new Constant(Int32Array.of(1), [1], "i32");
    const row = (...values: number[]): Constant => new Constant(Float32Array.from(values), [1, values.length], "f32");
    const tiny = Math.log1p(Math.exp(-20));
    const got = await read([
      nn.crossEntropy(row(0, 20), label),
      nn.crossEntropy(row(0, 15), label),
      nn.binaryCrossEntropyWithLogits(row(20), row(1)),
      nn.binaryCrossEntropyWithLogits(row(-20), row(0), { posWeight: 3 }),
    ]);
    const expected = [tiny, Math.log1p(Math.exp(-15)), tiny, tiny];
    expect(got.flatMap(([x], i) => apart([x], [expected[i]], 1e-6))).toEqual([]);
  });
});
