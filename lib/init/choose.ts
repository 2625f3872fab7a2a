/** Which draw fits a weight, by what it meets: the rules of `init.auto`. */
import { momentsOf } from "./activations.js";
import { edgeAt } from "./gain.js";
import { type Elementwise, type Moments, slopeAtZero } from "./quadrature.js";
import { type Block, isBare, type Structure, type WeightUse } from "./structure.js";

/** What a weight shall begin with. */
export interface Choice {
  readonly use: WeightUse;
  readonly draw: "normal" | "orthogonal" | "zeros";
  /** Standard deviation of the weight's elements. */
  readonly std: number;
  /** Mean of the layer's inputs, which its bias takes away. */
  readonly inputMean: number;
  /** Standard deviation of the bias's elements. */
  readonly biasStd: number;
  /** Second moment that the sums, bias included, should have over data, where theory fixes one. */
  readonly q: number | undefined;
  /** Whether each unit's mean over data should be 0. */
  readonly centred: boolean;
  readonly reason: string;
}

/** From so many layers on, orthogonal draws: the spread of a normal matrix's singular values compounds. */
const deep = 10;
/**
 * What the squared gradient may grow by from end to end before depth counts; deviations of the signal included, unless each
 * layer's signal is fitted to data.
 */
const growth = 4;
const op = "init.auto";

const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.abs(b);

/** φ(tx) = tφ(x) for t > 0, by its moments at two scales. */
export function scaleFree(phi: Elementwise): boolean {
  const [one, quarter] = [momentsOf(op, phi), momentsOf(op, phi, 0.25)];
  return close(4 * quarter.square, one.square) && close(quarter.slope, one.slope);
}

/** Scale-free, and without a mean: a factor. */
const linear = (phi: Elementwise): boolean => scaleFree(phi) && Math.abs(momentsOf(op, phi).mean) < 1e-9;

/** Below this χ at the forward gain gradients die because of the activation's mean. */
const dying = 0.9;

/** The sums that an activation should get. */
interface Target {
  /** Their variance. */
  readonly q: number;
  /** Growth of the squared gradient per layer. */
  readonly chi: number;
  /** d ln signal/d ln q: how a deviation of a sample's signal grows per layer without biases. */
  readonly elasticity: number;
  /** Whether the activation's mean is taken away. */
  readonly centred: boolean;
  /** Variance (centred) or second moment of the activations. */
  readonly signal: number;
  readonly mean: number;
  /** Variance of the biases of the layer that gets the signal. */
  readonly biasVariance: number;
}

/** Sums of variance q kept by weights alone. */
function targetAt(phi: Elementwise, q: number): Target {
  const one = momentsOf(op, phi);
  const centred = one.slope / one.square < dying;
  const signalOf = ({ square, mean }: Moments): number => (centred ? square - mean ** 2 : square);
  const here = momentsOf(op, phi, q);
  const signal = signalOf(here);
  const step = 1.01;
  const elasticity =
    Math.log(signalOf(momentsOf(op, phi, q * step)) / signalOf(momentsOf(op, phi, q / step))) / (2 * Math.log(step));
  const chi = (q / signal) * here.slope;
  return { q, chi, elasticity, centred, signal, mean: here.mean, biasVariance: 0 };
}

/** The edge of chaos at the smallest variance, from 1 on, where the variance itself is stable: σ_w²·dE[φ²]/dq < 1. */
function stableEdge(phi: Elementwise): Target | undefined {
  for (let q = 1; q < 100; q *= 1.25) {
    const { chi, elasticity, ...rest } = targetAt(phi, q);
    const edge = edgeAt(op, phi, q);
    if (!edge || elasticity / chi > 0.995) continue;
    return { ...rest, biasVariance: edge.biasVariance, chi: 1, elasticity: elasticity / chi };
  }
  return undefined;
}

