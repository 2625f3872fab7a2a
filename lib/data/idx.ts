/** The IDX format of MNIST: one array per file, big-endian, gzipped or not. */
import { constants as limits } from "node:buffer";
import { promises as fs } from "node:fs";
import { createRequire } from "node:module";
import type { DType, TypedArray } from "../dtype.js";
import { fail, show } from "../error.js";
import { maxElements, type Shape, showShape, sizeOf } from "../shape.js";
import { Constant } from "../tensor.js";

interface Element {
  readonly bytes: number;
  readonly dtype: DType;
  /** Reads native-endian bytes. */
  decode(bytes: ArrayBuffer): TypedArray;
}

/** Element types by the third byte of a file. */
const elements: Readonly<Record<number, Element>> = {
  8: { bytes: 1, dtype: "u8", decode: (b) => new Uint8Array(b) },
  9: { bytes: 1, dtype: "i32", decode: (b) => Int32Array.from(new Int8Array(b)) },
  11: { bytes: 2, dtype: "i32", decode: (b) => Int32Array.from(new Int16Array(b)) },
  12: { bytes: 4, dtype: "i32", decode: (b) => new Int32Array(b) },
  13: { bytes: 4, dtype: "f32", decode: (b) => new Float32Array(b) },
  14: { bytes: 8, dtype: "f32", decode: (b) => Float32Array.from(new Float64Array(b)) },
};

interface Header {
  readonly element: Element;
  readonly shape: Shape;
  /** Where the values begin. */
  readonly start: number;
  /** Where they end, which must be the end of the file. */
  readonly end: number;
}

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("hex")
    .replace(/(..)\B/g, "$1 ");

function readHeader(bytes: Uint8Array, refuse: (message: string) => never): Header {
  if (bytes.length < 4) refuse(`must have a header of at least 4 bytes, got ${bytes.length} bytes`);
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    refuse(`must begin with 00 00, got ${hex(bytes.subarray(0, 4))}. Is this an IDX file?`);
  }
  const element = elements[bytes[2]];
  if (!element) {
    refuse(`type must be 08, 09, 0b, 0c, 0d or 0e, got ${hex(bytes.subarray(2, 3))}`);
  }
  const rank = bytes[3];
  if (rank === 0) refuse("must have at least one axis, got 0");
  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    refuse(`header of ${rank} axes must have ${start} bytes, got ${bytes.length}. The file is cut off`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = sizeOf(shape);
  // A size of 0 hides factors that are absurd; no reader wants those either.
  if (!(sizeOf(shape.map((n) => Math.max(n, 1))) <= maxElements)) {
    refuse(`sizes must have a product of at most 2^38, got ${showShape(shape)}`);
  }
  return { element, shape, start, end: start + size * element.bytes };
}

// No deflate stream grows more than 1032-fold (zlib's technical details); 1 KB for the rest.
const largest = (packed: number): number => packed * 1032 + 1024;

/** Loaded when a file is packed: importing it would take a tenth of what the whole package takes. */
const zlib = (): typeof import("node:zlib") => createRequire(import.meta.url)("node:zlib");

function unpack(bytes: Uint8Array, refuse: (message: string) => never): Uint8Array {
  const { constants, gunzipSync } = zlib();
  const gunzip = (input: Uint8Array, options: object): Uint8Array => {
    try {
      return gunzipSync(input, options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return refuse(
        /larger than/.test(reason)
          ? "must end where its header says, got more bytes when unpacked"
          : `must be sound gzip, got: ${reason}. Download it again?`,
      );
    }
  };
  // The first bytes tell how much to expect before any of it is unpacked.
  const head = gunzip(bytes.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
  const { end } = readHeader(head, refuse);
  if (end > largest(bytes.length)) {
    refuse(`header claims ${end} bytes, more than ${bytes.length} packed bytes can hold. The file lies`);
  }
  return gunzip(bytes, { maxOutputLength: Math.min(end + 1, limits.MAX_LENGTH) });
}

/**
 * Reads the bytes of an IDX file, gzipped or not, into a tensor: unsigned bytes stay u8, other integers become i32,
 * floats f32. A file whose header and length disagree is refused before anything is allocated.
 * @param name what messages call the file
 * @example data.parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9)).shape // [2]
 */
export function parseIdx(bytes: Uint8Array, name = "the bytes"): Constant {
  if (!(bytes instanceof Uint8Array)) {
    fail("idx", `bytes must be a Uint8Array or a Buffer, got ${show(bytes)}`);
  }
  const refuse = (message: string): never => fail("idx", `${name} ${message}`);
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const raw = packed ? unpack(bytes, refuse) : bytes;
  const { element, shape, start, end } = readHeader(raw, refuse);
  if (raw.length !== end) {
    const trouble = raw.length < end ? "The file is cut off" : "Bytes trail after the values";
    refuse(`must have ${end} bytes for shape ${showShape(shape)}, got ${raw.length}. ${trouble}`);
  }
  const values = new ArrayBuffer(end - start);
  const swapped = Buffer.from(values);
  swapped.set(raw.subarray(start, end));
  if (element.bytes === 2) swapped.swap16();
  if (element.bytes === 4) swapped.swap32();
  if (element.bytes === 8) swapped.swap64();
  return new Constant(element.decode(values), shape, element.dtype);
}

/** Reads a file, with its name in every error. */
export async function readIdx(path: string): Promise<Constant> {
  let bytes: Uint8Array;
  try {
    bytes = await fs.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    fail("idx", `${path} must be readable, got: ${reason}. Check the path`);
  }
  return parseIdx(bytes, path);
}
