/** Single ops over memory that exists before: many calls in one native run, as in training. */

import * as ops from "../../lib/ops/index.js";
import { clipGradients } from "../../lib/optim/clip.js";
import { prepare } from "../../lib/run/index.js";
import { type Effect, type Tensor, Variable } from "../../lib/tensor.js";
import { initializers, operandShape, optimizers, samplers, elementwise as table } from "../cases.js";
import { readFloats } from "../inputs.js";
import type { Spec } from "../suite.js";
import type { Work } from "./kinds.js";

/** A variable with the numbers of a file: unlike a constant's, no pass may do anything with its values in advance. */
export function variable(path: string, shape: readonly number[]): Variable {
  return new Variable(ops.tensor(readFloats(path), shape), { label: "input" });
}

/** Runs effects again and again; the first one's variable has the results. */
export async function effectsWork(effects: readonly Effect[]): Promise<Work> {
  const { prepared } = await prepare({ outputs: [], effects });
  const run = async (steps: number): Promise<void> => {
    await prepared.run({ steps });
  };
  await run(1);
  return { run, results: () => effects[0].variable.data() };
}

/** A tensor computed into the same memory each time. */
const into = (value: Tensor): Promise<Work> =>
  effectsWork([{ variable: new Variable(ops.zeros(value.shape), { label: "result" }), value }]);

export async function gemm({ M, N, K, layout, a, b }: Spec): Promise<Work> {
  const [m, n, k] = [M, N, K].map(Number);
  const [left, right] = `${layout}`;
  const A = left === "n" ? variable(`${a}`, [m, k]) : variable(`${a}`, [k, m]).transpose();
  const B = right === "n" ? variable(`${b}`, [k, n]) : variable(`${b}`, [n, k]).transpose();
  return into(A.matmul(B));
}

export async function elementwise({ op, x, size }: Spec): Promise<Work> {
  const chosen = table[`${op}`];
  return into(chosen.call(variable(`${x}`, operandShape(chosen, Number(size)))));
}

export async function sampling({ sampler, x, size }: Spec): Promise<Work> {
  const shape = [Number(size)];
  return into(samplers[`${sampler}`](shape, variable(`${x}`, shape)));
}

export async function init({ initializer, side }: Spec): Promise<Work> {
  return into(initializers[`${initializer}`]([Number(side), Number(side)]));
}

/** The Q of a square matrix's QR factorization, R's diagonal being positive. */
export async function qr({ x, side }: Spec): Promise<Work> {
  return into(ops.orthogonalFactor(variable(`${x}`, [Number(side), Number(side)])));
}

/** An update from a gradient that is there already: the loss is a constant whose derivative is given. */
export async function optimizer({ optimizer: name, x, g, size }: Spec): Promise<Work> {
  const shape = [Number(size)];
  const [parameter, gradient] = [variable(`${x}`, shape), variable(`${g}`, shape)];
  const loss = ops.customGradient(ops.zeros([]), [parameter], () => [gradient]);
  const { effects } = optimizers[`${name}`].make([parameter]).graph(loss);
  return effectsWork([...effects].sort((a, b) => Number(b.variable === parameter) - Number(a.variable === parameter)));
}

/** Scales a gradient in place to norm 1 if it has more. */
export async function clip({ g, size }: Spec): Promise<Work> {
  const gradient = variable(`${g}`, [Number(size)]);
  const { grads } = clipGradients([gradient], [gradient], { clipGradNorm: 1 }, Number.POSITIVE_INFINITY);
  return effectsWork([{ variable: gradient, value: grads[0] }]);
}
