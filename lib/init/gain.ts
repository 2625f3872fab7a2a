/** Gains: what a weight's scale must make up for because of the activation that follows or precedes it. */
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { type Activation, functionOf, momentsOf } from "./activations.js";
import type { Elementwise } from "./quadrature.js";

/** What a gain is to keep. */
export type GainMode = "forward" | "backward" | "balanced" | "edgeOfChaos" | "pytorch";

/** Options of {@link gain}. */
export interface GainOptions {
  /**
   * `"forward"` keeps the second moment of activations, E[φ²]^−½; `"backward"` that of gradients, E[φ′²]^−½; `"balanced"`,
   * their geometric mean, loses in one what it gains in the other; `"pytorch"` is that library's table.
   */
  mode?: GainMode;
  /** Variance of the pre-activations to keep: 1, and 0.025 at the edge of chaos. */
  q?: number;
}

/** Where gradients neither grow nor shrink with depth (Poole et al. 2016). */
export interface EdgeOfChaos {
  /** σ_w: weights have variance gain²/fanIn. */
  gain: number;
  /** σ_b, the standard deviation of biases. */
  biasStd: number;
  /** σ_w². */
  weightVariance: number;
  /** σ_b². */
  biasVariance: number;
  /** Variance of pre-activations that the layer keeps. */
  q: number;
}

const modes: readonly GainMode[] = ["forward", "backward", "balanced", "edgeOfChaos", "pytorch"];

/** PyTorch's `calculate_gain`; its SELU ¾ is a heuristic, and the leaky slope is the default 0.01. */
const table: Readonly<Record<string, number>> = {
  linear: 1,
  sigmoid: 1,
  tanh: 5 / 3,
  relu: Math.SQRT2,
  leakyRelu: Math.sqrt(2 / (1 + 0.01 ** 2)),
  selu: 3 / 4,
};

/** The edge of chaos at a variance: σ_w² = 1/E[φ′²] and σ_b² = q − σ_w²·E[φ²], undefined where that is negative. */
export function edgeAt(op: string, phi: Elementwise, q: number): EdgeOfChaos | undefined {
  const { square, slope } = momentsOf(op, phi, q);
  const weightVariance = 1 / slope;
  const rest = q - weightVariance * square;
  if (!Number.isFinite(weightVariance) || rest < -1e-8 * q) return undefined;
  const biasVariance = rest < 1e-8 * q ? 0 : rest; // what the quadrature leaves where it is 0
  return { gain: Math.sqrt(weightVariance), biasStd: Math.sqrt(biasVariance), weightVariance, biasVariance, q };
}

/**
 * The gain of an activation, by quadrature over normal pre-activations: for any that acts on each element by itself, by
 * name or as a function of one's own.
 * @param activation what meets the weighted sums, e.g. `"tanh"` or `(x) => x.mul(x.sigmoid())`
 * @param options `mode`: `"forward"` unless told; `"edgeOfChaos"` gives σ_w and σ_b instead of one number
 * @throws if the activation is not known or not finite, or has no gain in that mode
 * @example init.gain("tanh") // 1.59254
 * init.gain("tanh", { mode: "edgeOfChaos", q: 0.25 }).weightVariance // 1.394
 */
export function gain(activation: Activation, options: GainOptions & { mode: "edgeOfChaos" }): EdgeOfChaos;
export function gain(
  activation: Activation,
  options?: GainOptions & { mode?: Exclude<GainMode, "edgeOfChaos"> },
): number;
export function gain(activation: Activation, options: GainOptions = {}): number | EdgeOfChaos {
  const op = "init.gain";
  checkOptions(op, options, ["mode", "q"]);
  const { mode = "forward" } = options;
  if (!modes.includes(mode)) fail(op, `mode must be one of ${modes.map(show).join(", ")}, got ${show(mode)}`);
  const q = options.q ?? (mode === "edgeOfChaos" ? 0.025 : 1);
  checkNumber(op, "q", q, { min: 1e-12, max: 1e12 });
  const phi = functionOf(op, activation);
  if (mode === "pytorch") {
    if (typeof activation === "string" && Object.hasOwn(table, activation)) return table[activation];
    return fail(
      op,
      `mode "pytorch" must be of ${Object.keys(table).join(", ")}, got ${show(activation)}. Use "forward"`,
    );
  }
  if (mode === "edgeOfChaos") {
    return (
      edgeAt(op, phi, q) ??
      fail(
        op,
        `the activation must have an edge of chaos at q, got none at ${q}: its mean outweighs its slope. ` +
          "Use another q, or take the mean away with init.lsuv",
      )
    );
  }
  const { square, slope } = momentsOf(op, phi, q);
  const value = {
    forward: () => Math.sqrt(q / square),
    backward: () => 1 / Math.sqrt(slope),
    balanced: () => (q / (square * slope)) ** 0.25,
  }[mode]();
  if (!Number.isFinite(value)) {
    fail(op, `the activation must neither be 0 nor constant for a gain in mode ${show(mode)}, got one that is`);
  }
  return value;
}
