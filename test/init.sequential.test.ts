/** The default of Sequential: init.auto by theory, for the layers that nobody has asked for. */
import { describe, expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import * as nn from "../lib/nn/index.js";
import { seed, tensor } from "../lib/ops/index.js";
import { read } from "../lib/run/index.js";

describe("the default of Sequential", () => {
  const make = (options?: nn.SequentialOptions, layer?: nn.LinearOptions) => {
    seed(6);
    return new nn.Sequential(
      new nn.Linear(6, 5, layer),
      new nn.Tanh(),
      new nn.Linear(5, 4),
      ...(options ? [options as never] : []),
    );
  };
  const weights = async (model: nn.Sequential) => (await read(model.parameters())).map((w) => [...w]);

  test("is auto by theory, each layer in its own stream; it can be told off", async () => {
    const [by, off] = [await weights(make()), await weights(make({ autoInit: false }))];
    expect(by[0].map((v, i) => v / off[0][i])).toEqual(by[0].map(() => expect.closeTo(Math.SQRT1_2, 5)));
    const std = init.auto(make())[1].std;
    expect(by[2].map((v, i) => v / off[2][i])).toEqual(by[2].map(() => expect.closeTo(std / Math.sqrt(2 / 5), 4)));
    expect(await weights(make({ autoInit: true }))).toEqual(by);
  });

  test("leaves what was asked for, loaded, read or not plain", async () => {
    const given = await weights(make({}, { weightInit: init.ones, biasInit: init.constant(3) }));
    expect(given[0]).toEqual(new Array(30).fill(1));
    expect(given[1]).toEqual(new Array(5).fill(3));
    const loaded = new nn.Linear(2, 2);
    loaded.loadState(
      {
        weight: tensor([
          [1, 1],
          [1, 1],
        ]),
      },
      { strict: false },
    );
    new nn.Sequential(loaded, new nn.Tanh());
    expect(await loaded.weight.data()).toEqual(Float32Array.of(1, 1, 1, 1));
    const inner = new nn.Linear(2, 2);
    const before = await inner.weight.data();
    new nn.Sequential(inner, new nn.Tanh());
    expect(await inner.weight.data()).toEqual(before);
    const plain = new nn.Linear(2, 2);
    const first = plain.weight.initial;
    new nn.Sequential(plain, new nn.Lambda((x) => x.tanh()), new nn.Linear(2, 2));
    expect(plain.weight.initial).toBe(first);
  });

  test("an outer one knows more: it draws inner ones again, in the same streams", async () => {
    seed(7);
    const layers = () => [new nn.Linear(6, 6), new nn.Sigmoid()];
    const nested = new nn.Sequential(
      new nn.Sequential(...layers()),
      new nn.Sequential(...layers()),
      new nn.Linear(6, 2),
    );
    seed(7);
    const flat = new nn.Sequential(...layers(), ...layers(), new nn.Linear(6, 2));
    expect(await weights(nested)).toEqual(await weights(flat));
  });

  test("refuses other options", () => {
    expect(() => make({ autoinit: true } as never)).toThrow(
      'Sequential: unknown option "autoinit". Did you mean "autoInit"?',
    );
    expect(() => make({ autoInit: 1 } as never)).toThrow("Sequential: autoInit must be true or false, got 1");
  });
});
