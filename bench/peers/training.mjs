// What peers in JavaScript share: reading files of numbers, a case's layers, rows in batches, and where
// they are installed.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

function bytesOf(path) {
  const bytes = readFileSync(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

export const floats = (path) => new Float32Array(bytesOf(path));
export const whole = (path) => new Int32Array(bytesOf(path));

/** The layers of a case, in order: { kind, ins, outs, weight }, where weight is (outs, ins). */
export function layersOf(spec) {
  let width = spec.inputs;
  let at = 0;
  return spec.layers.split(" ").map((layer) => {
    const [kind, outs = width] = layer.split(":");
    const made = { kind, ins: width, outs: Number(outs), weight: undefined };
    if (kind === "linear") made.weight = floats(spec[`w${at++}`]);
    width = made.outs;
    return made;
  });
}

/** (rows, columns) as (columns, rows). */
export function transposed(values, rows, columns) {
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j];
  return out;
}

/** Indices of batches without end: `size` rows of `rows`, in new order each time round if shuffled. */
export function* batches(rows, size, shuffle) {
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  for (;;) {
    for (let i = rows - 1; shuffle && i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    for (let at = 0; at + size <= rows; at += size) yield order.slice(at, at + size);
  }
}

/** What footprint.mjs wants to know of a package that is installed under bench/. */
export const footprintOf = (name) => ({
  folder: fileURLToPath(new URL("..", import.meta.url)),
  name,
  esm: `import ${JSON.stringify(import.meta.resolve(name))}`,
  cjs: `require(${JSON.stringify(fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url)))})`,
});
