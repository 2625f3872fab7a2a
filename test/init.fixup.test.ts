/** Fixup: what it draws, and that a step changes a network without norms as much at any depth. */
import { describe, expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { Generator, randint, randn, zeros } from "../lib/ops/index.js";
import * as optim from "../lib/optim/index.js";
import { read } from "../lib/run/index.js";

const width = 32;

/** A branch of m layers as in the paper: a bias before each layer and activation, and a multiplier. */
function block(m: number): nn.Module {
  const layer = () => [new nn.Bias(), new nn.Linear(width, width, { bias: false }), new nn.Bias(), new nn.ReLU()];
  const layers = Array.from({ length: m }, layer).flat().slice(0, -2);
  return new nn.Residual(new nn.Sequential(...layers), { learned: true });
}

const network = (L: number, m = 2): nn.Sequential =>
  new nn.Sequential(
    ...[new nn.Linear(width, width), new nn.ReLU(), ...Array.from({ length: L }, () => block(m))],
    ...[new nn.Bias(), new nn.Linear(width, 10)],
  );

const x = randn([64, width], { generator: new Generator(1) });

describe("draws", () => {
  test.each([
    [9, 2, 9 ** -0.5],
    [16, 3, 16 ** -0.25],
    [4, 1, undefined],
  ])("for %i branches of %i weights", async (L, m, factor) => {
    const model = network(L, m);
    const report = init.fixup(model, [1, width], { seed: 1 });
    expect(report).toHaveLength(L * m + 2);
    for (const [i, { path, draw, std, reason }] of report.entries()) {
      const he = Math.sqrt(2 / width);
      if (i === 0) expect(std).toBeCloseTo(he, 9);
      else if (i === L * m + 1) expect([draw, reason]).toEqual(["zeros", "the model's output: 0 (Fixup)"]);
      else if (i % m === 0) expect([draw, path]).toEqual(["zeros", expect.stringMatching(/^\d+\.f\.\d+\.weight$/)]);
      else expect([draw, std]).toEqual(["normal", expect.closeTo(he * (factor as number), 9)]);
    }
    const drawn = await read(model.namedParameters().map(([, variable]) => variable.square().mean()));
    const squares = new Map(model.namedParameters().map(([path], i) => [path, drawn[i][0]]));
    for (const { path, std } of report)
      expect(Math.abs((squares.get(path) ?? 1) - std ** 2)).toBeLessThan(0.2 * std ** 2 + 1e-12);
    const inner = model.children().slice(0, -2);
    const stem = inner.slice(0, 2).reduce((y, part) => part.forward(y), x as ReturnType<typeof zeros>);
    const end = inner.reduce((y, part) => part.forward(y), x as ReturnType<typeof zeros>);
    expect(await end.data()).toEqual(await stem.data());
    expect(await model.forward(x).data()).toEqual(new Float32Array(64 * 10));
  });

  test("the same from one seed, by whichever sample", async () => {
    const model = network(3);
    const draw = async (...args: [] | [typeof x]) => {
      init.fixup(model, ...(args as [typeof x]), { seed: 5 });
      return read(model.parameters());
    };
    expect(await draw(x)).toEqual(await draw(zeros([1, width]) as typeof x));
  });
});

/** How far the outputs of a network of L blocks move in a few steps of SGD, root mean square. */
async function moved(L: number, steps: number, begin: (model: nn.Module) => unknown): Promise<number> {
  const model = network(L);
  begin(model);
  const y = randint(0, 10, [64], { generator: new Generator(2) });
  const before = await model.forward(x).data();
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
  for (let step = 0; step < steps; step++) await optimizer.step(nn.crossEntropy(model.forward(x), y));
  const after = await model.forward(x).data();
  const square = after.reduce((sum, v, i) => sum + (v - before[i]) ** 2, 0) / after.length;
  return Math.sqrt(square);
}

test("leaves what is frozen", async () => {
  const model = network(2);
  const [first] = model.children();
  first.freeze();
  const before = await read(first.parameters());
  const report = init.fixup(model, [1, width], { seed: 1 });
  expect(report.map(({ path }) => path)).not.toContain("0.weight");
  expect(await read(first.parameters())).toEqual(before);
});

test("a step changes the function as much at any depth, which He's weights do not", async () => {
  const fixup = (model: nn.Module) => init.fixup(model, x, { seed: 3 });
  const [shallow, deep] = [await moved(4, 3, fixup), await moved(64, 3, fixup)];
  expect(shallow).toBeGreaterThan(1e-3);
  expect(deep / shallow).toBeGreaterThan(1 / 3);
  expect(deep / shallow).toBeLessThan(3);
  const he = (model: nn.Module) => {
    const generator = new Generator(3);
    for (const [path, variable] of model.namedParameters())
      if (path.endsWith("weight")) variable.initial = init.heNormal(variable.shape, { generator });
  };
  const [few, many] = [await moved(4, 1, he), await moved(16, 1, he)];
  expect(many / few < 100).toBe(false); // it is NaN
});

describe("refuses", () => {
  const plain = new nn.Sequential(new nn.Linear(3, 3), new nn.ReLU(), new nn.Linear(3, 2));
  const rezero = new nn.Sequential(new nn.Residual(new nn.Linear(3, 3), { scale: 0, learned: true }));
  const normed = new nn.Sequential(new nn.Residual(new nn.Sequential(new nn.LayerNorm(3), new nn.Linear(3, 3))));
  const none =
    "init.fixup: the model must have a branch x + f(x) that neither norms nor begins with a factor 0, got none";
  test.each<[unknown[], string]>([
    [[plain], none],
    [[rezero, [2, 3]], none],
    [[normed, [2, 3]], none],
    [[{}], "init.fixup: model must be a module, got {  }"],
    [[network(1), [2, 7]], "init.fixup: the model must accept the sample, got an input of shape [2,7]"],
    [[network(1), x, { gain: 2 }], 'init.fixup: unknown option "gain". Known: generator, seed'],
  ])("%#", (args, message) => {
    expect(() => (init.fixup as (...args: unknown[]) => unknown)(...args)).toThrow(message);
  });
});
