/** Modules: how parts are found, modes, snapshots, summaries, prediction. */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { arange, defaultGenerator, Generator, ones, randn, seed, tensor, zeros } from "../lib/ops/index.js";
import { useExecutor } from "../lib/run/index.js";
import { type Constant, type Tensor, Variable } from "../lib/tensor.js";
import { executors, sample } from "./helpers.js";

const pathsOf = (module: nn.Module): string[] => module.namedParameters().map(([path]) => path);
const mlp = (): nn.Sequential =>
  new nn.Sequential(new nn.Linear(4, 3), new nn.BatchNorm(3), new nn.ReLU(), new nn.Linear(3, 2));

class Block extends nn.Module {
  linear = new nn.Linear(2, 2);

  forward(x: Tensor): Tensor {
    return this.linear.forward(x).tanh();
  }
}

class Net extends nn.Module {
  scale = new Variable(ones([]), { label: "scale" });
  counter = new Variable(zeros([]), { trainable: false });
  blocks = [new Block(), new Block()];
  heads = { left: new nn.Linear(2, 1), right: new nn.Linear(2, 1, { bias: false }) };
  again = this.blocks[0];
  name = "net";

  forward(x: Tensor): Tensor {
    let y = x.mul(this.scale);
    for (const block of this.blocks) y = block.forward(y);
    return this.heads.left.forward(y).add(this.heads.right.forward(this.again.forward(y)));
  }
}

beforeAll(() => useExecutor("reference"));
beforeEach(() => seed(3));

