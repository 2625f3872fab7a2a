/** init.auto: what is chosen, and that signal and gradient survive fifty layers. */
import { describe, expect, test } from "vitest";
import { grad } from "../lib/grad.js";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { traceLayers } from "../lib/nn/trace.js";
import { Generator, randn, seed, tensor, zeros } from "../lib/ops/index.js";
import { read } from "../lib/run/index.js";
import { type Tensor, Variable } from "../lib/tensor.js";

const activations = {
  ReLU: () => new nn.ReLU(),
  LeakyReLU: () => new nn.LeakyReLU(0.1),
  PReLU: () => new nn.PReLU(),
  ELU: () => new nn.ELU(),
  SELU: () => new nn.SELU(),
  CELU: () => new nn.CELU(),
  SiLU: () => new nn.SiLU(),
  GELU: () => new nn.GELU(),
  Mish: () => new nn.Mish(),
  HardSwish: () => new nn.HardSwish(),
  Softplus: () => new nn.Softplus(),
  LogSigmoid: () => new nn.LogSigmoid(),
  Sigmoid: () => new nn.Sigmoid(),
  HardSigmoid: () => new nn.HardSigmoid(),
  Tanh: () => new nn.Tanh(),
  Hardtanh: () => new nn.Hardtanh(),
  Softsign: () => new nn.Softsign(),
};
type Name = keyof typeof activations;

const stack = (name: Name, depth: number, width: number): nn.Sequential =>
  new nn.Sequential(
    ...Array.from({ length: depth }, () => [new nn.Linear(width, width), activations[name]()]).flat(),
    new nn.Linear(width, 10),
  );

/** Second moments of a stack's weighted sums, and of the gradients at them for a random cotangent, first layer first. */
async function profile(model: nn.Sequential, x: Tensor): Promise<{ forward: number[]; backward: number[] }> {
  const { output, outputs } = traceLayers(model, x);
  const sums = model.children().flatMap((layer) => {
    const y = outputs.get(layer);
    return layer instanceof nn.Linear && y && y !== output ? [y] : [];
  });
  const back = grad(output, sums, randn(output.shape, { generator: new Generator(5) }));
  const values = (await read([...sums, ...back].map((t) => t.square().mean()))).map(([v]) => v);
  return { forward: values.slice(0, sums.length), backward: values.slice(sums.length) };
}

const range = (values: readonly number[]): number => Math.max(...values) / Math.min(...values);

describe.each(Object.keys(activations) as Name[])("50 layers of %s", (name) => {
  const x = randn([32, 256], { generator: new Generator(3) });

  test.each(["theory", "data"])("by %s keep signal and gradient within a factor 10", async (by) => {
    const model = stack(name, 50, 256);
    const report = init.auto(model, by === "data" ? x : x.shape, { seed: 2 });
    const { forward, backward } = await profile(model, x);
    expect(range(forward)).toBeLessThan(10);
    expect(range(backward)).toBeLessThan(10);
    expect(report).toHaveLength(51);
    expect(report[25].draw).toBe("orthogonal");
  });
});

test("a stack of 50 by other means does not keep them", async () => {
  const x = randn([64, 128], { generator: new Generator(3) });
  const model = stack("Tanh", 50, 128);
  for (const layer of model.children())
    if (layer instanceof nn.Linear) layer.weight.initial = init.xavierNormal(layer.weight.shape, { gain: 5 / 3 });
  expect(range((await profile(model, x)).backward)).toBeGreaterThan(10);
});

const reasons = (report: init.InitReport) => report.map(({ path, draw, reason }) => `${path} ${draw}: ${reason}`);

