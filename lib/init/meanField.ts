/**
 * Mean-field theory of wide random networks: how the variance q of pre-activations and the square of a gradient pass
 * through a layer (Poole et al. 2016; Schoenholz et al. 2017).
 */
import { checkNumber, checkOptions } from "../error.js";
import { type Activation, functionOf, momentsOf } from "./activations.js";
import type { Elementwise } from "./quadrature.js";

/** Variances of a layer's draw: weights have weightVariance/fanIn. */
export interface MeanFieldOptions {
  /** σ_w². */
  weightVariance: number;
  /** σ_b²; 0. */
  biasVariance?: number;
  /** Where the network's first pre-activations are; 1. */
  q?: number;
}

/** What depth does to a stack of equal layers. */
export interface MeanField {
  /** Variance of the pre-activations that depth leads to: a number, 0 (the signal dies) or Infinity (it explodes). */
  q: number;
  /** Growth of the squared gradient per layer there, σ_w²·E[φ′²]. */
  chi: number;
  /** Layers over which a squared gradient changes e-fold, 1/|ln χ|; Infinity at the edge of chaos. */
  depthScale: number;
}

/** q after one more layer: σ_w²·E[φ(√q·z)²] + σ_b². */
export function nextVariance(
  op: string,
  phi: Elementwise,
  { weightVariance, biasVariance = 0 }: MeanFieldOptions,
  q: number,
): number {
  return weightVariance * momentsOf(op, phi, q).square + biasVariance;
}

/** A depth scale for χ; a hair off 1 is the quadrature's. */
export const depthScaleOf = (chi: number): number =>
  Math.abs(chi - 1) < 1e-8 ? Infinity : 1 / Math.abs(Math.log(chi));

const [smallest, largest] = [1e-12, 1e12];

/** The fixed point of q ↦ q′ that iterates from `start` run to: the next one in the direction of the first step. */
function fixedPoint(op: string, phi: Elementwise, options: MeanFieldOptions, start: number): number {
  const drift = (q: number): number => nextVariance(op, phi, options, q) / q - 1;
  let [near, slope] = [start, drift(start)];
  if (Math.abs(slope) < 1e-9) return start;
  const up = slope > 0;
  let far = near;
  let other = slope;
  do {
    [near, slope] = [far, other];
    far *= up ? 4 : 0.25;
    if (far > largest) return Infinity;
    if (far < smallest) return 0;
    other = drift(far);
  } while (other > 0 === up && Math.abs(other) > 1e-9);
  // Bisection in ln q, which has the one sign at `near` and the other at `far`.
  for (let i = 0; i < 44; i++) {
    const middle = Math.sqrt(near * far);
    const value = drift(middle);
    if (Math.abs(value) < 1e-12) return middle;
    if (value > 0 === up) near = middle;
    else far = middle;
  }
  return Math.sqrt(near * far);
}

/**
 * Where depth leads a stack of equal layers whose weights have variance σ_w²/fanIn and biases σ_b², before it is built:
 * no data and no random numbers.
 * @param activation a name or a function of each element
 * @throws if a variance is negative or the activation is not finite
 * @example init.meanField("tanh", { weightVariance: 1.0483, biasVariance: 1.8e-5 }).chi // about 1
 */
export function meanField(activation: Activation, options: MeanFieldOptions): MeanField {
  const op = "init.meanField";
  checkOptions(op, options, ["weightVariance", "biasVariance", "q"]);
  checkNumber(op, "weightVariance", options?.weightVariance, { min: 0, max: 1e12 });
  const { biasVariance = 0, q: start = 1 } = options;
  checkNumber(op, "biasVariance", biasVariance, { min: 0, max: 1e12 });
  checkNumber(op, "q", start, { min: smallest, max: largest });
  const phi = functionOf(op, activation);
  const q = fixedPoint(op, phi, options, start);
  const inside = Math.min(Math.max(q, smallest), largest);
  const chi = options.weightVariance * momentsOf(op, phi, inside).slope;
  return { q, chi, depthScale: depthScaleOf(chi) };
}
