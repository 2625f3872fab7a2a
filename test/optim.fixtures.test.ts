/** Ten steps of every optimizer against PyTorch: losses, gradient norms and weights after each, on each executor. */
import { beforeAll, describe, expect, test } from "vitest";
import * as nn from "../lib/nn/index.js";
import * as optim from "../lib/optim/index.js";
import { useExecutor } from "../lib/run/index.js";
import type { Variable } from "../lib/tensor.js";
import { apart, fixtures, title, toTensor } from "./fixtures/read.js";
import { executors } from "./helpers.js";

const {
  problem: [problem],
  runs,
} = fixtures("optim.json");

type Make = new (params: readonly Variable[], options: object) => optim.Optimizer;

describe.each(executors)("%s", (executor) => {
  beforeAll(() => useExecutor(executor));

  test.each(runs.map((r) => [title(r.optimizer, [r.options, r.stepOptions]), r] as const))("%s", async (_, run) => {
    const model = new nn.Sequential(new nn.Linear(4, 5), new nn.Tanh(), new nn.Linear(5, 3));
    model.loadState(Object.fromEntries(Object.entries(problem.start).map(([name, w]) => [name, toTensor(w)])));
    const Optimizer = (optim as unknown as Record<string, Make>)[run.optimizer];
    const optimizer = new Optimizer(model.parameters(), run.options);
    const [x, t] = [toTensor(problem.x), toTensor(problem.t)];
    for (const [step, weights] of run.steps.entries()) {
      const loss = nn.mse(model.forward(x), t).mul(run.scale);
      const { loss: value, gradNorm } = await optimizer.step(loss, run.stepOptions);
      const state = await model.state();
      const got = Object.keys(problem.start).flatMap((name) => [...state[name].values]);
      const found = {
        step,
        loss: apart([value], [run.losses[step]], 5e-6),
        gradNorm: apart([gradNorm], [run.gradNorms[step]], 1e-5),
        weights: apart(got, weights, 2e-6),
      };
      expect(found).toEqual({ step, loss: [], gradNorm: [], weights: [] });
    }
  });
});