/** The largest variance below 1 at which neither gradients nor deviations grow too much: the smaller, the more linear. */
function nearlyLinear(phi: Elementwise, fits: (target: Target) => boolean): Target {
  let [low, high] = [1e-3, 1];
  for (let i = 0; i < 10; i++) {
    const middle = Math.sqrt(low * high);
    if (fits(targetAt(phi, middle))) low = middle;
    else high = middle;
  }
  return targetAt(phi, low);
}

const targets = new WeakMap<Elementwise, Map<string, Target>>();

/**
 * Sums of variance 1 where the depth allows it. In deeper stacks: the stable edge of chaos for activations that amplify
 * deviations (GELU, SiLU, Mish), a smaller variance for those that damp them (tanh, ELU) or have their mean taken away
 * (sigmoid, softplus).
 * @param fitted whether each layer's sums are scaled by data, so that deviations do not add up from layer to layer
 */
export function targetOf(phi: Elementwise, depth: number, fitted: boolean): Target {
  const known = targets.get(phi) ?? new Map<string, Target>();
  targets.set(phi, known);
  const key = `${depth} ${fitted}`;
  const grows = (factor: number): boolean => depth * Math.log(factor) > Math.log(growth);
  const fits = ({ chi, elasticity }: Target): boolean => !grows(chi * Math.max(1, elasticity));
  const plain = targetAt(phi, 1);
  const search = (): Target => {
    if (fits(plain) || (fitted && !grows(plain.chi))) return plain;
    return (!plain.centred && plain.elasticity > 1 && stableEdge(phi)) || nearlyLinear(phi, fits);
  };
  const target = known.get(key) ?? search();
  known.set(key, target);
  return target;
}

/** Second moment and mean of what a layer gets. */
interface Signal {
  readonly square: number;
  readonly mean: number;
}

/** Looks for the layer whose activation is what a later one gets. */
function sourceOf(use: WeightUse, made: ReadonlyMap<unknown, Signal>): Signal {
  for (let node = use.input; ; node = node.inputs[0]) {
    const found = made.get(node);
    if (found) return found;
    if (node.inputs.length !== 1 || node.op.kind === "map") return { square: 1, mean: 0 };
  }
}

/** The last weight of a branch may begin with 0 unless what follows has no slope there, as ReLU: nothing would ever leave 0. */
const mayVanish = ({ last, through, path }: WeightUse): boolean =>
  last && (!through || slopeAtZero(op, through.phi, `the activation ${through.name} of ${path}`) !== 0);

/**
 * By what power of the number L of branches a weight is scaled, so that all together change the signal as one does: the
 * m − 1 others by L^(−1/(2m − 2)) where the last is 0 (Fixup), all m by L^(−1/2m) where none is.
 */
function branchPower({ weights }: Block): number {
  const m = weights.length;
  return weights.some(mayVanish) ? (m > 1 ? 2 * m - 2 : Infinity) : 2 * m;
}

/** Whether sums keep the scale that a weight gives them. */
const isPlain = ({ lookup, normalized, block }: WeightUse): boolean =>
  !lookup && !normalized && !(block && !block.normalized);

const isPlainLayer = (use: WeightUse): boolean => isPlain(use) && use.meets === "layer";

const isCurved = (use: WeightUse): boolean => isPlain(use) && use.through !== undefined && !scaleFree(use.through.phi);

const short = (x: number): string => Number(x.toPrecision(3)).toString();

