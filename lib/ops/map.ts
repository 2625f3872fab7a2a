/** Elementwise ops: how one is declared, and how operands of different dtypes and shapes meet. */
import { checkDType, type DType } from "../dtype.js";
import { fail, show } from "../error.js";
import { broadcastShapes, checkShape, type Shape, sameShape } from "../shape.js";
import { Tensor } from "../tensor.js";
import { type Aval, apply, type MapOp, type Op } from "./op.js";

/** What arithmetic accepts beside a tensor: a number or boolean, taken as a scalar of the other operand's kind. */
export type TensorLike = Tensor | number | boolean;

/** A tensor as its user knows it, for messages. */
export function requireTensor(op: string, name: string, x: unknown): asserts x is Tensor {
  if (!(x instanceof Tensor)) fail(op, `${name} must be a tensor, got ${show(x)}. Make one with tensor(…)`);
}

const scalarOp: MapOp<{ value: number; dtype: DType }> = {
  name: "scalar",
  kind: "map",
  arity: 0,
  infer: (_inputs, { dtype }) => ({ shape: [], dtype }),
  reference: () => fail("scalar", "a literal is not computed"),
  // An i32 literal must be an integer lane whoever reads it.
  emit: (emit, _operands, { attrs }, immediate) =>
    attrs.dtype === "i32" ? emit("addI", immediate(attrs.value), immediate(0)) : immediate(attrs.value),
  domain: [0, 0],
  smooth: false,
};

/** A literal that is part of the program, not an input to it. */
export function scalar(value: number, dtype: DType = "f32"): Tensor {
  return apply(scalarOp as Op, [], { value, dtype });
}

export function isScalarLiteral(t: Tensor): t is Tensor & { attrs: { value: number } } {
  return t.op === (scalarOp as Op);
}

function lift(op: string, x: unknown, other: Tensor | undefined): Tensor {
  if (x instanceof Tensor) return x;
  if (typeof x === "boolean") return scalar(Number(x), "bool");
  if (typeof x !== "number") fail(op, `operands must be tensors or numbers, got ${show(x)}. Make one with tensor(…)`);
  const integer = other?.dtype === "i32" && Number.isInteger(x) && Math.abs(x) < 2 ** 31;
  return scalar(x, integer ? "i32" : "f32");
}

/** The dtype in which arithmetic happens: i32 among integers and flags, f32 otherwise. */
function arithmetic(inputs: readonly Aval[]): DType {
  let integer = false;
  for (const { dtype } of inputs)
    if (dtype === "i32") integer = true;
    else if (dtype !== "bool") return "f32";
  return integer ? "i32" : "f32";
}

/** How dtypes meet: `float` computes in f32, `number` keeps i32; `test` (of f32), `compare` and `logic` give bool. */
type Typing = "float" | "number" | "test" | "compare" | "logic" | "select";

function operandType(typing: Typing, index: number, inputs: readonly Aval[]): DType {
  if (typing === "float" || typing === "test") return "f32";
  if (typing === "logic" || (typing === "select" && index === 0)) return "bool";
  if (typing !== "select") return arithmetic(inputs);
  const [, a, b] = inputs;
  return a.dtype === b.dtype && a.dtype !== "u8" ? a.dtype : arithmetic([a, b]);
}

interface Declaration {
  typing: Typing;
  /** One element, in double precision. */
  reference: (...x: number[]) => number;
  /** The same on i32, wrapping, where doubles would not hold the result. */
  integer?: (...x: number[]) => number;
  vjp?: (g: Tensor, inputs: readonly Tensor[], y: Tensor) => readonly (Tensor | undefined)[];
  /** Where gradient and accuracy tests sample; [−3, 3] unless told. */
  domain?: readonly [number, number];
  /** False: the derivative is zero or undefined everywhere. */
  smooth?: boolean;
}

/** Every elementwise op that was declared, for tables over all of them. */
export const mapOps: MapOp[] = [];

