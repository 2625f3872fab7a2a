/** Initializers without chance that pass their input on: identity, Dirac and ZerO. */
import { checkNumber, fail, show } from "../error.js";
import * as ops from "../ops/index.js";
import { checkShape, type Shape, showShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkGain, checkInitOptions, type InitOptions } from "./initializer.js";
import { atCentre } from "./kernel.js";

function checkMatrix(op: string, shape: Shape): [number, number] {
  const to = checkShape(op, shape);
  if (to.length !== 2) fail(op, `shape must be (out, in), got ${showShape(to)}. For kernels use init.dirac`);
  return [to[0], to[1]];
}

/**
 * `gain` on the diagonal and 0 elsewhere: the identity, or as many of its rows or columns as fit.
 * @throws if the shape does not have two axes
 * @example await init.eye([2, 3]).data() // Float32Array [1, 0, 0, 0, 1, 0]
 */
export function eye(shape: Shape, options: InitOptions & { gain?: number } = {}): Tensor {
  checkInitOptions("init.eye", options, ["gain"]);
  const { gain = 1 } = options;
  checkGain("init.eye", gain);
  return ops.eye(...checkMatrix("init.eye", shape)).mul(gain);
}

export {
  /** {@link eye} by Keras' name. */
  eye as identity,
};

/**
 * A convolution's weight (out, in / groups, …kernel) that passes on as many channels as fit in each group: 1 at the centre
 * of the kernel of output i and input i, 0 elsewhere. The package has no convolution itself yet.
 * @param options `groups`: 1
 * @throws if there is no kernel, or `groups` does not divide the outputs
 * @example await init.dirac([2, 2, 1]).data() // Float32Array [1, 0, 0, 1]
 */
export function dirac(shape: Shape, options: InitOptions & { groups?: number } = {}): Tensor {
  const op = "init.dirac";
  checkInitOptions(op, options, ["groups"]);
  const { groups = 1 } = options;
  checkNumber(op, "groups", groups, { min: 1, integer: true });
  const to = checkShape(op, shape);
  if (to.length < 3) fail(op, `shape must be (out, in, …kernel), got ${showShape(to)}. For matrices use init.eye`);
  if (to[0] % groups !== 0) fail(op, `groups must divide the ${to[0]} outputs, got ${show(groups)}`);
  const one = ops.eye(to[0] / groups, to[1]);
  return atCentre(ops.concat(Array.from({ length: groups }, () => one)), to);
}

/** The 2ᵏ × 2ᵏ Hadamard matrix by Sylvester's rule: Hₖ₊₁ = [H H; H −H]. */
function hadamard(power: number): Tensor {
  let h = ops.ones([1, 1]);
  for (let k = 0; k < power; k++) h = ops.concat([ops.concat([h, h], 1), ops.concat([h, h.neg()], 1)], 0);
  return h;
}

/**
 * ZerO: the identity where there are no more outputs than inputs, else columns of a Hadamard matrix of unit length, which
 * break the symmetry of the added outputs without chance. Kernels have it at their centre. The last weight of a residual
 * branch and the head begin with `init.zeros` (Zhao et al. 2022, algorithm 1, as in the authors' code).
 * @param options `gain`: 1
 * @throws if the shape has fewer than two axes
 * @example await init.zerO([2, 1]).data() // Float32Array [0.7071, 0.7071]
 */
export function zerO(shape: Shape, options: InitOptions & { gain?: number } = {}): Tensor {
  const op = "init.zerO";
  checkInitOptions(op, options, ["gain"]);
  const { gain = 1 } = options;
  checkGain(op, gain);
  const to = checkShape(op, shape);
  if (to.length < 2) fail(op, `shape must be (out, in, …kernel), got ${showShape(to)}. For biases use init.zeros`);
  const [rows, columns] = to;
  const power = Math.ceil(Math.log2(rows));
  const matrix =
    rows <= columns
      ? ops.eye(rows, columns).mul(gain)
      : hadamard(power)
          .slice([0, rows], [0, columns])
          .mul(gain / 2 ** (power / 2));
  return atCentre(matrix, to);
}
