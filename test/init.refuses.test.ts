/** What init.auto and init.lsuv refuse. */
import { describe, expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { concat, ones, tensor, zeros } from "../lib/ops/index.js";
import { read } from "../lib/run/index.js";
import { type Tensor, Variable } from "../lib/tensor.js";

describe("refuses", () => {
  const model = new nn.Linear(3, 2);
  const loose = init as unknown as Record<string, (...args: unknown[]) => unknown>;
  class Broken extends nn.Module {
    readonly w = new Variable(zeros([3, 2]), { label: "w" });
    forward(x: Tensor): Tensor {
      return concat([x, this.w], 0);
    }
  }
  test.each<[string, unknown[], string]>([
    ["auto", [{}], "init.auto: model must be a module, got {  }"],
    ["auto", [model, undefined, { sead: 1 }], 'init.auto: unknown option "sead". Did you mean "seed"?'],
    [
      "auto",
      [model, [2, 7]],
      'init.auto: the model must accept the sample, got an input of shape [2,7] and from it "Linear:',
    ],
    [
      "auto",
      [new Broken(), [2, 7]],
      'init.auto: the model must accept the sample, got an input of shape [2,7] and from it "concat',
    ],
    ["auto", [new nn.ReLU()], "init.auto: the model must have a weight of two axes, got none. Is it built?"],
    ["auto", [model, zeros([0, 3])], "init.auto: sample must be a batch (N, …) of at least one row, got [0,3]"],
    ["auto", [model, [2, -3]], "init.auto: shape must be a list of whole numbers, got [2,-3]"],
    ["lsuv", [model, [2, 3]], "init.lsuv: sample must be a batch of data, got [2,3]. Use init.auto for theory"],
    ["lsuv", [model, ones([2, 3]), { variance: 0 }], "init.lsuv: variance must be a number above 0"],
    ["lsuv", [model, ones([2, 3]), { centre: 1 }], "init.lsuv: centre must be true or false, got 1"],
    [
      "auto",
      [new nn.Sequential(new nn.Linear(3, 3), new nn.Lambda((x) => x.log()), new nn.Linear(3, 3))],
      "init.auto: the activation Lambda of 0.weight must be finite for every number, got NaN at -12. Limit what it gets",
    ],
  ])("%s %#", (name, args, message) => {
    expect(() => loose[name](...args)).toThrow(message);
  });

  test("a model that a run is writing", () => {
    model.weight.writer = "fit";
    expect(() => init.auto(model)).toThrow(
      "init.auto: no run may be writing the model, got weight in use by fit. Await it first",
    );
    model.weight.writer = undefined;
  });

  describe.each([
    ["auto", init.auto],
    ["lsuv", init.lsuv],
  ] as const)("%s: a batch", (name, draw) => {
    test.each([NaN, Infinity, -Infinity])("with %d, and the weights are as they were", async (bad) => {
      const net = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 2));
      const before = await read(net.parameters());
      const message = `init.${name}: sample must be finite, got NaN or infinity. Leave such rows out, or mend their values`;
      draw(net, tensor([1, 2, 3, 4, bad, 6], [2, 3]));
      await expect(net.parameters()[3].data()).rejects.toThrow(message); // one weight stands for all
      expect(await read(net.parameters())).toEqual(before);
      draw(net, ones([2, 3]).mul(bad));
      await expect(net.forward(ones([2, 3])).data()).rejects.toThrow(message);
      expect(await read(net.parameters())).toEqual(before);
    });

    test("that is not finite: what was drawn and not read yet is drawn then, and what was loaded stays", async () => {
      const [net, other] = [new nn.Linear(3, 2), new nn.Linear(3, 2)];
      for (const layer of [net, other]) draw(layer, ones([8, 3]), { seed: 1 });
      draw(net, ones([2, 3]).div(0));
      net.loadState({ bias: tensor([5, 6]) }, { strict: false });
      await expect(net.weight.data()).rejects.toThrow("sample must be finite");
      expect(await net.bias?.data()).toEqual(Float32Array.of(5, 6));
      expect(await net.weight.data()).toEqual(await other.weight.data());
    });
  });
});
