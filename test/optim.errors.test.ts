/** What optimizers refuse, and what they say about it. */
import { describe, expect, test } from "vitest";
import * as nn from "../lib/nn/index.js";
import { concat, tensor } from "../lib/ops/index.js";
import * as optim from "../lib/optim/index.js";
import type { Variable } from "../lib/tensor.js";
import { network, parameter, rejection, valuesOf, withGradient } from "./training.js";

type Options = Record<string, unknown>;
/** Options as someone without types would give them. */
const untyped = (Kind: unknown) => (params: unknown, options?: unknown) =>
  new (Kind as new (params: unknown, options: unknown) => optim.Optimizer)(params, options);

const [a, b] = [parameter([1], "a"), parameter([1], "b")];

describe("options", () => {
  const kinds: Record<string, unknown> = { ...optim };
  const cases: [kind: keyof typeof optim, options: Options | number | null | undefined, message: string][] = [
    ["SGD", {}, "SGD: lr must be a number at least 0 and at most 3.4e+38, got undefined"],
    ["SGD", { lr: -0.1 }, "SGD: lr must be a number at least 0 and at most 3.4e+38, got -0.1"],
    ["SGD", { lr: Number.NaN }, "SGD: lr must be a number at least 0 and at most 3.4e+38, got NaN"],
    ["SGD", { lr: Infinity }, "SGD: lr must be a number at least 0 and at most 3.4e+38, got Infinity"],
    ["SGD", { lr: "0.1" }, 'SGD: lr must be a number at least 0 and at most 3.4e+38, got "0.1"'],
    ["SGD", { lr: 0.1, momentun: 0.9 }, 'SGD: unknown option "momentun". Did you mean "momentum"?'],
    ["SGD", { lr: 0.1, weight_decay: 0.9 }, 'SGD: unknown option "weight_decay". Did you mean "weightDecay"?'],
    ["SGD", { lr: 0.1, zzz: 1 }, 'SGD: unknown option "zzz". Known: lr, momentum, dampening, weightDecay, nesterov'],
    ["SGD", { lr: 0.1, momentum: 1.5 }, "SGD: momentum must be a number at least 0 and at most 1, got 1.5"],
    ["SGD", { lr: 0.1, nesterov: 1 }, "SGD: nesterov must be true or false, got 1"],
    [
      "SGD",
      { lr: 0.1, nesterov: true },
      "SGD: nesterov wants a momentum and no dampening, got momentum 0 and dampening 0",
    ],
    ["SGD", undefined, "SGD: lr must be a number at least 0 and at most 3.4e+38, got undefined"],
    ["SGD", 0.1, "SGD: options must be an object, got 0.1"],
    ["SGD", null, "SGD: options must be an object, got null"],
    ["RMSprop", { alpha: 1 }, "RMSprop: alpha must be a number at least 0 and below 1, got 1"],
    ["RMSprop", { centered: "no" }, 'RMSprop: centered must be true or false, got "no"'],
    ["RMSprop", { eps: -1 }, "RMSprop: eps must be a number at least 0 and at most 3.4e+38, got -1"],
    ["Adagrad", { lrDecay: -1 }, "Adagrad: lrDecay must be"],
    ["Adagrad", { initialAccumulator: -1 }, "Adagrad: initialAccumulator must be"],
    ["Adam", { lr: -1 }, "Adam: lr must be a number at least 0"],
    ["Adam", { betas: [0.9, 1] }, "Adam: betas must be two numbers from 0 up to but without 1, got [0.9,1]"],
    ["Adam", { betas: [-0.1, 0.9] }, "Adam: betas must be two numbers from 0 up to but without 1, got [-0.1,0.9]"],
    ["Adam", { betas: [0.9] }, "Adam: betas must be two numbers from 0 up to but without 1, got [0.9]"],
    ["Adam", { betas: 0.9 }, "Adam: betas must be two numbers from 0 up to but without 1, got 0.9"],
    ["Adam", { beta: 0.9 }, 'Adam: unknown option "beta". Did you mean "betas"?'],
    ["AdamW", { betas: [0.9, Number.NaN] }, "AdamW: betas must be two numbers"],
    ["AdamW", { weightDecay: -1 }, "AdamW: weightDecay must be"],
    ["Lion", { betas: [0.9, 1.1] }, "Lion: betas must be two numbers"],
    ["Lion", { momentum: 0.9 }, 'Lion: unknown option "momentum". Known: lr, betas, weightDecay'],
  ];

  test.each(cases)("%s %o", (kind, options, message) => {
    const make = untyped(kinds[kind]);
    expect(() => make([a], options)).toThrow(message);
    if (typeof options === "object" && options !== null && Object.keys(options).length > 0) {
      expect(() => make([{ params: [a], ...options }], { lr: 0.1 })).toThrow(message);
    }
  });
});