describe("parts", () => {
  test("are found by own property, in lists and plain objects, each once", () => {
    const net = new Net();
    expect(pathsOf(net)).toEqual([
      "scale",
      "blocks.0.linear.weight",
      "blocks.0.linear.bias",
      "blocks.1.linear.weight",
      "blocks.1.linear.bias",
      "heads.left.weight",
      "heads.left.bias",
      "heads.right.weight",
    ]);
    expect(net.namedVariables().map(([path]) => path)).toContain("counter");
    expect(net.parameters()).toHaveLength(8);
    expect(net.children()).toEqual([...net.blocks, net.heads.left, net.heads.right]);
    expect(net.namedModules().map(([path]) => path)).toEqual([
      "",
      "blocks.0",
      "blocks.0.linear",
      "blocks.1",
      "blocks.1.linear",
      "heads.left",
      "heads.right",
    ]);
  });

  test("of a Sequential are numbered", () => {
    const model = mlp();
    expect(pathsOf(model)).toEqual(["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]);
    expect(model.length).toBe(4);
    expect(model[2]).toBeInstanceOf(nn.ReLU);
  });

  test("name their variables, and a part walked later does not shorten the name", () => {
    const net = new Net();
    net.parameters();
    net.blocks[1].parameters();
    expect(net.blocks[1].linear.weight.label).toBe("blocks.1.linear.weight");
  });

  test("may share a variable, which has its first path", async () => {
    const [a, b] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
    Object.assign(b, { weight: a.weight });
    const model = new nn.Sequential(a, b);
    expect(pathsOf(model)).toEqual(["0.weight", "0.bias", "1.bias"]);
    expect(Object.keys(await model.state())).toEqual(["0.weight", "0.bias", "1.bias"]);
    expect(model.summary([1, 2])).toMatchObject({ parameters: 8, rows: [{ parameters: 6 }, { parameters: 2 }] });
  });

  test("may hold each other in a circle", () => {
    const [a, b] = [new Block(), new Block()];
    Object.assign(a, { next: b });
    Object.assign(b, { next: a });
    expect(pathsOf(a)).toEqual(["linear.weight", "linear.bias", "next.linear.weight", "next.linear.bias"]);
  });

  test("must be modules", () => {
    const loosely = nn.Sequential as unknown as new (...modules: unknown[]) => nn.Module;
    expect(() => new loosely(new nn.ReLU(), (x: Tensor) => x)).toThrow(
      "Sequential: module 1 must be a module, got the function (anonymous). Wrap a function in new nn.Lambda(…)",
    );
    expect(() => new loosely([new nn.ReLU()])).toThrow("Spread the list: ...layers");
    expect(() => new nn.Residual(3 as unknown as nn.Module)).toThrow("Residual: f must be a module, got 3");
  });
});

describe("modes", () => {
  test("reach every part", () => {
    const net = new Net().eval();
    expect(net.namedModules().every(([, m]) => !m.training)).toBe(true);
    expect(
      net
        .train()
        .namedModules()
        .every(([, m]) => m.training),
    ).toBe(true);
  });

  test("are restored after inMode, each part's own, also after an error", () => {
    const model = mlp();
    model[1].training = false;
    const inside = nn.inMode(model, true, () => model.namedModules().map(([, m]) => m.training));
    expect(inside).toEqual([true, true, true, true, true]);
    const boom = (): never => {
      throw new Error("boom");
    };
    expect(() => nn.inMode(model, false, boom)).toThrow("boom");
    expect(model.namedModules().map(([, m]) => m.training)).toEqual([true, true, false, true, true]);
  });

  test("freeze and unfreeze change parameters and leave buffers", () => {
    const model = mlp();
    model.freeze();
    expect(model.parameters().map((p) => p.trainable)).toEqual(new Array(6).fill(false));
    expect(pathsOf(model)).toHaveLength(6);
    model.unfreeze();
    const trainable = model.namedVariables().filter(([, v]) => v.trainable);
    expect(trainable.map(([path]) => path)).toEqual(pathsOf(model));
    model[0].freeze();
    expect(model.parameters().filter((p) => p.trainable)).toHaveLength(4);
  });
});

describe.each(executors)("on %s", (executor) => {
  beforeAll(() => useExecutor(executor));

  test("a snapshot is taken and restored, before and after a first run", async () => {
    const [model, other] = [mlp(), mlp()];
    const state = await model.state();
    expect(Object.keys(state)).toEqual(model.namedVariables().map(([path]) => path));
    expect(other.loadState(state)).toEqual({ missing: [], unexpected: [] });
    const x = randn([5, 4], { generator: new Generator(1) });
    const y = (await model.predict(x)).values;
    expect((await other.predict(x)).values).toEqual(y);

    // Values that are there already are overwritten, and the snapshot stays as it was.
    other.loadState({ ...state, "3.bias": tensor([7, 8]) });
    expect(await (other[3] as nn.Linear).bias?.data()).toEqual(Float32Array.of(7, 8));
    expect(await state["3.bias"].data()).toEqual(Float32Array.of(0, 0));
    expect((await other.predict(x)).values).not.toEqual(y);
  });

  test("a snapshot loaded while the first values are drawn is what counts", async () => {
    const [model, other] = [mlp(), mlp()];
    const wanted = await other.state();
    const drawing = model.state();
    model.loadState(wanted);
    await drawing;
    for (const [name, { values }] of Object.entries(await model.state())) expect(values).toEqual(wanted[name].values);
  });

  test("prediction in batches equals prediction at once and keeps the mode", async () => {
    const model = new nn.Sequential(mlp(), new nn.Dropout(0.5));
    const x = sample(5, [7, 4]);
    const whole = await model.predict(x);
    expect(whole.shape).toEqual([7, 2]);
    for (const batchSize of [1, 3, 7, 100]) {
      const parts = await model.predict(x, { batchSize });
      expect(parts.shape).toEqual([7, 2]);
      expect(parts.values).toEqual(whole.values);
    }
    expect(model.namedModules().every(([, m]) => m.training)).toBe(true);
    expect((await (model[0] as nn.Sequential)[1].state()).runningMean.values).toEqual(new Float32Array(3));
  });
});

describe("loading refuses", () => {
  const cases: [string, (state: Record<string, Tensor>) => void, string][] = [
    [
      "missing names",
      (s) => delete s["3.bias"],
      'names must be those of the module, got missing "3.bias". Pass { strict: false }',
    ],
    [
      "names that are close",
      (s) => rename(s, "0.weight", "0.weights"),
      'got missing "0.weight" ("0.weights"?); unexpected "0.weights" ("0.weight"?)',
    ],
    [
      "other shapes",
      (s) => Object.assign(s, { "0.bias": zeros4() }),
      '"0.bias" must be f32[3], got f32[4]. Is the model built with the same sizes?',
    ],
    [
      "other dtypes",
      (s) => Object.assign(s, { "0.bias": tensor([1, 2, 3], [3], "i32") }),
      '"0.bias" must be f32[3], got i32[3]',
    ],
    [
      "lazy tensors",
      (s) => Object.assign(s, { "0.bias": arange(3) }),
      '"0.bias" must be a tensor with known values, got a Tensor. Make it with tensor(…)',
    ],
  ];
  const zeros4 = (): Tensor => tensor([0, 0, 0, 0]);
  const valuesOf = (state: Record<string, Constant>): unknown =>
    Object.entries(state).map(([name, { values }]) => [name, values]);
  const rename = (state: Record<string, Tensor>, from: string, to: string): void => {
    state[to] = state[from];
    delete state[from];
  };

  test.each(cases)("%s", async (_, spoil, message) => {
    const model = mlp();
    const state: Record<string, Tensor> = { ...(await mlp().state()), "3.weight": tensor([9, 9, 9, 9, 9, 9], [2, 3]) };
    const before = await model.state();
    spoil(state);
    expect(() => model.loadState(state)).toThrow(`loadState: `);
    expect(() => model.loadState(state)).toThrow(message);
    expect(valuesOf(await model.state())).toEqual(valuesOf(before)); // nothing was changed
  });

  test("variables that a run is writing", async () => {
    const model = mlp();
    const state = await model.state();
    (model[0] as nn.Linear).weight.writer = "fit";
    expect(() => model.loadState(state)).toThrow(
      'no run may be writing the module, got "0.weight" in use by fit. Await it first',
    );
  });

  test("unknown options and things that are no state", () => {
    const model = mlp();
    expect(() => model.loadState({}, { strickt: true } as object)).toThrow(
      'unknown option "strickt". Did you mean "strict"?',
    );
    expect(() => model.loadState(null as unknown as Record<string, Tensor>)).toThrow(
      "state must be an object of tensors, got null",
    );
  });

  test("nothing that fits when it is not strict", async () => {
    const model = mlp();
    const report = model.loadState({ "3.bias": tensor([5, 6]), extra: tensor(1) }, { strict: false });
    expect(report.missing).toHaveLength(7);
    expect(report.unexpected).toEqual(["extra"]);
    expect(await (model[3] as nn.Linear).bias?.data()).toEqual(Float32Array.of(5, 6));
  });
});

describe("prediction refuses", () => {
  test.each([
    [3, {}, "predict: x must be a tensor, got 3. Make one with tensor(…)"],
    [zeros([2, 4]), { batchsize: 2 }, 'predict: unknown option "batchsize". Did you mean "batchSize"?'],
    [zeros([2, 4]), { batchSize: 0 }, "predict: batchSize must be a whole number at least 1, got 0"],
    [zeros([2, 5]), {}, "Linear: the input's last axis must be 4, got [2,5]"],
    [
      zeros([2, 2, 2]),
      {},
      "Linear: the input's last axis must be 4, got [2,2,2]. Flatten it first, with new nn.Flatten()",
    ],
  ])("%s %o", async (x, options, message) => {
    await expect(mlp().predict(x as Tensor, options as nn.PredictOptions)).rejects.toThrow(message);
  });

  test("batches of a model that mixes rows", async () => {
    const model = new nn.Lambda((x) => x.sum({ axes: 0 }));
    await expect(model.predict(zeros([6, 2]), { batchSize: 3 })).rejects.toThrow(
      "predict: batches want an output row for each input row, got [2] for 3 rows. Leave batchSize out",
    );
  });

  test("to go on after an abort", async () => {
    const abort = new AbortController();
    const model = new nn.Lambda((x) => {
      abort.abort(new Error("enough"));
      return x;
    });
    await expect(model.predict(zeros([6, 2]), { batchSize: 3, signal: abort.signal })).rejects.toThrow("enough");
    await expect(model.predict(zeros([6, 2]), { signal: abort.signal })).rejects.toThrow("enough");
  });
});

describe("summary", () => {
  test("counts shapes, parameters and bytes, and computes and draws nothing", () => {
    const model = new nn.Sequential(new nn.Flatten(), mlp(), new nn.Dropout(0.5));
    model[0].training = false;
    const drawn = defaultGenerator.state();
    const summary = model.summary([1, 2, 2]);
    expect(defaultGenerator.state()).toEqual(drawn);
    expect(model.namedVariables().every(([, v]) => v.storage === undefined)).toBe(true);
    expect(model.namedModules().filter(([, m]) => !m.training)).toHaveLength(1);
    expect(summary.rows).toEqual([
      { path: "0", layer: "Flatten", outputShape: [1, 4], parameters: 0, bytes: 0 },
      { path: "1.0", layer: "Linear", outputShape: [1, 3], parameters: 15, bytes: 60 },
      { path: "1.1", layer: "BatchNorm", outputShape: [1, 3], parameters: 6, bytes: 48 },
      { path: "1.2", layer: "ReLU", outputShape: [1, 3], parameters: 0, bytes: 0 },
      { path: "1.3", layer: "Linear", outputShape: [1, 2], parameters: 8, bytes: 32 },
      { path: "2", layer: "Dropout", outputShape: [1, 2], parameters: 0, bytes: 0 },
    ]);
    expect(summary).toMatchObject({ outputShape: [1, 2], parameters: 29, trainable: 29, bytes: 140 });
  });

  test("is a table as a string, with frozen parameters told apart and layers that are not called", () => {
    const net = new Net();
    net.heads.left.freeze();
    const text = `${net.summary([5, 2])}`;
    expect(text).toContain("blocks.1.linear");
    expect(text).toContain("15 trainable, 3 frozen");
    Object.assign(net, { spare: new nn.Linear(2, 2) });
    expect(`${net.summary([5, 2])}`).toMatch(/spare +Linear +not called +6 +24 B/);
  });

  test("adds shared parameters once, and a model's own are a row of their own", () => {
    const { rows, parameters } = new Net().summary([5, 2]);
    expect(rows[0]).toMatchObject({ path: "", layer: "Net", parameters: 1, bytes: 8, outputShape: [5, 1] });
    expect(parameters).toBe(1 + 2 * 6 + 3 + 2);
    expect(rows.reduce((sum, row) => sum + row.parameters, 0)).toBe(parameters);
  });

  test("of a wrong input is the layer's error", () => {
    expect(() => mlp().summary([3, 5])).toThrow("Linear: the input's last axis must be 4, got [3,5]");
    expect(() => mlp().summary([-1, 4])).toThrow("summary: shape must be a list of whole numbers, got [-1,4]");
  });
});

test("equal seeds give equal models, whatever is computed first", async () => {
  const make = async (reverse: boolean): Promise<Float32Array[]> => {
    const model = new nn.Sequential(new nn.Linear(8, 8), new nn.Linear(8, 8, { weightInit: init.orthogonal }));
    const order = reverse ? model.parameters().reverse() : model.parameters();
    const values = new Map<Variable, Float32Array>();
    for (const p of order) values.set(p, await p.data());
    return model.parameters().map((p) => values.get(p) as Float32Array);
  };
  seed(42);
  const first = await make(false);
  seed(42);
  expect(await make(true)).toEqual(first);
  expect(await make(true)).not.toEqual(first);
});
