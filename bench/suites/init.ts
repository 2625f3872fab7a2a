/** What large weights begin with: draws by name, and the factorization behind orthogonal ones. */
import { initializers, weightSide as side } from "../cases.js";
import { closeTo, sameDistribution } from "../differ.js";
import type { Case, Suite } from "../suite.js";
import { microseconds } from "../units.js";

const draw = (initializer: string): Case => ({
  name: initializer,
  unit: "us",
  spec: { kind: "init", initializer, side },
  value: microseconds,
  differ: sameDistribution,
});

const qr: Case = {
  name: "qr",
  unit: "us",
  spec: { kind: "qr", side },
  inputs: { x: { dtype: "f32", size: side * side, low: -1, high: 1, seed: 7 } },
  value: microseconds,
  // Of elements around 0.02; peers factorize in single precision, which leaves 2e-6.
  differ: closeTo({ absolute: 1e-5 }),
  peers: ["lapack", "torch"],
};

export const init: Suite = {
  name: "init",
  about: `weights of ${side} × ${side}; qr is the factor Q of such a matrix`,
  peers: ["torch", "torch-avx512"],
  cases: [...Object.keys(initializers).map(draw), qr],
};
