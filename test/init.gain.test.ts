/** Gains and mean-field theory, against known values and closed forms. */
import { describe, expect, test } from "vitest";
import * as init from "../lib/init/index.js";
import type { Tensor } from "../lib/tensor.js";

const { gain, meanField } = init;

describe("gains", () => {
  // E[φ²]^−½, E[φ′²]^−½ and E[φ′²]/E[φ²], to the digits given.
  test.each<[init.ActivationName, number, number, number]>([
    ["linear", 1, 1, 1],
    ["relu", Math.SQRT2, Math.SQRT2, 1],
    ["leakyRelu", 1.41414, 1.41414, 1],
    ["elu", 1.2452, 1.22343, 1.036],
    ["selu", 1, 0.96603, 1.072],
    ["tanh", 1.59254, 1.46741, 1.178],
    ["sigmoid", 1.84623, 4.72265, 0.153],
    ["softplus", 1.04187, 1.84623, 0.318],
    ["silu", 1.67653, 1.62332, 1.067],
    ["gelu", 1.53353, 1.48111, 1.072],
    ["mish", 1.48685, 1.44476, 1.059],
    ["softsign", 2.33753, 2.09578, 1.244],
    ["hardSwish", 1.73666, 1.67008, 1.081],
    ["celu", 1.2452, 1.22343, 1.036],
    ["geluTanh", 1.533581, 1.481168, 1.072],
    ["swish", 1.67653, 1.62332, 1.067],
    ["hardSigmoid", 1.89784, 6.008116, 0.1],
    ["hardtanh", 1.392036, 1.210287, 1.323],
    ["logSigmoid", 1.041867, 1.846229, 0.318],
  ])("of %s", (name, forward, backward, chi) => {
    expect(gain(name)).toBeCloseTo(forward, 5);
    expect(gain(name, { mode: "backward" })).toBeCloseTo(backward, 5);
    expect((gain(name) / gain(name, { mode: "backward" })) ** 2).toBeCloseTo(chi, 3);
    expect(gain(name, { mode: "balanced" })).toBeCloseTo(Math.sqrt(forward * backward), 5);
  });

  test("of functions: kinks anywhere cost no digits", () => {
    expect(gain((x) => x.leakyRelu(0.5))).toBeCloseTo(Math.sqrt(2 / 1.25), 9);
    expect(gain((x) => x.mul(x.sigmoid()))).toBeCloseTo(gain("silu"), 9);
    // φ′ of a ramp on ±a is 1 with probability erf(a/√2).
    expect(gain((x) => x.clamp({ min: -0.3, max: 0.3 }), { mode: "backward" })).toBeCloseTo(
      0.23582284437790535 ** -0.5,
      9,
    );
    expect(gain((x) => x.exp())).toBeCloseTo(Math.exp(-1), 9); // E[e^2z] = e²
    expect(gain((x) => x.sin())).toBeCloseTo(((1 - Math.exp(-2)) / 2) ** -0.5, 9);
  });

  test("of other variances: a linear one has the same", () => {
    for (const q of [1e-6, 0.3, 100]) {
      expect(gain("relu", { q })).toBeCloseTo(Math.SQRT2, 9);
      expect(gain("linear", { q, mode: "backward" })).toBeCloseTo(1, 9);
    }
    expect(gain("tanh", { q: 1e-6 })).toBeCloseTo(1, 5);
  });

  test("of PyTorch", () => {
    const pytorch = (name: init.ActivationName) => gain(name, { mode: "pytorch" });
    expect(["linear", "sigmoid", "tanh", "relu", "selu"].map((n) => pytorch(n as init.ActivationName))).toEqual([
      1,
      1,
      5 / 3,
      Math.SQRT2,
      0.75,
    ]);
    expect(pytorch("leakyRelu")).toBeCloseTo(Math.sqrt(2 / (1 + 1e-4)), 12);
  });

  test.each([
    [0.025, 1.0483, 1.81e-5],
    [0.25, 1.394, 0.00813],
    [1, 2.1533, 0.151],
  ])("tanh's edge of chaos at q = %d", (q, weightVariance, biasVariance) => {
    const edge = gain("tanh", { mode: "edgeOfChaos", q });
    expect(edge.weightVariance).toBeCloseTo(weightVariance, 4);
    expect(edge.biasVariance / biasVariance).toBeCloseTo(1, 2);
    expect(edge).toMatchObject({ q, gain: Math.sqrt(edge.weightVariance), biasStd: Math.sqrt(edge.biasVariance) });
    const { weightVariance: w, biasVariance: b } = edge;
    const there = meanField("tanh", { weightVariance: w, biasVariance: b });
    expect(there.chi).toBeCloseTo(1, 6);
    expect(there.q / q).toBeCloseTo(1, 4);
  });

  test("the edge is at q = 0.025 unless told, and ReLU's is He", () => {
    expect(gain("tanh", { mode: "edgeOfChaos" })).toEqual(gain("tanh", { mode: "edgeOfChaos", q: 0.025 }));
    expect(gain("relu", { mode: "edgeOfChaos" })).toMatchObject({
      biasVariance: 0,
      weightVariance: expect.closeTo(2, 9),
    });
  });
});

