/** Matrix product with batching, broadcasting and transposed reading of its operands. */
import { fail } from "../error.js";
import { broadcastShapes, showShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { requireTensor } from "./map.js";
import { type Aval, apply, type KernelOp, type Op } from "./op.js";

interface MatmulAttrs {
  readonly [key: string]: unknown;
  /** The left operand is stored as (batch, K, M). */
  readonly transA: boolean;
  /** The right operand is stored as (batch, N, K). */
  readonly transB: boolean;
  /** max(0, ·) of the product, in a call that absorbed it. */
  readonly relu?: boolean;
}

function sizes([a, b]: readonly Aval[], { transA, transB }: MatmulAttrs) {
  const [batchA, rows, columns] = a.shape;
  const [batchB, left, right] = b.shape;
  return {
    batchA,
    batchB,
    batch: Math.max(batchA, batchB) * Math.min(1, batchA, batchB), // 0 if either is
    M: transA ? columns : rows,
    K: transA ? rows : columns,
    N: transB ? left : right,
  };
}

/** (batch, M, K) · (batch, K, N); a batch of 1 is shared. */
export const matmulOp: KernelOp<MatmulAttrs> = {
  name: "matmul",
  kind: "kernel",
  kernel: "matmul",
  infer(inputs, attrs) {
    const { batch, M, N } = sizes(inputs, attrs);
    return { shape: [batch, M, N], dtype: "f32" };
  },
  params({ inputs, attrs }) {
    const { batch, batchA, batchB, M, N, K } = sizes(inputs, attrs);
    return [
      batch,
      M,
      N,
      K,
      Number(attrs.transA),
      Number(attrs.transB),
      batchA === 1 ? 0 : M * K,
      batchB === 1 ? 0 : K * N,
      Number(attrs.relu ?? false),
    ];
  },
  // The kernel adds a third input, a vector, to every row and then takes the relu.
  absorb({ inputs, attrs, out }, next, operand) {
    if (attrs.relu) return undefined;
    if (next.op.name === "relu") return { attrs: { ...attrs, relu: true } };
    const N = out.shape[2];
    const vector = ({ shape, dtype }: Aval): boolean =>
      dtype === "f32" && shape.length > 0 && shape[shape.length - 1] === N && sizeOf(shape) === N;
    const [x, bias] = [next.inputs[operand], 1 - operand];
    const rows = x.shape[x.shape.length - 1] === N;
    return next.op.name === "add" && inputs.length === 2 && rows && vector(next.inputs[bias])
      ? { attrs, reads: bias }
      : undefined;
  },
  reference([a, b], { inputs, attrs }) {
    const { batch, batchA, batchB, M, N, K } = sizes(inputs, attrs);
    const [am, ak] = attrs.transA ? [1, M] : [K, 1];
    const [bk, bn] = attrs.transB ? [1, K] : [N, 1];
    const out = new Float64Array(batch * M * N);
    for (let z = 0; z < batch; z++) {
      const [fromA, fromB] = [batchA === 1 ? 0 : z * M * K, batchB === 1 ? 0 : z * K * N];
      for (let m = 0; m < M; m++) {
        for (let k = 0; k < K; k++) {
          const x = a[fromA + m * am + k * ak];
          for (let n = 0; n < N; n++) out[(z * M + m) * N + n] += x * b[fromB + k * bk + n * bn];
        }
      }
    }
    return out;
  },
  // C = A·B: dA = g·Bᵀ, dB = Aᵀ·g, each laid out as its operand is stored.
  vjp(g, node) {
    const [a, b] = node.inputs;
    const { transA, transB } = node.attrs as unknown as MatmulAttrs;
    const da = transA ? product(b, g, transB, true) : product(g, b, false, !transB);
    const db = transB ? product(g, a, true, transA) : product(a, g, !transA, false);
    return [da.sumTo(a.shape), db.sumTo(b.shape)];
  },
};

function product(a: Tensor, b: Tensor, transA: boolean, transB: boolean): Tensor {
  return apply(matmulOp as Op, [a, b], { transA, transB });
}

/**
 * Matrix product over the last two axes; leading axes are batches and broadcast. A vector counts as a row on the left,
 * a column on the right.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  requireTensor("matmul", "the left operand", a);
  requireTensor("matmul", "the right operand", b);
  if (a.rank === 0 || b.rank === 0)
    fail(
      "matmul",
      `operands must have at least one axis, got ${showShape(a.shape)} and ${showShape(b.shape)}. Use mul`,
    );
  if (a.rank === 1) return dropAxis(matmul(a.unsqueeze(0), b), b.rank === 1 ? -1 : -2);
  if (b.rank === 1) return dropAxis(matmul(a, b.unsqueeze(1)), -1);
  const [M, K] = a.shape.slice(-2);
  const [inner, N] = b.shape.slice(-2);
  if (K !== inner) {
    const turned = N === K ? ". Transpose the second?" : M === inner ? ". Transpose the first?" : "";
    fail("matmul", `inner sizes must match, got ${showShape(a.shape)} and ${showShape(b.shape)}${turned}`);
  }
  const [x, y] = [a.cast("f32"), b.cast("f32")];
  // A shared right operand: all rows of the left are one tall matrix.
  if (b.rank === 2) {
    return product(x.reshape([1, sizeOf(a.shape.slice(0, -1)), K]), y.reshape([1, K, N]), false, false).reshape([
      ...a.shape.slice(0, -1),
      N,
    ]);
  }
  const batch = broadcastShapes("matmul", [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const flat = (t: Tensor, rows: number, columns: number): Tensor => {
    const own = sizeOf(t.shape.slice(0, -2));
    return own === 1
      ? t.reshape([1, rows, columns])
      : t.expand([...batch, rows, columns]).reshape([sizeOf(batch), rows, columns]);
  };
  return product(flat(x, M, K), flat(y, K, N), false, false)
    .expand([sizeOf(batch), M, N])
    .reshape([...batch, M, N]);
}

const dropAxis = (x: Tensor, axis: number): Tensor => x.reshape(x.shape.filter((_, i) => i !== x.rank + axis));
