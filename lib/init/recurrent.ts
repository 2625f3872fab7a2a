/** What recurrent layers begin with: gates that are drawn one by one, and biases that remember. */
import { checkNumber, fail, show } from "../error.js";
import { concat, full, zeros } from "../ops/index.js";
import { checkShape, type Shape, showShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkInitOptions, generatorOf, type Initializer, type InitOptions } from "./initializer.js";

function checkBlocks(op: string, shape: Shape, count: number): number[] {
  const to = checkShape(op, shape);
  if (to.length === 0 || to[0] % count !== 0)
    fail(
      op,
      `shape must have a first axis that ${count} gates divide, got ${showShape(to)}. Stack them: (${count}·hidden, …)`,
    );
  return [to[0] / count, ...to.slice(1)];
}

/**
 * An initializer of a stack of gates (count·out, in) that draws each gate by itself, so that fans and orthogonality are
 * those of a gate. Recurrent weights begin with `init.gates(init.orthogonal, 4)`, input weights with
 * `init.gates(init.xavierUniform, 4)`; an LSTM has 4 gates, a GRU 3.
 * @throws if `count` does not divide the first axis
 * @example const w = init.gates(init.orthogonal, 4)([8, 2]); // four 2 × 2 rotations or reflections
 * await w.square().mean().item() // 0.5
 */
export function gates(initializer: Initializer, count: number): Initializer {
  const op = "init.gates";
  if (typeof initializer !== "function")
    fail(op, `initializer must be a function, got ${show(initializer)}. Use one of init`);
  checkNumber(op, "count", count, { min: 1, integer: true });
  return (shape, options) => {
    const block = checkBlocks(op, shape, count);
    checkInitOptions(op, options);
    const generator = generatorOf(op, options ?? {}); // one for all: a seed of each gate's own would make them equal
    return concat(Array.from({ length: count }, () => initializer(block, { generator })));
  };
}

/**
 * The bias (4·hidden) of an LSTM in PyTorch's order of gates (input, forget, cell, output): the forget gate's is `forget`,
 * 1 unless told, so that the cell remembers at first, the others 0 (Jozefowicz et al. 2015). Where a layer has two biases
 * that are added, one of them takes it.
 * @throws if four gates do not divide the shape
 * @example await init.lstmBias([4]).data() // Float32Array [0, 1, 0, 0]
 */
export function lstmBias(shape: Shape, options: InitOptions & { forget?: number } = {}): Tensor {
  const op = "init.lstmBias";
  checkInitOptions(op, options, ["forget"]);
  const { forget = 1 } = options;
  checkNumber(op, "forget", forget);
  const block = checkBlocks(op, shape, 4);
  return concat([zeros(block), full(block, forget), zeros(block), zeros(block)]);
}