describe("mean field", () => {
  test("of ReLU: every variance stays at 2, dies below and explodes above", () => {
    const relu = (weightVariance: number) => meanField("relu", { weightVariance });
    expect(relu(2)).toEqual({ q: 1, chi: expect.closeTo(1, 9), depthScale: Infinity });
    expect(relu(1)).toEqual({ q: 0, chi: expect.closeTo(0.5, 9), depthScale: expect.closeTo(1 / Math.LN2, 9) });
    expect(relu(3)).toMatchObject({ q: Infinity, chi: expect.closeTo(1.5, 9) });
  });

  test("q is a fixed point, of PyTorch's tanh and of a sigmoid", () => {
    for (const [name, weightVariance] of [
      ["tanh", 25 / 9],
      ["sigmoid", 1],
    ] as const) {
      const { q, chi } = meanField(name, { weightVariance });
      expect(weightVariance * gain(name, { q }) ** -2).toBeCloseTo(1, 6);
      expect(chi).toBeCloseTo(weightVariance / gain(name, { mode: "backward", q }) ** 2, 9);
    }
    expect(meanField("tanh", { weightVariance: 25 / 9 }).chi).toBeCloseTo(1.21, 2);
  });
});

describe("refuses", () => {
  const loose = init as unknown as Record<string, (...args: unknown[]) => unknown>;
  test.each<[string, unknown[], string]>([
    [
      "gain",
      ["tahn"],
      'init.gain: activation must be a name or a function of a tensor, got "tahn". Did you mean "tanh"?',
    ],
    ["gain", [3], "init.gain: activation must be a name or a function of a tensor, got 3. Names: linear, sigmoid"],
    ["gain", ["relu", { mode: "both" }], 'init.gain: mode must be one of "forward", "backward"'],
    ["gain", ["relu", { mod: "forward" }], 'init.gain: unknown option "mod". Did you mean "mode"?'],
    ["gain", ["relu", { q: 0 }], "init.gain: q must be a number at least 1e-12"],
    ["gain", ["gelu", { mode: "pytorch" }], 'init.gain: mode "pytorch" must be of linear, sigmoid, tanh'],
    ["gain", ["sigmoid", { mode: "edgeOfChaos" }], "the activation must have an edge of chaos at q, got none at 0.025"],
    ["gain", [(x: Tensor) => x.mul(0)], 'must neither be 0 nor constant for a gain in mode "forward"'],
    [
      "gain",
      [(x: Tensor) => x.mul(0).add(1), { mode: "backward" }],
      'must neither be 0 nor constant for a gain in mode "backward"',
    ],
    [
      "gain",
      [(x: Tensor) => x.log()],
      "init.gain: the activation must be finite for every number, got NaN at -12. Limit what it gets: x.clamp({ min: 1e-6 })",
    ],
    [
      "gain",
      [(x: Tensor) => x.mul(0).sqrt()],
      "init.gain: the activation's slope must be finite for every number, got NaN at -12. Limit what it gets: x.clamp({ min: 1e-6 })",
    ],
    [
      "gain",
      [(x: Tensor) => x.mul(1e6).sin()],
      "init.gain: the activation must be smooth but for single kinks and jumps, got one that 16384 panels do not follow",
    ],
    ["gain", [(x: Tensor) => x.sub(x.mean())], "must act on each element by itself, got one that uses sum"],
    ["gain", [(x: Tensor) => x.sum()], "the activation must keep shape and dtype, got f32[] for f32["],
    ["gain", [() => 3], "init.gain: the activation must return a tensor, got 3. Write (x) => x.tanh()"],
    ["meanField", ["relu", {}], "init.meanField: weightVariance must be a number at least 0"],
    ["meanField", ["relu", { weightVariance: -1 }], "init.meanField: weightVariance must be a number at least 0"],
    ["meanField", ["relu", { weightVariance: 1, biasVariance: -1 }], "init.meanField: biasVariance must be a number"],
  ])("%s %j", (name, args, message) => {
    expect(() => loose[name](...args)).toThrow(message);
  });
});
