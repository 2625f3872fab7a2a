// safetensors files: a fixture by the format's specification, round trips, and every lie a file can tell.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { load, parse, type Stored, save, serialize } from "../lib/data/safetensors.js";
import { EvengradError } from "../lib/error.js";
import { arange, tensor } from "../lib/ops/index.js";
import { useExecutor } from "../lib/run/index.js";
import { Variable } from "../lib/tensor.js";

const folder = mkdtempSync(join(tmpdir(), "evengrad-safetensors-"));
beforeAll(() => useExecutor("reference"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Header length, header, data: the layout that the specification gives, with the length as claimed. */
function file(header: string, data: readonly number[] = [], length = BigInt(Buffer.byteLength(header))): Uint8Array {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length);
  return Buffer.concat([size, Buffer.from(header), Uint8Array.from(data)]);
}
const entry = (dtype: string, shape: string, from: number, to: number): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;
const one = (dtype: string, shape: string, data: readonly number[]): Uint8Array =>
  file(`{"t":${entry(dtype, shape, 0, data.length)}}`, data);
const read = (bytes: Uint8Array): number[] => [...parse(bytes).tensors.t.values];

// What the format's own library writes: widest type first, then by name, the header padded to 8 bytes.
const tensors = {
  mask: tensor([true, false]),
  "a.bias": tensor([1], [1], "i32"),
  weight: tensor([[1, -2.5]]),
  bytes: tensor(Uint8Array.of(7)),
  scale: tensor(3),
};
const fixture = Uint8Array.from([
  ...[0x48, 0x01, 0, 0, 0, 0, 0, 0], // 328
  ...Buffer.from(
    '{"__metadata__":{"by":"hand"},' +
      '"scale":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
      '"weight":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]},' +
      '"a.bias":{"dtype":"I32","shape":[1],"data_offsets":[12,16]},' +
      '"bytes":{"dtype":"U8","shape":[1],"data_offsets":[16,17]},' +
      '"mask":{"dtype":"BOOL","shape":[2],"data_offsets":[17,19]}}    ',
  ),
  ...[0x00, 0x00, 0x40, 0x40], // 3
  ...[0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x20, 0xc0], // 1, −2.5
  ...[1, 0, 0, 0],
  7,
  ...[1, 0],
]);

describe("the fixture", () => {
  test("is what serialize writes", () => {
    const bytes = serialize(tensors, { by: "hand" });
    expect(Buffer.from(bytes).toString("latin1")).toBe(Buffer.from(fixture).toString("latin1"));
  });

  test("is read back, also from an odd offset of a larger buffer", () => {
    for (const bytes of [fixture, Uint8Array.from([0, ...fixture]).subarray(1), Buffer.from(fixture)]) {
      const contents = parse(bytes);
      expect({ ...contents.metadata }).toEqual({ by: "hand" });
      expect(Object.keys(contents.tensors)).toEqual(["scale", "weight", "a.bias", "bytes", "mask"]);
      for (const [name, { dtype, shape, values }] of Object.entries(tensors)) {
        const got = contents.tensors[name];
        expect([got.dtype, got.shape, got.values]).toEqual([dtype, shape, values]);
      }
    }
  });

  test("cut off anywhere is refused", () => {
    for (let length = 0; length < fixture.length; length++) {
      expect(() => parse(fixture.subarray(0, length)), `${length} bytes`).toThrow(EvengradError);
    }
  });
});

describe("parse", () => {
  test.each([
    ["F64", [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], 1.5],
    ["F16", [0x00, 0xc1], -2.5],
    ["F16", [0x01, 0x00], 2 ** -24],
    ["F16", [0xff, 0x7b], 65504],
    ["F16", [0x00, 0xfc], -Infinity],
    ["F16", [0x01, 0x7c], Number.NaN],
    ["F16", [0x00, 0x80], -0],
    ["BF16", [0x20, 0xc0], -2.5],
    ["BF16", [0xc0, 0x7f], Number.NaN],
    ["I64", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], -1],
    ["I64", [0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0], 2 ** 31 - 1],
    ["I32", [0, 0, 0, 0x80], -(2 ** 31)],
    ["I16", [0xfe, 0xff], -2],
    ["I8", [0xfd], -3],
    ["U32", [0xff, 0xff, 0xff, 0x7f], 2 ** 31 - 1],
    ["U16", [0xff, 0xff], 65535],
    ["U8", [0xff], 255],
    ["BOOL", [7], 1],
  ])("reads %s %o", (dtype, data, value) => {
    expect(read(one(dtype, "[]", data))).toEqual([value]);
  });

  test("takes names that objects have of their own for names", () => {
    const header = `{"__proto__":${entry("U8", "[1]", 0, 1)},"toString":${entry("U8", "[1]", 1, 2)},"__metadata__":{"__proto__":"x"}}`;
    const contents = parse(file(header, [5, 6]));
    expect(Object.entries(contents.tensors).map(([name, t]) => [name, t.values[0]])).toEqual([
      ["__proto__", 5],
      ["toString", 6],
    ]);
    expect(Object.entries(contents.metadata)).toEqual([["__proto__", "x"]]);
    expect(contents.tensors.hasOwnProperty).toBeUndefined();
    expect(Object.entries(parse(serialize(contents.tensors, contents.metadata)).tensors)).toHaveLength(2);
  });

  test("reads empty tensors and files of none", () => {
    expect(parse(one("F32", "[0,3]", [])).tensors.t.shape).toEqual([0, 3]);
    expect(Object.keys(parse(file("{}   ")).tensors)).toEqual([]);
  });

  const u8 = (from: number, to: number): string => entry("U8", `[${to - from}]`, from, to);
  test.each([
    ["nothing", new Uint8Array(3), "a file must have at least 8 bytes, got 3. It is cut off"],
    ["a long header", file("{}", [], 3n), "header of 3 bytes must fit into the file, got 10 bytes. It is cut off"],
    [
      "an absurd header",
      file("{}", [], 2n ** 64n - 1n),
      "header must have at most 100000000 bytes, got 18446744073709552000.",
    ],
    ["no header", file(""), 'header must begin with {, got ""'],
    ["an array", file("[]"), 'header must begin with {, got "[]"'],
    ["space before", file(" {}"), 'header must begin with {, got " {}"'],
    ["cut-off JSON", file('{"t":'), "header must be JSON, got: "],
    ["bad UTF-8", Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff]), "header must be UTF-8, got invalid bytes"],
    ["a null entry", file('{"t":null}'), 'tensor "t" must be described by an object, got null'],
    ["a list entry", file('{"t":[1]}'), 'tensor "t" must be described by an object, got [1]'],
    ["an unknown dtype", one("F4", "[1]", [1]), 'tensor "t" must have a dtype of F64, F32, F16, BF16, I64'],
    ["no dtype", file('{"t":{}}'), "got undefined"],
    ["a negative size", one("U8", "[-1]", [1]), 'tensor "t" must have a shape of whole numbers, got [-1]'],
    ["a fraction", one("U8", "[0.5]", [1]), 'tensor "t" must have a shape of whole numbers, got [0.5]'],
    ["a shape that is no list", one("U8", "3", [1]), "must have a shape of whole numbers, got 3"],
    [
      "an enormous shape",
      one("U8", "[1e15,1e15,1e15]", [1]),
      'tensor "t" must fit into memory, got shape [1000000000000000,',
    ],
    ["an enormous empty shape", one("U8", "[1e15,1e15,0]", []), "must fit into memory"],
    [
      "short offsets",
      file('{"t":{"dtype":"U8","shape":[1],"data_offsets":[0]}}', [1]),
      "must have data_offsets [begin, end] in whole numbers, got [0]",
    ],
    [
      "negative offsets",
      file(`{"t":${entry("U8", "[1]", -1, 0)}}`),
      "must have data_offsets [begin, end] in whole numbers, got [-1,0]",
    ],
    [
      "reversed offsets",
      file(`{"t":${entry("U8", "[1]", 1, 0)}}`),
      'tensor "t" must have 1 bytes for U8[1], got data_offsets [1,0]',
    ],
    [
      "a shape of other length",
      one("F32", "[2]", [1, 2, 3, 4]),
      'tensor "t" must have 8 bytes for F32[2], got data_offsets [0,4]',
    ],
    [
      "offsets beyond the file",
      file(`{"t":${u8(0, 9)}}`, [1]),
      "file must have 70 bytes by its header, got 62. The file is cut off",
    ],
    ["bytes after", file(`{"t":${u8(0, 1)}}`, [1, 2]), "got 63. Bytes trail after the tensors"],
    [
      "an overlap",
      file(`{"a":${u8(0, 2)},"b":${u8(1, 3)}}`, [1, 2, 3]),
      'tensors must follow each other, got "b" at 1 where 2 was next: it overlaps the one before',
    ],
    [
      "a hole",
      file(`{"a":${u8(0, 1)},"b":${u8(2, 3)}}`, [1, 2, 3]),
      'got "b" at 2 where 1 was next: it leaves a hole before it',
    ],
    [
      "a hole at the start",
      file(`{"a":${u8(1, 2)}}`, [1, 2]),
      'got "a" at 1 where 0 was next: it leaves a hole before it',
    ],
    [
      "a repeated name",
      file(`{"a":${u8(0, 1)},"\\u0061":${u8(0, 1)}}`, [1]),
      'header must name each key once, got "a" twice',
    ],
    [
      "a repeated key",
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', [1]),
      'got "dtype" twice',
    ],
    ["a repeated key after escapes", file('{"__metadata__":{"k":"\\"{\\\\","k" :"}"}}'), 'got "k" twice'],
    ["metadata of numbers", file('{"__metadata__":{"a":1}}'), '__metadata__ must hold strings, got 1 for "a"'],
    ["metadata of a list", file('{"__metadata__":[]}'), "__metadata__ must be an object of strings, got []"],
    [
      "a large I64",
      one("I64", "[]", [0, 0, 0, 0, 1, 0, 0, 0]),
      'tensor "t" must fit 32 bits, got larger values in I64',
    ],
    ["an I64 just too large", one("I64", "[]", [0, 0, 0, 0x80, 0, 0, 0, 0]), "must fit 32 bits"],
    ["a large U32", one("U32", "[]", [0, 0, 0, 0x80]), "must fit 32 bits, got larger values in U32"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => parse(bytes)).toThrow("safetensors: ");
    expect(() => parse(bytes)).toThrow(message);
  });

  test("bears long strings of escapes in the header", () => {
    const long = "\\n".repeat(5e6);
    expect(parse(file(`{"__metadata__":{"a":"${long}"}}`)).metadata.a).toHaveLength(5e6);
  });

  test("refuses what is no bytes", () => {
    expect(() => parse("{}" as never)).toThrow('safetensors: bytes must be a Uint8Array or a Buffer, got "{}"');
  });
});