describe("chooses", () => {
  test("He before ReLU, LeCun at the output, in the same stream as by itself", async () => {
    seed(4);
    const model = new nn.Sequential(new nn.Linear(40, 30), new nn.ReLU(), new nn.Linear(30, 10), { autoInit: false });
    seed(4);
    const report = init.auto(model);
    seed(4);
    expect(await model.parameters()[0].data()).toEqual(await init.heNormal([30, 40]).data());
    expect(reasons(report)).toEqual([
      "0.weight normal: ReLU is scale-free: He, variance 2/fanIn, keeps signal and gradient",
      "2.weight normal: the model's output: LeCun, variance 1/fanIn",
    ]);
    expect(report.map(({ std }) => std)).toEqual([expect.closeTo(Math.sqrt(2 / 40), 9), expect.closeTo(30 ** -0.5, 9)]);
    const lines = `${report}`.split("\n");
    expect(lines[0]).toMatch(/^weight +layer +shape +draw +std +bias +why$/);
    expect(lines[2]).toMatch(/^0\.weight +Linear +\[30,40\] +normal +0\.2236 +zeros +ReLU is scale-free/);
  });

  test("LeCun for SELU, the forward gain for a shallow tanh, also of a function", () => {
    const one = (module: nn.Module) =>
      init.auto(new nn.Sequential(new nn.Linear(64, 64), module, new nn.Linear(64, 64), module, new nn.Linear(64, 2)));
    expect(one(new nn.SELU())[1]).toMatchObject({
      std: expect.closeTo(1 / 8, 6),
      reason: expect.stringContaining("LeCun"),
    });
    const gain = init.gain("tanh");
    expect(one(new nn.Tanh())[1]).toMatchObject({ std: expect.closeTo(gain / 8, 6), q: 1, bias: "zeros" });
    const own = one(new nn.Lambda((x) => x.mul(2).sigmoid().mul(2).sub(1)))[1];
    expect(own.std).toBeCloseTo(gain / 8, 6); // tanh x = 2σ(2x) − 1
    expect(own.reason).toMatch(/^Lambda: gain 1\.59 keeps sums of variance 1/);
  });

  test("the tables say where theory does not allow both, and what was done instead", () => {
    expect(init.auto(stack("Tanh", 50, 16))[3].reason).toMatch(
      /^Tanh over 50 layers: .* towards the edge of chaos; a squared gradient grows × 1\.0/,
    );
    expect(init.auto(stack("Sigmoid", 50, 16))[3].reason).toMatch(/^Sigmoid's mean outweighs its slope: taken away/);
    expect(init.auto(stack("GELU", 50, 16))[3].reason).toMatch(/^GELU over 50 layers: the stable edge of chaos/);
  });

  test("and say what biases begin with", () => {
    const biases = (name: Name, sample: Tensor | number[]) => {
      const report = init.auto(stack(name, 50, 16), sample, { seed: 1 });
      return [0, 1, 50].map((i) => report[i].bias);
    };
    expect(biases("ReLU", [1, 16])).toEqual(["zeros", "zeros", "zeros"]);
    expect(biases("GELU", [1, 16])).toEqual(["normal", "normal", "zeros"]);
    expect(biases("Sigmoid", [1, 16])).toEqual(["zeros", "centred", "centred"]);
    expect(biases("Sigmoid", randn([64, 16]))).toEqual(["centred", "centred", "centred"]);
    expect(init.lsuv(new nn.Linear(4, 4, { bias: false }), randn([8, 4]))[0].bias).toBe("none");
  });

  test("sums of variance 1 for a deeper stack of SiLU where a batch scales each layer: deviations do not add up", () => {
    const model = stack("SiLU", 12, 16);
    expect(init.auto(model, [1, 16])[3].reason).toMatch(/^SiLU over 12 layers: the stable edge of chaos/);
    const byData = init.auto(model, randn([64, 16], { generator: new Generator(1) }))[3];
    expect(byData).toMatchObject({ q: 1, reason: expect.stringMatching(/^SiLU: gain 1\.68 keeps sums of variance 1/) });
    expect(init.auto(stack("SiLU", 50, 16), randn([64, 16]))[3].reason).toMatch(/the stable edge of chaos/);
  });

  test("what norms leave to it", () => {
    const report = init.auto(
      new nn.Sequential(
        new nn.Linear(8, 8),
        new nn.BatchNorm(8),
        new nn.ReLU(),
        new nn.Linear(8, 8),
        new nn.LayerNorm(8),
      ),
    );
    expect(report[0]).toMatchObject({
      std: expect.closeTo(0.5, 9),
      reason: expect.stringContaining("a norm takes the scale off"),
    });
    expect(report[1].std).toBeCloseTo(8 ** -0.5, 9);
  });

  const block = (options?: nn.ResidualOptions, ...extra: nn.Module[]) =>
    new nn.Residual(new nn.Sequential(...extra, new nn.Linear(8, 8), new nn.ReLU(), new nn.Linear(8, 8)), options);

  test("Fixup in residual branches without norm: last 0, the others × L^(−1/(2m−2))", async () => {
    const model = new nn.Sequential(block(), block(), block(), block(), new nn.Linear(8, 2));
    const report = init.auto(model);
    expect(report[0].std).toBeCloseTo(0.5 * 4 ** -0.5, 9);
    expect(report[0].reason).toMatch(/Fixup/);
    expect([1, 3, 5, 7].map((i) => report[i].draw)).toEqual(["zeros", "zeros", "zeros", "zeros"]);
    const x = randn([3, 8]);
    const inner = model
      .children()
      .slice(0, 4)
      .reduce((y, part) => part.forward(y), x as Tensor);
    expect(await inner.data()).toEqual(await x.data());
  });

  test.each([
    ["ReLU", () => [new nn.Linear(8, 8), new nn.ReLU()], Math.SQRT2 * 4 ** (-1 / 2)],
    ["|x|", () => [new nn.Linear(8, 8), new nn.Lambda((x) => x.abs())], 4 ** (-1 / 2)],
    [
      "ReLU",
      () => [new nn.Linear(8, 8), new nn.ReLU(), new nn.Linear(8, 8), new nn.ReLU()],
      Math.SQRT2 * 4 ** (-1 / 4),
    ],
  ])("no 0 where a branch ends in %s, which no gradient passes at 0", async (_, branch, gain) => {
    const blocks = [0, 1, 2, 3].map(() => new nn.Residual(new nn.Sequential(...branch())));
    const model = new nn.Sequential(...blocks, new nn.Linear(8, 2));
    const report = init.auto(model, [5, 8], { seed: 1 });
    for (const { draw, std } of report.slice(0, -1))
      expect([draw, std]).toEqual(["normal", expect.closeTo(gain / Math.sqrt(8), 9)]);
    const loss = model
      .forward(randn([5, 8]))
      .square()
      .mean();
    const gradients = grad(
      loss,
      model.parameters().filter(({ rank }) => rank === 2),
    );
    for (const gradient of gradients) expect(await gradient.norm().item()).toBeGreaterThan(0);
  });

  test("0 where a branch ends in tanh", () => {
    const branch = (): nn.Module => new nn.Residual(new nn.Sequential(new nn.Linear(8, 8), new nn.Tanh()));
    expect(init.auto(new nn.Sequential(branch(), branch(), new nn.Linear(8, 2)))[0].draw).toBe("zeros");
  });

  test("variance 1 before residual branches, ½ for each of two summands", () => {
    const stem = init.auto(new nn.Sequential(new nn.Linear(8, 8), block(), block({ scale: 0, learned: true })))[0];
    expect(stem).toMatchObject({
      std: expect.closeTo(8 ** -0.5, 9),
      reason: "no activation before the next weight: variance 1/fanIn",
    });
    class Sum extends nn.Module {
      readonly layers = [new nn.Linear(8, 8), new nn.Linear(8, 8), new nn.Linear(8, 2)];
      forward(x: Tensor): Tensor {
        const [a, b, head] = this.layers;
        return head.forward(a.forward(x).add(b.forward(x)));
      }
    }
    expect(init.auto(new Sum()).map(({ std }) => std)).toEqual([0.25, 0.25, expect.closeTo(8 ** -0.5, 9)]);
  });

  test("the activation as far as everything made of a sum shares it", () => {
    class Forked extends nn.Module {
      readonly layers = [new nn.Linear(8, 8), new nn.Linear(8, 8), new nn.Linear(8, 2)];
      forward(x: Tensor): Tensor {
        const [stem, left, right] = this.layers;
        const h = stem.forward(x).relu();
        return right.forward(h.mul(2).add(left.forward(h.add(1).square())));
      }
    }
    expect(init.auto(new Forked())[0]).toMatchObject({
      std: 0.5,
      reason: expect.stringMatching(/^relu is scale-free/),
    });
  });

  test("a number that is added shuts no branch, and is no bias of its own for each unit", () => {
    const branch = () => new nn.Sequential(new nn.Bias(), new nn.Linear(8, 1), new nn.ReLU(), new nn.Linear(1, 8));
    const report = init.auto(new nn.Sequential(new nn.Residual(branch()), new nn.Linear(8, 2)));
    expect(report.map(({ draw }) => draw)).toEqual(["normal", "zeros", "normal"]);
    const centring = [new nn.Linear(8, 8), new nn.Sigmoid(), new nn.Linear(8, 8, { bias: false }), new nn.Bias()];
    const model = new nn.Sequential(...centring, new nn.Tanh(), new nn.Linear(8, 2));
    expect(init.auto(model)[1]).toMatchObject({ bias: "none", reason: expect.stringMatching(/^Bias·Tanh: gain/) });
  });

  test("the activation of parameters that are numbers by those numbers, the others by their mean", () => {
    const prelu = (slope?: number): nn.PReLU => {
      const module = new nn.PReLU();
      if (slope !== undefined) module.loadState({ weight: tensor([slope]) });
      return module;
    };
    const std = (module: nn.Module) =>
      init.auto(new nn.Sequential(new nn.Linear(8, 8), module, new nn.Linear(8, 2)))[0].std;
    const he = (slope: number) => expect.closeTo(Math.sqrt(2 / (1 + slope ** 2) / 8), 6);
    expect([std(prelu()), std(prelu(0.5)), std(new nn.PReLU(8))]).toEqual([he(0.25), he(0.5), he(0.25)]);
  });

  test("He in branches that are normalized, or shut by a learned 0 (ReZero)", () => {
    for (const model of [block({ scale: 0, learned: true }), block({}, new nn.LayerNorm(8))]) {
      const report = init.auto(model, [2, 8]);
      expect(report.map(({ draw, std }) => [draw, std])).toEqual([
        ["normal", expect.closeTo(0.5, 9)],
        ["normal", expect.closeTo(8 ** -0.5, 9)],
      ]);
      expect(report[1].reason).toBe("ends a residual branch: LeCun");
    }
  });

  test("Xavier for gates, orthogonal for recurrence, unit rows for lookup", async () => {
    class Gated extends nn.Module {
      readonly value = new nn.Linear(8, 4);
      readonly gate = new nn.Linear(8, 4);
      forward(x: Tensor) {
        return this.value.forward(x).mul(this.gate.forward(x).sigmoid());
      }
    }
    const gated = init.auto(new Gated());
    expect(gated.map(({ std, reason }) => [std, reason])).toEqual([
      [expect.closeTo(Math.sqrt(2 / 12), 9), "gates or is gated: Xavier, so that no gate is shut"],
      [expect.closeTo(Math.sqrt(2 / 12), 9), "gates or is gated: Xavier, so that no gate is shut"],
    ]);

    class Update extends nn.Module {
      readonly gate = new nn.Linear(8, 8);
      readonly value = new nn.Linear(8, 8);
      forward(x: Tensor) {
        const [z, h] = [this.gate.forward(x).sigmoid(), this.value.forward(x).tanh()];
        return h.mul(z.neg().add(1)).add(z.mul(0.5)); // as a GRU's, first step
      }
    }
    expect(init.auto(new Update()).map(({ reason }) => reason)).toEqual([
      "gates or is gated: Xavier, so that no gate is shut",
      "gates or is gated: Xavier, so that no gate is shut",
    ]);

    class Recurrent extends nn.Module {
      readonly input = new nn.Linear(3, 8);
      readonly hidden = new nn.Linear(8, 8, { bias: false });
      forward(x: Tensor) {
        let h: Tensor = zeros([x.shape[0], 8]);
        for (const step of x.split(4, 1)) h = this.input.forward(step.squeeze(1)).add(this.hidden.forward(h)).tanh();
        return h;
      }
    }
    const model = new Recurrent();
    const [, hidden] = init.auto(model, [2, 4, 3]);
    expect(hidden).toMatchObject({ path: "hidden.weight", draw: "orthogonal" });
    const w = model.hidden.weight;
    expect(
      await w
        .matmul(w.transpose())
        .sub(init.eye([8, 8]))
        .abs()
        .max()
        .item(),
    ).toBeLessThan(1e-5);

    class Embedding extends nn.Module {
      readonly table = new Variable(zeros([50, 8]), { label: "table" });
      forward(x: Tensor) {
        return this.table.indexSelect(x, 0);
      }
    }
    for (const draw of [init.auto, init.lsuv]) {
      const embedding = new Embedding();
      const [rows] = draw(embedding, tensor([1, 2], [2], "i32"), { seed: 3 });
      expect(rows).toMatchObject({ std: 1, reason: "rows are looked up, each an input of variance 1" });
      expect(await embedding.table.data()).toEqual(await randn([50, 8], { generator: new Generator(3) }).data());
    }
  });

  test("fans of a weight stored as (in, out)", () => {
    class Turned extends nn.Module {
      readonly w = new Variable(zeros([16, 4]), { label: "w" });
      forward(x: Tensor) {
        return x.matmul(this.w).relu();
      }
    }
    expect(init.auto(new Turned(), [2, 16])[0].std).toBeCloseTo(1 / 4, 9); // an output: 1/√16
  });

  test("biases that take the mean of sigmoids away", async () => {
    const model = new nn.Sequential(
      new nn.Linear(64, 256),
      new nn.Sigmoid(),
      new nn.Linear(256, 64),
      new nn.Sigmoid(),
      new nn.Linear(64, 2),
    );
    expect(init.auto(model, undefined, { seed: 1 })[1].bias).toBe("centred");
    const { weight, bias } = model.children()[2] as nn.Linear;
    const [left] = await read([
      weight
        .sum({ axes: 1 })
        .mul(0.5)
        .add(bias as Tensor)
        .abs()
        .max(),
    ]);
    expect(left[0]).toBeLessThan(1e-5);
    const free = new nn.Sequential(new nn.Linear(64, 256), new nn.Sigmoid(), new nn.Linear(256, 64, { bias: false }));
    init.auto(free, undefined, { seed: 1 });
    expect(await (free.children()[2] as nn.Linear).weight.sum({ axes: 1 }).abs().max().item()).toBeLessThan(1e-5);
  });
});

test("one seed gives one model, also after training on another", async () => {
  const x = randn([64, 16], { generator: new Generator(2) });
  const model = stack("GELU", 12, 16);
  const draw = async () => {
    init.auto(model, x, { seed: 9 });
    return read(model.parameters());
  };
  const first = await draw();
  expect(await draw()).toEqual(first);
  init.auto(model, x, { generator: new Generator(9) });
  expect(await read(model.parameters())).toEqual(first);
});

describe("what is frozen stays, and what follows it is drawn by what it gives:", () => {
  const x = randn([400, 16], { generator: new Generator(2) });
  const draws: Record<string, [draw: (model: nn.Module) => init.InitReport, headBias: string, second?: number]> = {
    "auto by theory": [(model) => init.auto(model, [1, 16], { seed: 9 }), "zeros"],
    auto: [(model) => init.auto(model, x, { seed: 9 }), "zeros", 1],
    lsuv: [(model) => init.lsuv(model, x, { seed: 9 }), "centred", 1],
  };
  test.each(Object.entries(draws))("%s", async (_, [draw, headBias, moment]) => {
    const model = stack("Tanh", 2, 16);
    const [first, , second] = model.children() as nn.Linear[];
    for (const p of [...first.parameters(), ...second.parameters()]) p.initial = randn(p.shape, { std: 3 });
    first.freeze();
    (second.bias as Variable).trainable = false;
    const before = await read(model.parameters());
    const report = draw(model);
    expect(report.map(({ path, bias }) => [path, bias])).toEqual([
      ["2.weight", "none"],
      ["4.weight", headBias],
    ]);
    const after = await read(model.parameters());
    const stays = after.map((values, i) => values.every((v, j) => v === before[i][j]));
    expect(stays.slice(0, 5)).toEqual([true, true, false, true, false]);
    if (moment === undefined) return;
    const sums = first.forward(x).tanh().matmul(second.weight.transpose());
    expect(report[0].q).toBe(moment);
    expect(await sums.square().mean().item()).toBeCloseTo(moment, 4);
  });
});