/** Chooses for every weight of a structure, in the order of use; `fitted` if a batch will scale each layer's sums. */
export function choose(structure: Structure, fitted = false): Choice[] {
  for (const { path, through } of structure.uses)
    if (through) momentsOf(op, through.phi, 1, `the activation ${through.name} of ${path}`);
  const hidden = structure.depth(isPlainLayer);
  const depth = Math.max(1, structure.depth(isCurved));
  const bare = structure.blocks.filter(isBare).length;
  const made = new Map<unknown, Signal>();
  return structure.uses.map((use): Choice => {
    const { fans, through, block } = use;
    const from = sourceOf(use, made);
    const base = { use, inputMean: from.mean, biasStd: 0, q: undefined, centred: from.mean !== 0 };
    const draw = hidden >= deep && use.meets !== "head" ? "orthogonal" : "normal";
    const drawn = hidden >= deep && use.meets !== "head" ? `, orthogonal as the stack is ${hidden} deep` : "";
    const spread = from.square - from.mean ** 2;
    const scaled = (gain: number): number => gain / Math.sqrt(fans.fanIn);
    if (use.lookup)
      return { ...base, draw: "normal", std: 1, reason: "rows are looked up, each an input of variance 1" };
    if (use.recurrent) {
      const reason = "its result comes back to it: orthogonal, to keep its length through any number of steps";
      return { ...base, draw: "orthogonal", std: 1 / Math.sqrt(Math.max(fans.fanIn, fans.fanOut)), reason };
    }
    if (block && isBare(block) && mayVanish(use)) {
      const reason =
        "last weight of a residual branch without norm: 0, so that the block begins as the identity (Fixup)";
      return { ...base, draw: "zeros", std: 0, reason };
    }
    const power = block && isBare(block) ? branchPower(block) : Infinity;
    const fixup = bare ** (-1 / power);
    const branch = fixup < 1 ? `, × ${bare}^(−1/${power}) in one of ${bare} residual branches (Fixup)` : "";
    const nonlinear = through && !linear(through.phi);
    if (use.normalized) {
      const gain = nonlinear && scaleFree(through.phi) ? 1 / Math.sqrt(momentsOf(op, through.phi).square) : 1;
      const reason = "a norm takes the scale off; of He's size, if ReLU's kin follows, else LeCun's";
      return { ...base, draw, std: scaled(gain), reason: reason + drawn };
    }
    if (use.meets === "gate") {
      const std = Math.sqrt(2 / (fans.fanIn + fans.fanOut));
      return { ...base, draw: "normal", std, reason: "gates or is gated: Xavier, so that no gate is shut" };
    }
    if (!nonlinear || use.meets === "head") {
      const why: Record<WeightUse["meets"], [number, string]> = {
        head: [1, "the model's output: LeCun, variance 1/fanIn"],
        layer: [1, "no activation before the next weight: variance 1/fanIn"],
        sum: block ? [1, "ends a residual branch: LeCun"] : [Math.SQRT1_2, "one of two summands: variance ½/fanIn"],
        gate: [1, ""],
      };
      const [gain, reason] = why[use.meets];
      return { ...base, draw, std: scaled(gain * fixup), reason: reason + drawn + branch };
    }
    const { phi, name, output } = through;
    if (scaleFree(phi)) {
      const { square } = momentsOf(op, phi);
      const reason = `${name} is scale-free: He, variance ${short(1 / square)}/fanIn, keeps signal and gradient`;
      return { ...base, draw, std: scaled(fixup / Math.sqrt(square)), reason: reason + drawn + branch };
    }
    const { q, chi, centred, signal, mean, biasVariance } = targetOf(phi, depth, fitted);
    made.set(output, { square: centred ? signal + mean ** 2 : signal, mean: centred ? mean : 0 });
    const std = scaled(Math.sqrt((q - biasVariance) / spread) * fixup);
    const gain = std * Math.sqrt(fans.fanIn);
    const exact = close(gain, 1) && q === 1 ? ", LeCun's," : "";
    const reason = centred
      ? `${name}'s mean outweighs its slope: taken away by the next bias; sums of variance ${short(q)}`
      : biasVariance > 0
        ? `${name} over ${depth} layers: the stable edge of chaos, sums of variance ${short(q)} of which biases give ${short(biasVariance)}`
        : q === 1
          ? `${name}: gain ${short(gain)}${exact} keeps sums of variance 1`
          : `${name} over ${depth} layers: sums of variance ${short(q)}, towards the edge of chaos`;
    const grows = `; a squared gradient grows × ${short(chi)} a layer`;
    const biasStd = Math.sqrt(biasVariance);
    return {
      ...base,
      draw,
      std,
      q,
      biasStd,
      centred: centred || base.centred,
      reason: reason + grows + drawn + branch,
    };
  });
}
