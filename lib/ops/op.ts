/** What an op is: shape rule, oracle, derivative, sample domain and native encoding in one entry. */
import type { DType } from "../dtype.js";
import type { Shape } from "../shape.js";
import { type Attrs, Tensor } from "../tensor.js";

/** A tensor without its values. */
export interface Aval {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A node with everything that its op's rules may ask for. */
export interface OpCall<A extends Attrs = Attrs> {
  readonly inputs: readonly Aval[];
  readonly attrs: A;
  readonly out: Aval;
}

/** Appends one native elementwise operation to a fused chain and returns the id of its value. */
export type Emit = (name: string, ...operands: number[]) => number;

interface Rules<A extends Attrs> {
  /** The field's name, the same in TypeScript, `ops.def`, errors and tests. */
  readonly name: string;
  /** The op a user called, where this one only appears as its gradient: errors of a run name that one. */
  readonly gradientOf?: string;
  /** The output's shape and dtype, or an error that points at the user's line. */
  infer(inputs: readonly Aval[], attrs: A): Aval;
  /** Cotangents of the inputs from the cotangent of the output, written with ops. Absent: no gradient passes. */
  vjp?(g: Tensor, node: Tensor): readonly (Tensor | undefined)[];
}

/** Data of a leaf comes from outside. */
export interface LeafOp<A extends Attrs = Attrs> extends Rules<A> {
  readonly kind: "leaf";
  reference(): never;
}

/** Elementwise with broadcasting; the compiler fuses chains of these. */
export interface MapOp<A extends Attrs = Attrs> extends Rules<A> {
  readonly kind: "map";
  readonly arity: number;
  /** One element, in double precision. */
  reference(this: void, ...x: number[]): number;
  /** The same on i32, wrapping, where doubles would not hold the result. */
  readonly integer?: (this: void, ...x: number[]) => number;
  /** Appends the op to a fused chain. */
  emit(emit: Emit, operands: readonly number[], call: OpCall<A>, immediate: (value: number) => number): number;
  /** Where gradient and accuracy tests sample each input. */
  readonly domain: readonly [number, number];
  /** Derivative does not exist or is zero everywhere: not gradient-checked. */
  readonly smooth: boolean;
}

/** The same values under another shape, or with another gradient: no code runs. */
export interface AliasOp<A extends Attrs = Attrs> extends Rules<A> {
  readonly kind: "alias";
  reference(this: void, inputs: readonly Float64Array[]): Float64Array;
}

/** One call of a native kernel. */
export interface KernelOp<A extends Attrs = Attrs> extends Rules<A> {
  readonly kind: "kernel";
  /** The kernel of `ops.def`. */
  readonly kernel: string;
  /** The kernel's parameters; names of `reduce` kinds are resolved by the encoder. */
  params(call: OpCall<A>): readonly (number | string)[];
  /**
   * Which of the kernel's outputs this is, where ops share one: those of equal inputs and attributes are computed by
   * one call. A bit per wanted output follows the parameters.
   */
  readonly part?: number;
  /** The attribute that takes the last input's place where that is one number everywhere. */
  readonly uniform?: string;
  /** The whole output, in double precision. */
  reference(inputs: readonly Float64Array[], call: OpCall<A>): Float64Array;
  /**
   * How a call also does what the elementwise `next` does to its output, the operand at `operand`, if the kernel can: the
   * attributes that say so, and which operand of `next` it reads besides. Only the encoder sees such a call.
   */
  absorb?(call: OpCall<A>, next: OpCall & { readonly op: MapOp }, operand: number): Absorbed<A> | undefined;
}

/** A kernel call extended by an elementwise op. */
export interface Absorbed<A extends Attrs = Attrs> {
  readonly attrs: A;
  /** Position among the operands of the absorbed op. */
  readonly reads?: number;
}

export type Op = LeafOp | MapOp | AliasOp | KernelOp;

/** Makes a node: checks shapes and dtypes here, where the user's line is on the stack. */
export function apply(op: Op, inputs: readonly Tensor[], attrs: Attrs = {}): Tensor {
  const { shape, dtype } = op.infer(inputs, attrs);
  return new Tensor(op, inputs, attrs, shape, dtype);
}
