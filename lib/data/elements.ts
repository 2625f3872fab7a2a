/** Element types of the safetensors format: how many bytes each has and what it becomes here. */
import type { DType, TypedArray } from "../dtype.js";

/** One element type as it stands in files. */
export interface FileElement {
  readonly bytes: number;
  /** What a tensor of it is here. */
  readonly dtype: DType;
  /** Values from a buffer of the tensor's bytes alone; undefined if they do not fit the dtype. */
  decode(bytes: ArrayBuffer): TypedArray | undefined;
}

// A half: sign, 5 bits of exponent, 10 of mantissa; exponent 31 is infinity or NaN, 0 is subnormal.
function half(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const [exponent, mantissa] = [(h >> 10) & 31, h & 0x3ff];
  if (exponent === 31) return mantissa ? Number.NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + mantissa / 1024) : 2 ** -14 * (mantissa / 1024));
}

// A bfloat16 is the upper half of a float.
const bfloats = (bytes: ArrayBuffer): Float32Array =>
  new Float32Array(Uint32Array.from(new Uint16Array(bytes), (h) => h << 16).buffer);

function longs(bytes: ArrayBuffer): Int32Array | undefined {
  const words = new Int32Array(bytes);
  const low = new Int32Array(words.length / 2);
  for (let i = 0; i < low.length; i++) {
    low[i] = words[2 * i];
    if (words[2 * i + 1] !== low[i] >> 31) return undefined;
  }
  return low;
}

const words = (bytes: ArrayBuffer): Int32Array | undefined => {
  const values = new Int32Array(bytes);
  return values.some((x) => x < 0) ? undefined : values;
};

/** Element types that are read; the writer uses {@link nameOf}. */
export const fileElements: ReadonlyMap<string, FileElement> = new Map<string, FileElement>([
  ["F64", { bytes: 8, dtype: "f32", decode: (b) => Float32Array.from(new Float64Array(b)) }],
  ["F32", { bytes: 4, dtype: "f32", decode: (b) => new Float32Array(b) }],
  ["F16", { bytes: 2, dtype: "f32", decode: (b) => Float32Array.from(new Uint16Array(b), half) }],
  ["BF16", { bytes: 2, dtype: "f32", decode: bfloats }],
  ["I64", { bytes: 8, dtype: "i32", decode: longs }],
  ["I32", { bytes: 4, dtype: "i32", decode: (b) => new Int32Array(b) }],
  ["I16", { bytes: 2, dtype: "i32", decode: (b) => Int32Array.from(new Int16Array(b)) }],
  ["I8", { bytes: 1, dtype: "i32", decode: (b) => Int32Array.from(new Int8Array(b)) }],
  ["U32", { bytes: 4, dtype: "i32", decode: words }],
  ["U16", { bytes: 2, dtype: "i32", decode: (b) => Int32Array.from(new Uint16Array(b)) }],
  ["U8", { bytes: 1, dtype: "u8", decode: (b) => new Uint8Array(b) }],
  ["BOOL", { bytes: 1, dtype: "bool", decode: (b) => new Uint8Array(b).map((x) => Number(x !== 0)) }],
]);

/** How each dtype is written. */
export const nameOf: Readonly<Record<DType, string>> = {
  f32: "F32",
  i32: "I32",
  u8: "U8",
  bool: "BOOL",
};

/** Order of the data in a file: those of the widest alignment first, as the reference implementation has it. */
export const writeOrder: readonly DType[] = ["f32", "i32", "u8", "bool"];