describe("any bytes give contents or an error of ours", () => {
  const tryParse = (bytes: Uint8Array): void => {
    try {
      for (const t of Object.values(parse(bytes).tensors)) expect(t.values.length).toBe(t.size);
    } catch (error) {
      if (!(error instanceof EvengradError)) throw error;
    }
  };
  const byte = fc.integer({ min: 0, max: 255 });

  test("random ones, bare and as a header", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), tryParse), { numRuns: 200 });
    fc.assert(
      fc.property(fc.json(), (json) => tryParse(file(json, [1, 2, 3]))),
      { numRuns: 200 },
    );
    const field = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 3 }));
    const described = fc.record({ dtype: fc.constantFrom("U8", "F16", "I64"), shape: field, data_offsets: field });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), described), (header) => tryParse(file(JSON.stringify(header), [1, 2]))),
      { numRuns: 200 },
    );
  });

  test("a sound file with bytes changed", () => {
    const changes = fc.array(fc.tuple(fc.nat(fixture.length - 1), byte), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(changes, (list) => {
        const bytes = Uint8Array.from(fixture);
        for (const [at, value] of list) bytes[at] = value;
        tryParse(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe("serialize", () => {
  test("anything it writes is read back equal", () => {
    const stored = fc.oneof(
      fc.float32Array().map((values): Stored => ({ dtype: "f32", shape: [values.length], values })),
      fc.int32Array().map((values): Stored => ({ dtype: "i32", shape: [1, values.length], values })),
      fc.uint8Array().map((values): Stored => ({ dtype: "u8", shape: [values.length, 1, 1], values })),
      fc.boolean().map((x): Stored => ({ dtype: "bool", shape: [], values: Uint8Array.of(Number(x)) })),
    );
    const name = fc.string({ unit: "grapheme" }).filter((s) => s !== "__metadata__");
    fc.assert(
      fc.property(
        fc.dictionary(name, stored),
        fc.dictionary(name, fc.string({ unit: "grapheme" })),
        (given, metadata) => {
          const bytes = serialize(given, metadata);
          expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
          const contents = parse(bytes);
          expect(Object.keys(contents.tensors).sort()).toEqual(Object.keys(given).sort());
          for (const [key, { dtype, shape, values }] of Object.entries(given)) {
            const got = contents.tensors[key];
            expect([got.dtype, got.shape, got.values]).toEqual([dtype, shape, values]);
          }
          expect(Object.entries(contents.metadata).sort()).toEqual(Object.entries(metadata).sort());
        },
      ),
      { numRuns: 100 },
    );
  });

  const f32 = (values: unknown, shape: unknown = [1]): unknown => ({ t: { dtype: "f32", shape, values } });
  test.each([
    [null, undefined, "safetensors: tensors must be an object, got null"],
    [{ t: 3 }, undefined, 'safetensors: tensor "t" must be { dtype, shape, values }, got 3'],
    [{ t: null }, undefined, 'safetensors: tensor "t" must be { dtype, shape, values }, got null'],
    [
      { t: tensor([1]).add(1) },
      undefined,
      'tensor "t" must have its values, got the lazy Tensor(f32[1] add). Use save',
    ],
    [{ __metadata__: tensor([1]) }, undefined, "safetensors: a tensor must not be named __metadata__. Rename it"],
    [f32([1]), undefined, 'tensor "t" must have values in a Float32Array(1) for f32[1], got [1]'],
    [f32(Float32Array.of(1, 2)), undefined, "must have values in a Float32Array(1) for f32[1], got Float32Array(2)"],
    [f32(Int32Array.of(1)), undefined, "must have values in a Float32Array(1) for f32[1], got Int32Array(1)"],
    [f32(Float32Array.of(1), [-1]), undefined, "safetensors: shape must be a list of whole numbers, got [-1]"],
    [{}, { a: 1 }, 'safetensors: metadata must hold strings, got 1 for "a"'],
  ])("refuses %o", (given, metadata, message) => {
    expect(() => serialize(given as never, metadata as never)).toThrow(message);
  });
});

describe("save and load", () => {
  test("write lazy tensors and variables, replace the file, leave nothing beside it", async () => {
    const path = join(folder, "model.safetensors");
    writeFileSync(path, "old");
    const lazy = arange(3).mul(2);
    await save(
      path,
      { lazy, again: lazy, held: new Variable(tensor([4, 5])), plain: tensor([1], [1], "i32") },
      { a: "b" },
    );
    const { tensors: got, metadata } = await load(path);
    expect(metadata.a).toBe("b");
    const values = Object.entries(got).map(([name, t]) => [name, t.dtype, [...t.values]]);
    expect(values).toEqual([
      ["again", "f32", [0, 2, 4]],
      ["held", "f32", [4, 5]],
      ["lazy", "f32", [0, 2, 4]],
      ["plain", "i32", [1]],
    ]);
    expect(readdirSync(folder)).toEqual(["model.safetensors"]);
  });

  test("say why a file cannot be read or written", async () => {
    await expect(load(join(folder, "none"))).rejects.toThrow("none must be readable, got: ENOENT");
    await expect(save(join(folder, "no", "file"), {})).rejects.toThrow("file must be writable, got: ENOENT");
    await expect(save(join(folder, "x"), null as never)).rejects.toThrow("tensors must be an object, got null");
    await expect(save(join(folder, "x"), { t: null as never })).rejects.toThrow('tensor "t" must be { dtype');
    writeFileSync(join(folder, "bad"), "x");
    await expect(load(join(folder, "bad"))).rejects.toThrow("at least 8 bytes, got 1");
  });
});
