/** Element types: what a tensor stores, and the typed array that holds it. */
import { fail, show } from "./error.js";

/** `f32` for values, `i32` for labels and indices, `bool` for masks, `u8` for image bytes. */
export type DType = "f32" | "i32" | "u8" | "bool";

/** The typed arrays that hold a tensor's values: f32, i32, and u8 or bool. */
export type TypedArray = Float32Array | Int32Array | Uint8Array;

/** In the order of the native `DType`. */
export const dtypes: readonly DType[] = ["f32", "i32", "u8", "bool"];

const arrays = { f32: Float32Array, i32: Int32Array, u8: Uint8Array, bool: Uint8Array } as const;

/** Refuses what is no dtype. */
export function checkDType(op: string, dtype: unknown): asserts dtype is DType {
  if (!dtypes.includes(dtype as DType)) fail(op, `dtype must be f32, i32, u8 or bool, got ${show(dtype)}`);
}

/** Bytes of one element. */
export function bytesOf(dtype: DType): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

/** The typed array class of a dtype. */
export function arrayOf(dtype: DType): Float32ArrayConstructor | Int32ArrayConstructor | Uint8ArrayConstructor {
  return arrays[dtype];
}