/** Declares an elementwise op; its native name is its own, with `I` appended for its form on i32. */
export function mapOp(name: string, arity: number, declaration: Declaration): MapOp {
  const { typing, reference, integer, vjp, domain = [-3, 3], smooth = vjp !== undefined } = declaration;
  const op: MapOp = {
    name,
    kind: "map",
    arity,
    infer(inputs) {
      const [{ shape: first }] = inputs;
      const shape = inputs.every((x) => sameShape(x.shape, first))
        ? first
        : broadcastShapes(
            name,
            inputs.map((x) => x.shape),
          );
      const flag = typing === "test" || typing === "compare" || typing === "logic";
      return { shape, dtype: flag ? "bool" : inputs[inputs.length - 1].dtype };
    },
    reference,
    integer,
    emit: (emit, operands, call) => {
      const lane = call.inputs[call.inputs.length - 1].dtype;
      return emit(lane === "i32" ? `${name}I` : name, ...operands);
    },
    domain,
    smooth,
    vjp: vjp && ((g, node) => vjp(g, node.inputs, node)),
  };
  mapOps.push(op);
  return op;
}

/** Applies an elementwise op to tensors and numbers: lifts literals, casts operands to the common dtype. */
export function applyMap(op: MapOp, typing: Typing, operands: readonly unknown[]): Tensor {
  // A literal takes its kind from the values beside it, not from the condition that selects them.
  const values = typing === "select" ? operands.slice(1) : operands;
  const first = values.find((x): x is Tensor => x instanceof Tensor);
  const lifted = operands.map((x) => lift(op.name, x, first));
  const inputs = lifted.map((x, i) => cast(x, operandType(typing, i, lifted)));
  return apply(op as Op, inputs);
}

/** Declares a function of one tensor. */
export function unary(
  name: string,
  declaration: Partial<Declaration> & Pick<Declaration, "reference">,
): (x: Tensor) => Tensor {
  const full = { typing: "float" as Typing, ...declaration };
  const op = mapOp(name, 1, full);
  return (x) => {
    requireTensor(name, "x", x);
    return applyMap(op, full.typing, [x]);
  };
}

/** Declares a function of two tensors or numbers. */
export function binary(name: string, declaration: Declaration): (a: TensorLike, b: TensorLike) => Tensor {
  const op = mapOp(name, 2, declaration);
  return (a, b) => applyMap(op, declaration.typing, [a, b]);
}

const castOp: MapOp<{ dtype: DType }> = {
  name: "cast",
  kind: "map",
  arity: 1,
  infer: ([x], { dtype }) => ({ shape: x.shape, dtype }),
  reference: (x) => x, // the executor rounds to the dtype
  emit(emit, [x], { inputs: [from], attrs: { dtype } }, immediate) {
    const float = from.dtype === "i32" ? () => emit("toF32", x) : () => x;
    if (dtype === "i32") return from.dtype === "i32" ? x : emit("toI32", x);
    if (dtype === "bool") return emit("notEqual", float(), immediate(0));
    if (dtype === "u8" && from.dtype !== "bool") {
      return emit("toF32", emit("toI32", emit("minimum", emit("maximum", float(), immediate(0)), immediate(255))));
    }
    return float();
  },
  vjp: (g, node) => [node.inputs[0].dtype === "f32" && node.dtype === "f32" ? g : undefined],
  domain: [-3, 3],
  smooth: false,
};

/** The same values in another dtype: to i32 truncates, to bool is `x ≠ 0`, to u8 truncates and saturates. */
export function cast(x: Tensor, dtype: DType): Tensor {
  requireTensor("cast", "x", x);
  checkDType("cast", dtype);
  if (x.dtype === dtype) return x;
  if (isScalarLiteral(x)) {
    const value = {
      f32: x.attrs.value,
      i32: Math.trunc(x.attrs.value),
      u8: x.attrs.value,
      bool: Number(x.attrs.value !== 0),
    };
    return scalar(value[dtype], dtype);
  }
  return apply(castOp as Op, [x], { dtype });
}

const expandOp: MapOp<{ shape: Shape }> = {
  name: "expand",
  kind: "map",
  arity: 1,
  infer([x], { shape }) {
    const out = broadcastShapes("expand", [x.shape, shape]);
    if (out.length !== shape.length || out.some((n, i) => n !== shape[i])) {
      fail("expand", `shape must be one the tensor broadcasts to, got [${x.shape.join(",")}] to [${shape.join(",")}]`);
    }
    return { shape: out, dtype: x.dtype };
  },
  reference: (x) => x,
  emit: (_emit, [x]) => x,
  vjp: (g) => [g],
  domain: [-3, 3],
  smooth: true,
};

/** Repeats axes of size 1 (and missing leading ones) up to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  requireTensor("expand", "x", x);
  const to = checkShape("expand", shape);
  return x.shape.length === to.length && x.shape.every((n, i) => n === to[i])
    ? x
    : apply(expandOp as Op, [x], { shape: to });
}
