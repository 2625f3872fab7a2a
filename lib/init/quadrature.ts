/** Expectations of an activation and its slope over a normal variable, by adaptive quadrature in double precision. */
import { collect } from "../compile/graph.js";
import { fail, show } from "../error.js";
import { grad } from "../grad.js";
import { interpret } from "../run/interpret.js";
import { sameShape, showShape } from "../shape.js";
import { Constant, Tensor, Variable } from "../tensor.js";

/** A function that acts on each element by itself. */
export type Elementwise = (x: Tensor) => Tensor;

/** What a normal pre-activation of variance q becomes, φ being the activation. */
export interface Moments {
  /** E[φ(√q·z)], z ~ N(0, 1). */
  readonly mean: number;
  /** E[φ(√q·z)²]. */
  readonly square: number;
  /** E[φ′(√q·z)²]. */
  readonly slope: number;
}

// Gauss–Kronrod (7, 15): nodes on [0, 1], their weights, and those of every second node in Gauss's rule (QUADPACK, qk15).
const nodes = [
  0.9914553711208126, 0.9491079123427585, 0.8648644233597691, 0.7415311855993945, 0.5860872354676911,
  0.4058451513773972, 0.20778495500789848, 0,
];
const kronrod = [
  0.022935322010529224, 0.06309209262997856, 0.10479001032225019, 0.14065325971552592, 0.1690047266392679,
  0.19035057806478542, 0.20443294007529889, 0.20948214108472782,
];
const gauss = [0, 0.1294849661688697, 0, 0.27970539148927664, 0, 0.3818300505051189, 0, 0.4179591836734694];
const points = [...nodes.map((x) => -x), ...nodes.slice(0, -1).reverse()];
const mirrored = (weights: readonly number[]): number[] => [...weights, ...weights.slice(0, -1).reverse()];
const [fine, coarse] = [mirrored(kronrod), mirrored(gauss)];

/** Beyond ±12 the normal density is below 1e-31. */
const reach = 12;
const tolerance = 1e-10;
/** A kink's panel is 2⁻³⁶ wide in the end. */
const levels = 36;
/** As many panels at a time are for functions that vary everywhere; kinks and jumps take two each. */
const mostPanels = 1 << 14;

type Triple = [mean: number, square: number, slope: number];

/** E over N(0, q): panels whose two rules differ are halved until none does, so kinks and jumps cost no digits. */
export function moments(op: string, phi: Elementwise, q: number, called: string): Moments {
  const scale = Math.sqrt(q);
  const total: Triple = [0, 0, 0];
  let panels = Array.from({ length: 2 * reach }, (_, i): [number, number] => [i - reach, i - reach + 1]);
  for (let level = 0; panels.length > 0; level++) {
    const z = panels.flatMap(([a, b]) => points.map((x) => (a + b) / 2 + ((b - a) / 2) * x));
    const { y, dy } = sample(op, phi, z, scale, called);
    const open: [number, number][] = [];
    for (const [i, [a, b]] of panels.entries()) {
      const [sum, rough]: [Triple, Triple] = [
        [0, 0, 0],
        [0, 0, 0],
      ];
      for (let k = 0; k < points.length; k++) {
        const at = i * points.length + k;
        const density = (Math.exp(-0.5 * z[at] ** 2) / Math.sqrt(2 * Math.PI)) * ((b - a) / 2);
        for (const [j, value] of [y[at], y[at] ** 2, dy[at] ** 2].entries()) {
          sum[j] += fine[k] * density * value;
          rough[j] += coarse[k] * density * value;
        }
      }
      const near = sum.every((s, j) => Math.abs(s - rough[j]) <= tolerance * Math.max(1e-3 * q, Math.abs(total[j])));
      if (near || level === levels) for (let j = 0; j < 3; j++) total[j] += sum[j];
      else open.push([a, (a + b) / 2], [(a + b) / 2, b]);
    }
    if (open.length > mostPanels)
      fail(
        op,
        `${called} must be smooth but for single kinks and jumps, got one that ${mostPanels} panels do not follow. Does it oscillate?`,
      );
    panels = open;
  }
  const [mean, square, slope] = total;
  return { mean, square, slope };
}

/** φ′(0), as gradients take it: 0 of ReLU. */
export const slopeAtZero = (op: string, phi: Elementwise, called: string): number =>
  sample(op, phi, [0], 1, called).dy[0];

/** φ and φ′ at √q·z, by the reference executor; what is no activation is refused. */
function sample(op: string, phi: Elementwise, z: readonly number[], scale: number, called: string) {
  const x = new Constant(new Float32Array(z.length), [z.length], "f32");
  const y: unknown = phi(x);
  if (!(y instanceof Tensor)) fail(op, `${called} must return a tensor, got ${show(y)}. Write (x) => x.tanh()`);
  if (!sameShape(y.shape, x.shape) || y.dtype !== "f32") {
    fail(op, `${called} must keep shape and dtype, got ${y.dtype}${showShape(y.shape)} for f32${showShape(x.shape)}`);
  }
  const reached = new Set<Tensor>([x]);
  for (const node of collect({ outputs: [y] }).nodes) {
    if (!node.inputs.some((input) => reached.has(input))) continue;
    reached.add(node);
    if (node.op.kind === "kernel")
      fail(op, `${called} must act on each element by itself, got one that uses ${node.op.name}`);
  }
  const [dy] = grad(y.sum(), [x]);
  const both = collect({ outputs: [y, dy] });
  const leaves = new Map<Tensor, ArrayLike<number>>([[x, Float64Array.from(z, (v) => v * scale)]]);
  for (const leaf of both.leaves) if (leaf instanceof Variable) leaves.set(leaf, valuesOf(leaf));
  const values = interpret(both, leaves);
  const found = { y: values.get(y) as Float64Array, dy: values.get(dy) as Float64Array };
  for (const [name, list] of [
    ["", found.y],
    ["'s slope", found.dy],
  ] as const) {
    const bad = list.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) {
      const at = Number((z[bad] * scale).toPrecision(3));
      fail(
        op,
        `${called}${name} must be finite for every number, got ${list[bad]} at ${at}. Limit what it gets: x.clamp({ min: 1e-6 })`,
      );
    }
  }
  return found;
}

/** A variable's values now, or those it begins with. */
function valuesOf(variable: Variable): ArrayLike<number> {
  if (variable.storage) return variable.storage;
  const first = variable.initial as Tensor;
  return interpret(collect({ outputs: [first] })).get(first) as Float64Array;
}
