/**
 * The safetensors format: named tensors in a file that Python's library reads and writes too.
 * Eight bytes of header length (little-endian), a JSON header, the values.
 */
import { promises as fs } from "node:fs";
import { arrayOf, bytesOf, type DType, dtypes, type TypedArray } from "../dtype.js";
import { fail, show } from "../error.js";
import { read } from "../run/index.js";
import { checkShape, type Shape, showShape, sizeOf } from "../shape.js";
import { Constant, Tensor } from "../tensor.js";
import { nameOf, writeOrder } from "./elements.js";
import { maxHeaderBytes, readHeader } from "./header.js";

/** A tensor's values with what they mean; a tensor made by `tensor(…)` is one. */
export interface Stored {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly values: TypedArray;
}

/** What a file holds. Both records have no prototype: any name is safe. */
export interface Contents {
  readonly tensors: Record<string, Constant>;
  readonly metadata: Record<string, string>;
}

const isLazy = (x: unknown): x is Tensor => x instanceof Tensor && !(x instanceof Constant);

function checkStored(name: string, tensor: unknown): Stored {
  const stored = tensor as Partial<Stored> | null | undefined;
  if (isLazy(tensor)) {
    fail("safetensors", `tensor ${show(name)} must have its values, got the lazy ${tensor}. Use save, which reads it`);
  }
  if (typeof stored !== "object" || stored === null || !dtypes.includes(stored.dtype as DType)) {
    fail("safetensors", `tensor ${show(name)} must be { dtype, shape, values }, got ${show(tensor)}`);
  }
  const { dtype, values } = stored as Stored;
  const shape = checkShape("safetensors", stored.shape);
  if (!(values instanceof arrayOf(dtype)) || values.length !== sizeOf(shape)) {
    const want = `${arrayOf(dtype).name}(${sizeOf(shape)}) for ${dtype}${showShape(shape)}`;
    fail("safetensors", `tensor ${show(name)} must have values in a ${want}, got ${show(values)}`);
  }
  return { dtype, shape, values };
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string")
      fail("safetensors", `metadata must hold strings, got ${show(value)} for ${show(key)}`);
  }
}

/**
 * The bytes of a file that holds the given tensors: those of the widest type first, then by name.
 * @param metadata strings by name, kept beside the tensors
 * @example const bytes = safetensors.serialize({ weight: tensor([[1, 2]]) }, { format: "evengrad" });
 */
export function serialize(
  tensors: Readonly<Record<string, Stored>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  if (typeof tensors !== "object" || tensors === null)
    fail("safetensors", `tensors must be an object, got ${show(tensors)}`);
  checkMetadata(metadata);
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    if (name === "__metadata__") fail("safetensors", "a tensor must not be named __metadata__. Rename it");
    return { name, bytes: Buffer.from(name), ...checkStored(name, tensor) };
  });
  const rank = (dtype: DType): number => writeOrder.indexOf(dtype);
  entries.sort((a, b) => rank(a.dtype) - rank(b.dtype) || Buffer.compare(a.bytes, b.bytes));
  // Pairs, as an object would take the name __proto__ for something else and put numbers first.
  const pairs: string[] = Object.keys(metadata).length ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  let end = 0;
  for (const { name, dtype, shape, values } of entries) {
    const begin = end;
    end += values.length * bytesOf(dtype);
    const entry = { dtype: nameOf[dtype], shape, data_offsets: [begin, end] };
    pairs.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = Buffer.from(`{${pairs.join(",")}}`);
  const header = Math.ceil(json.length / 8) * 8;
  if (header > maxHeaderBytes)
    fail("safetensors", `names and metadata must fit ${maxHeaderBytes} bytes, got ${header}`);
  const out = new Uint8Array(8 + header + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(header), true);
  out.set(json, 8);
  out.fill(0x20, 8 + json.length, 8 + header);
  let at = 8 + header;
  for (const { values } of entries) {
    out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return out;
}

/**
 * The tensors and metadata in a file's bytes. F32, I32, U8 and BOOL stay what they are; F64, F16 and BF16 become f32,
 * other integers i32.
 * @throws if the bytes are no such file, lie about sizes, or hold an integer beyond 32 bits
 */
export function parse(bytes: Uint8Array): Contents {
  if (!(bytes instanceof Uint8Array)) {
    fail("safetensors", `bytes must be a Uint8Array or a Buffer, got ${show(bytes)}`);
  }
  const { entries, metadata } = readHeader(bytes);
  const tensors: Record<string, Constant> = Object.create(null);
  for (const { name, element, type, shape, begin, end } of entries) {
    // A copy: the file's bytes need not be aligned, and the tensor must not keep them all alive.
    const own = new Uint8Array(end - begin);
    own.set(bytes.subarray(begin, end));
    const values = element.decode(own.buffer);
    if (!values) fail("safetensors", `tensor ${show(name)} must fit 32 bits, got larger values in ${type}`);
    tensors[name] = new Constant(values, shape, element.dtype);
  }
  return { tensors, metadata };
}

/** The same with the values of lazy tensors, computed in one run. */
async function readAll(tensors: Readonly<Record<string, Tensor | Stored>>): Promise<Record<string, Stored>> {
  const entries = Object.entries(tensors);
  const lazy = entries.flatMap(([, tensor]) => (isLazy(tensor) ? [tensor] : []));
  const values = lazy.length ? await read(lazy) : [];
  const stored: Record<string, Stored> = Object.create(null);
  for (const [name, tensor] of entries) {
    // What is not lazy is left for serialize to check.
    stored[name] = isLazy(tensor)
      ? { dtype: tensor.dtype, shape: tensor.shape, values: values[lazy.indexOf(tensor)] }
      : (tensor as Stored);
  }
  return stored;
}

/**
 * Writes tensors to a file; lazy ones are read first. The file appears whole or not at all.
 * @param path where; an existing file is replaced
 * @param metadata strings by name, kept beside the tensors
 * @example await safetensors.save("model.safetensors", { weight: tensor([[1, 2]]) });
 */
export async function save(
  path: string,
  tensors: Readonly<Record<string, Tensor | Stored>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (typeof tensors !== "object" || tensors === null)
    fail("safetensors", `tensors must be an object, got ${show(tensors)}`);
  const bytes = serialize(await readAll(tensors), metadata);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await fs.writeFile(temporary, bytes);
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    fail("safetensors", `${path} must be writable, got: ${reason}`);
  }
}

/**
 * Reads the tensors and metadata of a file.
 * @throws if it cannot be read or is not a sound safetensors file; see {@link parse}
 * @example const { tensors, metadata } = await safetensors.load("model.safetensors");
 */
export async function load(path: string): Promise<Contents> {
  let bytes: Uint8Array;
  try {
    bytes = await fs.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail("safetensors", `${path} must be readable, got: ${reason}`);
  }
  return parse(bytes);
}
