/** Random tensors: counter-based, so a seed gives the same numbers on every machine and thread count. */
import type { DType } from "../dtype.js";
import { checkNumber, checkOptions, fail, show } from "../error.js";
import { checkShape, type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { feed } from "./create.js";
import { erf, erfInverse } from "./erf.js";
import { apply, type KernelOp, type Op } from "./op.js";
import { philox } from "./philox.js";

/** A stream of random tensors. Each draw takes the next stream of the seed; the state is two numbers. */
export class Generator {
  private seed: number;
  private drawn = 0;

  constructor(seed = 0) {
    checkNumber("Generator", "seed", seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
    this.seed = seed;
  }

  /** Where the generator stands; give it to {@link Generator.restore} to draw the same again. */
  state(): { seed: number; drawn: number } {
    return { seed: this.seed, drawn: this.drawn };
  }

  restore(state: { seed: number; drawn: number }): void {
    checkNumber("Generator", "seed", state.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
    checkNumber("Generator", "drawn", state.drawn, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
    this.seed = state.seed;
    this.drawn = state.drawn;
  }

  /** Whether it stands where a state says. */
  stands(state: { seed: number; drawn: number }): boolean {
    return this.seed === state.seed && this.drawn === state.drawn;
  }

  /** The key of the next draw: two words of seed, two of stream. */
  next(): [number, number, number, number] {
    const stream = this.drawn++;
    return [this.seed | 0, (this.seed / 2 ** 32) | 0, stream | 0, (stream / 2 ** 32) | 0];
  }

  /** The numbers 0 to n − 1 in random order (Fisher–Yates on one stream): swap k takes word k. */
  permutation(n: number): Int32Array {
    checkNumber("permutation", "n", n, { min: 0, max: 2 ** 31 - 1, integer: true });
    const key = this.next();
    const order = new Int32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    let words = [0, 0, 0, 0];
    for (let last = n - 1, k = 0; last > 0; last--, k++) {
      if (k % 4 === 0) words = philox(key, k / 4);
      const at = Math.floor((words[k % 4] * (last + 1)) / 2 ** 32);
      const row = order[last]; // not by a pattern of two: an epoch of a small network is as short as its shuffle
      order[last] = order[at];
      order[at] = row;
    }
    return order;
  }
}

/** Where random tensors come from when no generator is named. */
export const defaultGenerator = new Generator(0);

/** Starts the default generator anew: equal seeds, equal numbers. */
export function seed(value: number): void {
  checkNumber("seed", "value", value, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
  defaultGenerator.restore({ seed: value, drawn: 0 });
}

/** In the order of the kernel's kinds. */
const kinds = ["uniform", "normal", "integer", "truncated", "bernoulli"] as const;
type Kind = (typeof kinds)[number];

interface RandomAttrs {
  readonly [key: string]: unknown;
  readonly distribution: Kind;
  readonly a: number;
  readonly b: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Element i of a draw takes word i mod 4 of block ⌊i/4⌋; of flags, see below. */
const randomOp: KernelOp<RandomAttrs> = {
  name: "random",
  kind: "kernel",
  kernel: "random",
  infer: (_inputs, { shape, dtype }) => ({ shape, dtype }),
  params: ({ attrs: { distribution, a, b } }) => [kinds.indexOf(distribution), a, b],
  reference([key], { attrs: { distribution, a, b, shape } }) {
    const out = new Float64Array(sizeOf(shape));
    if (distribution === "bernoulli") return flags(key, out, a);
    for (let at = 0; at < out.length; at += 4) {
      const words = philox(key, at / 4);
      for (let i = 0; i < 4 && at + i < out.length; i++) out[at + i] = draw(distribution, words, i, a, b);
    }
    return out;
  },
};

/**
 * Whether a number of 32 bits is less than p·2³²: its upper half is half i mod 2 of word ⌊i/2⌋ mod 4 of block ⌊i/8⌋, its
 * lower one the upper half of word i mod 4 of block 2⁵² + ⌊i/4⌋, which seldom counts.
 */
function flags(key: ArrayLike<number>, out: Float64Array, p: number): Float64Array {
  const limit = Math.round(p * 2 ** 32);
  const [high, low] = [Math.floor(limit / 2 ** 16), limit % 2 ** 16];
  for (let at = 0; at < out.length; at += 8) {
    const words = philox(key, at / 8);
    for (let i = at; i < Math.min(at + 8, out.length); i++) {
      const word = words[(i - at) >> 1];
      const half = i & 1 ? word >>> 16 : word & 0xffff;
      const open = half === high && low > 0;
      out[i] = Number(open ? philox(key, 2 ** 52 + Math.floor(i / 4))[i & 3] >>> 16 < low : half < high);
    }
  }
  return out;
}

function draw(distribution: Kind, words: readonly number[], i: number, a: number, b: number): number {
  const word = words[i];
  if (distribution === "integer") return a + Math.floor((word * (b - a)) / 2 ** 32);
  if (distribution === "uniform") return a + (word >>> 8) * 2 ** -24 * (b - a);
  // The quantile of a uniform number between the probabilities of −2 and 2, √2·erf⁻¹((2u − 1)·erf √2).
  if (distribution === "truncated") {
    const u = ((word >>> 8) + 0.5) * 2 ** -24;
    return a + b * Math.SQRT2 * erfInverse((2 * u - 1) * erf(Math.SQRT2));
  }
  return a + b * boxMuller(words[i & 2], words[(i & 2) + 1])[i & 1];
}

/**
 * r cos θ and r sin θ: words (0, 1) of a block give elements 0 and 1, words (2, 3) elements 2 and 3. The radius comes
 * from an odd multiple of 2⁻³¹ rounded to f32, precise where it is small; θ is quarter turns and a rest of at most ⅛.
 */
function boxMuller(first: number, second: number): [number, number] {
  const r = Math.sqrt(-2 * Math.log(Math.fround((first >>> 1) | 1) * 2 ** -31));
  const rest = ((second << 2) >> 2) * 2 ** -31 * Math.PI;
  const [c, s] = [r * Math.cos(rest), r * Math.sin(rest)];
  const turned: readonly [number, number][] = [
    [c, s],
    [-s, c],
    [-c, -s],
    [s, -c],
  ];
  return turned[((second + 2 ** 29) >>> 30) & 3];
}

/** Options of a random tensor. */
export interface RandomOptions {
  generator?: Generator;
}

function random(op: string, attrs: RandomAttrs, generator: Generator = defaultGenerator): Tensor {
  if (!(generator instanceof Generator)) fail(op, `generator must be a Generator, got ${show(generator)}`);
  const key = feed(() => generator.next(), [4], "i32");
  return apply(randomOp as Op, [key], attrs);
}

/** Uniform on [low, high), [0, 1) unless told, with 24 random bits. */
export function rand(shape: Shape, options: RandomOptions & { low?: number; high?: number } = {}): Tensor {
  checkOptions("rand", options, ["low", "high", "generator"]);
  const { low = 0, high = 1, generator } = options;
  checkNumber("rand", "low", low, { min: -3.4e38, max: 3.4e38 });
  checkNumber("rand", "high", high, { min: low, max: Math.min(3.4e38, low + 3.4e38) });
  const attrs: RandomAttrs = {
    distribution: "uniform",
    a: low,
    b: high,
    shape: checkShape("rand", shape),
    dtype: "f32",
  };
  return random("rand", attrs, generator);
}

/** Options of a normal distribution. */
export interface NormalOptions extends RandomOptions {
  mean?: number;
  std?: number;
}

function normal(op: string, distribution: Kind, shape: Shape, options: NormalOptions): Tensor {
  checkOptions(op, options, ["mean", "std", "generator"]);
  const { mean = 0, std = 1, generator } = options;
  checkNumber(op, "mean", mean, { min: -3.4e38, max: 3.4e38 });
  checkNumber(op, "std", std, { min: 0, max: 3.4e38 });
  return random(op, { distribution, a: mean, b: std, shape: checkShape(op, shape), dtype: "f32" }, generator);
}

/** Normal with a mean and standard deviation, 0 and 1 unless told. */
export function randn(shape: Shape, options: NormalOptions = {}): Tensor {
  return normal("randn", "normal", shape, options);
}

/**
 * Normal with a mean and standard deviation, 0 and 1 unless told, of which only what lies within two `std` of the mean
 * is drawn: the standard deviation of the result is 0.87962566·std.
 * @example truncatedNormal([784, 512], { std: 0.02 }) // all within ±0.04
 */
export function truncatedNormal(shape: Shape, options: NormalOptions = {}): Tensor {
  return normal("truncatedNormal", "truncated", shape, options);
}

/**
 * Flags (bool) that are true with probability `p`, 0.5 unless told, to 2⁻³².
 * @example await bernoulli([3], { p: 1 }).data() // Uint8Array [1, 1, 1]
 */
export function bernoulli(shape: Shape, options: RandomOptions & { p?: number } = {}): Tensor {
  checkOptions("bernoulli", options, ["p", "generator"]);
  const { p = 0.5, generator } = options;
  checkNumber("bernoulli", "p", p, { min: 0, max: 1 });
  const to = checkShape("bernoulli", shape);
  return random("bernoulli", { distribution: "bernoulli", a: p, b: 0, shape: to, dtype: "bool" }, generator);
}

/** Whole numbers (i32) from `low` up to but without `high`. */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  checkOptions("randint", options, ["generator"]);
  checkNumber("randint", "low", low, { min: -(2 ** 31), max: 2 ** 31 - 1, integer: true });
  checkNumber("randint", "high", high, { min: low + 1, max: 2 ** 31 - 1, integer: true });
  const to = checkShape("randint", shape);
  const attrs: RandomAttrs = { distribution: "integer", a: low, b: high, shape: to, dtype: "i32" };
  return random("randint", attrs, options.generator);
}
