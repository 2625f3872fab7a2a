/** The header of a safetensors file, read with every claim checked before anything is allocated. */
import { fail, show } from "../error.js";
import { maxElements, showShape } from "../shape.js";
import { type FileElement, fileElements } from "./elements.js";

/** Longest header, as the reference implementation has it. */
export const maxHeaderBytes = 100_000_000;

/** What a header says of one tensor; `begin` and `end` count from the start of the file. */
export interface Entry {
  readonly name: string;
  readonly element: FileElement;
  readonly type: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A checked header. */
export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: Record<string, string>;
}

const refuse = (message: string): never => fail("safetensors", message);

type Json = Readonly<Record<string, unknown>>;
const isObject = (x: unknown): x is Json => typeof x === "object" && x !== null && !Array.isArray(x);

/** JSON.parse keeps the last of equal keys, so two readers may see two files: this finds the first repeated one. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    if (json[i] === "{") open.push(new Set());
    else if (json[i] === "}") open.pop();
    if (json[i] !== '"') continue;
    // By hand: a regular expression overflows V8's stack on a long string of escapes.
    const start = i++;
    while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
    let next = i + 1;
    while (/\s/.test(json[next])) next++;
    if (json[next] !== ":") continue;
    const key = JSON.parse(json.slice(start, i + 1)) as string;
    const keys = open[open.length - 1];
    if (keys.has(key)) return key;
    keys.add(key);
  }
  return undefined;
}

function parseJson(bytes: Uint8Array): Json {
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    refuse("header must be UTF-8, got invalid bytes");
  }
  if (!text.startsWith("{")) refuse(`header must begin with {, got ${show(text.slice(0, 8))}`);
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    refuse(`header must be JSON, got: ${error instanceof Error ? error.message : String(error)}`);
  }
  const twice = repeatedKey(text);
  if (twice !== undefined) refuse(`header must name each key once, got ${show(twice)} twice`);
  return isObject(header) ? header : refuse("header must be a JSON object");
}

function readMetadata(metadata: unknown): Record<string, string> {
  const out: Record<string, string> = Object.create(null);
  if (metadata === undefined) return out;
  if (!isObject(metadata)) return refuse(`__metadata__ must be an object of strings, got ${show(metadata)}`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") refuse(`__metadata__ must hold strings, got ${show(value)} for ${show(key)}`);
    out[key] = value as string;
  }
  return out;
}

const isSize = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;
const areSizes = (x: unknown): x is number[] => Array.isArray(x) && x.every(isSize);

function readEntry(name: string, entry: unknown, start: number): Entry {
  const tensor = `tensor ${show(name)}`;
  if (!isObject(entry)) return refuse(`${tensor} must be described by an object, got ${show(entry)}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  const element = typeof dtype === "string" ? fileElements.get(dtype) : undefined;
  if (!element) {
    return refuse(`${tensor} must have a dtype of ${[...fileElements.keys()].join(", ")}, got ${show(dtype)}`);
  }
  if (!areSizes(shape)) return refuse(`${tensor} must have a shape of whole numbers, got ${show(shape)}`);
  if (!areSizes(offsets) || offsets.length !== 2) {
    return refuse(`${tensor} must have data_offsets [begin, end] in whole numbers, got ${show(offsets)}`);
  }
  let size = 1;
  for (const n of shape) {
    // Before any 0 that follows, as a checked multiplication would.
    size *= n;
    if (size > maxElements) refuse(`${tensor} must fit into memory, got shape ${showShape(shape)}`);
  }
  const [begin, end] = offsets;
  if (end - begin !== size * element.bytes) {
    const need = `${size * element.bytes} bytes for ${dtype}${showShape(shape)}`;
    refuse(`${tensor} must have ${need}, got data_offsets ${showShape(offsets)}`);
  }
  return { name, element, type: dtype as string, shape, begin: start + begin, end: start + end };
}

/** Reads and checks the header of a whole file's bytes: tensors fill what follows it without holes or overlaps. */
export function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < 8) refuse(`a file must have at least 8 bytes, got ${bytes.length}. It is cut off`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (length > maxHeaderBytes) {
    refuse(`header must have at most ${maxHeaderBytes} bytes, got ${length}. Is this a safetensors file?`);
  }
  const start = 8 + length;
  if (start > bytes.length) {
    refuse(`header of ${length} bytes must fit into the file, got ${bytes.length} bytes. It is cut off`);
  }
  const { __metadata__: metadata, ...tensors } = parseJson(bytes.subarray(8, start));
  const entries = Object.entries(tensors).map(([name, entry]) => readEntry(name, entry, start));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = start;
  for (const { name, begin, end } of entries) {
    if (begin !== at) {
      const trouble = begin < at ? "overlaps the one before" : "leaves a hole before it";
      refuse(
        `tensors must follow each other, got ${show(name)} at ${begin - start} where ${at - start} was next: it ${trouble}`,
      );
    }
    at = end;
  }
  if (at !== bytes.length) {
    const trouble = at > bytes.length ? "The file is cut off" : "Bytes trail after the tensors";
    refuse(`file must have ${at} bytes by its header, got ${bytes.length}. ${trouble}`);
  }
  return { entries, metadata: readMetadata(metadata) };
}
