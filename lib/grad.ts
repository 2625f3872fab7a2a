/** Reverse-mode differentiation: a walk over the graph that builds the gradient's graph. */
import { fail, show } from "./error.js";
import "./ops/index.js";
import { ones, zeros } from "./ops/create.js";
import { sameShape, showShape } from "./shape.js";
import { Tensor } from "./tensor.js";

/**
 * Gradients of a scalar with respect to each leaf, as lazy tensors of the leaves' shapes; they can be differentiated
 * again. A leaf the scalar does not depend on has gradient 0.
 * @param loss a tensor of one element
 * @param leaves tensors of any kind, also ones in the middle of the graph
 * @param seedGradient the cotangent of `loss` if it is not a scalar: its shape
 * @example const x = tensor([3]); const [dx] = grad(x.square().sum(), [x]); await dx.data() // Float32Array [6]
 */
export function grad(loss: Tensor, leaves: readonly Tensor[], seedGradient?: Tensor): Tensor[] {
  return gradientsOf(leaves, backward(loss, leaves, seedGradient));
}

/** Those of some leaves among what {@link backward} found; 0 where there is none. */
export function gradientsOf(leaves: readonly Tensor[], found: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const gradients: Tensor[] = [];
  for (const leaf of leaves) gradients.push(found.get(leaf) ?? zeros(leaf.shape));
  return gradients;
}

/**
 * Gradients with respect to all tensors through which a loss depends on one of the leaves, themselves among them; none for
 * those that no gradient comes back to.
 */
export function backward(loss: Tensor, leaves: readonly Tensor[], seedGradient?: Tensor): ReadonlyMap<Tensor, Tensor> {
  if (!(loss instanceof Tensor)) fail("grad", `loss must be a tensor, got ${show(loss)}`);
  if (!Array.isArray(leaves) || !leaves.every((x) => x instanceof Tensor))
    fail("grad", `leaves must be a list of tensors, got ${show(leaves)}`);
  if (loss.dtype !== "f32") fail("grad", `loss must be f32, got ${loss.dtype}. Nothing flows through integers`);
  if (!seedGradient && loss.size !== 1) {
    fail("grad", `loss must have one element, got ${showShape(loss.shape)}. Reduce it first, e.g. with mean()`);
  }
  if (seedGradient && !sameShape(seedGradient.shape, loss.shape)) {
    fail(
      "grad",
      `the cotangent must have the shape of loss ${showShape(loss.shape)}, got ${showShape(seedGradient.shape)}`,
    );
  }
  const wanted = new Set(leaves);
  const path = dependents(loss, wanted);
  const cotangents = new Map<Tensor, Tensor>([[loss, seedGradient ?? ones(loss.shape)]]);
  for (const node of path) {
    const g = cotangents.get(node);
    if (!g || !node.op.vjp) continue;
    const inputs = node.op.vjp(g, node);
    for (let i = 0; i < node.inputs.length; i++) {
      const [input, part] = [node.inputs[i], inputs[i]];
      if (!part || input.dtype !== "f32" || !path.has(input)) continue;
      const own = node.op.kind === "map" ? part.sumTo(input.shape) : part;
      const sum = cotangents.get(input);
      cotangents.set(input, sum ? sum.add(own) : own);
    }
  }
  return cotangents;
}

const latestFirst = (a: Tensor, b: Tensor): number => b.id - a.id;

/** The nodes through which the loss depends on a wanted one, latest first. What was made before all wanted ones needs none. */
function dependents(loss: Tensor, wanted: ReadonlySet<Tensor>): Set<Tensor> {
  const reaches = new Map<Tensor, boolean>();
  let first = Infinity;
  for (const { id } of wanted) first = Math.min(first, id);
  const stack: Tensor[] = [loss];
  while (stack.length) {
    const node = stack[stack.length - 1];
    if (reaches.has(node)) {
      stack.pop();
      continue;
    }
    const depth = stack.length;
    let reached = wanted.has(node);
    for (const input of node.inputs) {
      if (input.id < first) continue;
      const known = reaches.get(input);
      if (known === undefined) stack.push(input);
      else reached ||= known;
    }
    if (stack.length > depth) continue;
    reaches.set(node, reached);
    stack.pop();
  }
  const found: Tensor[] = [];
  for (const [node, yes] of reaches) if (yes) found.push(node);
  return new Set(found.sort(latestFirst));
}
