/** The function that a weighted sum passes through, as a function of its own whatever it is made of. */
import { collect } from "../compile/graph.js";
import { signatureOf } from "../compile/signature.js";
import { isScalarLiteral, scalar } from "../ops/map.js";
import { apply } from "../ops/op.js";
import { Constant, type Tensor, Variable } from "../tensor.js";
import type { Elementwise } from "./quadrature.js";

/** The elementwise function that a weighted sum passes through. */
export class Through {
  private function: Elementwise | undefined;

  /**
   * @param name the layer's class, or the ops
   * @param from what it is applied to: the sum, or what a norm makes of it
   * @param inner the nodes of it
   */
  constructor(
    readonly name: string,
    readonly from: Tensor,
    readonly output: Tensor,
    private readonly inner: readonly Tensor[],
  ) {}

  /** The function itself, made when it is asked for. */
  get phi(): Elementwise {
    this.function ??= canonical(clone(this.inner, this.from, this.output));
    return this.function;
  }
}

/** The nodes of a region as a function of another tensor; parameters among them count by their mean. */
function clone(inner: readonly Tensor[], from: Tensor, to: Tensor): Elementwise {
  return (x) => {
    const made = new Map<Tensor, Tensor>([[from, x]]);
    const parameter = (node: Tensor): Tensor => {
      const number = numberOf(node);
      if (number !== undefined) return scalar(number);
      return node.size === 1 ? node.reshape([]) : contentOf(node).mean();
    };
    for (const node of inner) {
      const inputs = node.inputs.map((input) => made.get(input) ?? parameter(input));
      // A view of equal size, or a derivative of its own, is the value itself; a leaf or literal is.
      const same = node.op.kind === "alias" ? inputs[0] : node;
      const again = node.inputs.length > 0 && node.op.kind !== "alias";
      made.set(node, again ? apply(node.op, inputs, attrsFor(node, x)) : same);
    }
    return made.get(to) as Tensor;
  };
}

const bySignature = new Map<string, Elementwise>();

/** Equal functions as one, so that what was computed of one is known of the others. */
function canonical(phi: Elementwise): Elementwise {
  const x = new Constant(new Float32Array(1), [1], "f32");
  const y = phi(x);
  const graph = collect({ outputs: [y] });
  const inner = graph.nodes.filter((node) => node !== x);
  if (inner.some((node) => node.op.kind !== "map")) return phi; // it has parameters
  const signature = signatureOf(graph, 0).join();
  const known = bySignature.get(signature) ?? clone(inner, x, y); // which, unlike phi, holds on to no model
  bySignature.set(signature, known);
  return known;
}

/** Attributes that name a shape name that of the new tensor. */
const attrsFor = (node: Tensor, x: Tensor): Tensor["attrs"] =>
  "shape" in node.attrs ? { ...node.attrs, shape: x.shape } : node.attrs;

/** The variable that a node is a view of. */
export function variableOf(node: Tensor): Variable | undefined {
  let at = node;
  while (!(at instanceof Variable) && at.inputs.length > 0) at = at.inputs[0];
  return at instanceof Variable && at.learnable && at.size === node.size ? at : undefined;
}

/** The number that a learned number holds or begins with, if that was said as a number. */
export function numberOf(node: Tensor): number | undefined {
  const variable = node.size === 1 ? variableOf(node) : undefined;
  if (!variable || variable.storage) return variable?.storage?.[0];
  let first = variable.initial;
  while (first?.op.kind === "alias" || first?.op.name === "expand") first = first.inputs[0];
  return first && isScalarLiteral(first) ? first.attrs.value : undefined;
}

/** What a parameter holds or begins with. */
export function contentOf(node: Tensor): Tensor {
  if (!(node instanceof Variable)) return node;
  return node.storage ? new Constant(node.storage, node.shape, node.dtype) : (node.initial as Tensor);
}