describe("parameters", () => {
  const sgd = (params: unknown) => untyped(optim.SGD)(params, { lr: 0.1 });
  const model = network();

  test.each([
    [[], "SGD: params must be a list of parameters or groups, got []. Use model.parameters()"],
    [model, "SGD: params must be a list of parameters or groups, got a Sequential. Use model.parameters()"],
    [undefined, "SGD: params must be a list of parameters or groups, got undefined. Use model.parameters()"],
    [[tensor([1])], "SGD: each group must be { params, … }, got a Constant"],
    [[a, tensor([1])], "SGD: each group must be { params, … }, got a Variable"],
    [[{ parameters: [a] }], "SGD: each group must be { params, … }, got { parameters }"],
    [[{ params: [] }], "SGD: a group must have parameters, got []"],
    [[{ params: [tensor([1])] }], "SGD: params must be parameters, got a Constant. Use model.parameters()"],
    [[a, b, a], "SGD: parameter a must be in one group once. Remove it from the others"],
    [[{ params: [a] }, { params: [b, a] }], "SGD: parameter a must be in one group once. Remove it from the others"],
  ])("%#: %s", (params, message) => {
    expect(() => sgd(params)).toThrow(message);
  });

  test("all frozen", async () => {
    const frozen = network().freeze();
    const optimizer = sgd(frozen.parameters());
    const { message } = await rejection(optimizer.step(withGradient(frozen.parameters()[1], new Array(8).fill(1))));
    expect(message).toBe("SGD: every parameter is frozen. Unfreeze some with model.unfreeze()");
    expect(optimizer.steps).toBe(0);
  });
});

describe("a step", () => {
  const optimizer = new optim.SGD([a], { lr: 0.1 });
  const step = (options: unknown, loss: unknown = a.sum()) =>
    optimizer.step(loss as Variable, options as optim.StepOptions);

  test.each([
    [{ clipgradnorm: 1 }, 'SGD: unknown option "clipgradnorm". Did you mean "clipGradNorm"?'],
    [{ clipGradNorm: 0 }, "SGD: clipGradNorm must be a number above 0, got 0"],
    [{ clipUnitRatio: 0 }, "SGD: clipUnitRatio must be a number above 0, got 0"],
    [{ clipLayerNorm: -1 }, "SGD: clipLayerNorm must be a number above 0, got -1"],
    [{ clipGradValue: "1" }, 'SGD: clipGradValue must be a number above 0, got "1"'],
    [{ nonFinite: "ignore" }, 'SGD: nonFinite must be "skip", "throw" or "zero", got "ignore"'],
    [{ signal: 3 }, "SGD: signal must be an AbortSignal, got 3"],
  ])("%o", async (options, message) => {
    expect((await rejection(step(options))).message).toContain(message);
    expect(optimizer.steps).toBe(0);
  });

  test.each([
    [3, "SGD: loss must be a tensor, got 3"],
    [a.greater(0), "grad: loss must be f32, got bool. Nothing flows through integers"],
    [concat([a, a]), "grad: loss must have one element, got [2]. Reduce it first, e.g. with mean()"],
  ])("of the loss %s", async (loss, message) => {
    expect((await rejection(step({}, loss))).message).toBe(message);
    expect(optimizer.steps).toBe(0);
  });
});

describe("state", () => {
  const model = () => new nn.Sequential(new nn.Linear(2, 3));

  test("of another optimizer or model is refused and changes nothing", async () => {
    const adam = new optim.Adam(model().parameters());
    const good = await adam.state();
    const { "0.mean": mean, steps, ...rest } = good;
    const larger = await new optim.Adam(new nn.Linear(3, 3).parameters()).state();
    const sgd = new optim.SGD(model().parameters(), { lr: 1 });
    const before = await valuesOf(adam);
    const refused: [optim.Optimizer, Options | null, string][] = [
      [adam, null, "Adam: the state must be an object of tensors, got null. Use what state() returned"],
      [adam, { ...rest, steps }, "Adam: the state's 0.mean must have shape [3,2], got nothing"],
      [adam, larger, "Adam: the state's 0.mean must have shape [3,2], got [3,3]"],
      [
        adam,
        { ...rest, "0.mean": mean },
        "Adam: the state must have a number steps, got undefined. Use what state() returned",
      ],
      [adam, { ...good, steps: tensor([1, 2]) }, "Adam: the state must have a number steps, got a Constant."],
      [sgd, good, 'SGD: the state must be one of such an optimizer, got "0.mean", which this one has not'],
    ];
    for (const [optimizer, state, message] of refused) {
      expect(() => optimizer.loadState(state as typeof good)).toThrow(message);
    }
    expect(await valuesOf(adam)).toEqual(before);
  });

  test("is not loaded while a run writes it", async () => {
    const optimizer = new optim.Adam(model().parameters());
    const state = await optimizer.state();
    const { mean } = optimizer.groups[0].moments[0];
    mean.writer = "a run";
    expect(() => optimizer.loadState(state)).toThrow(
      "Adam: no run may be writing the state, got 0.mean in use by a run",
    );
    mean.writer = undefined;
    optimizer.loadState(state);
  });

  test("penalties want parameters and a strength", () => {
    expect(() => optim.l1Penalty([], 1)).toThrow(
      "l1Penalty: params must be a list of parameters, got []. Use model.parameters()",
    );
    expect(() => optim.l2Penalty([a], -1)).toThrow("l2Penalty: strength must be a number at least 0");
  });
});
