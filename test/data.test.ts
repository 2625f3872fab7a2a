// Data sets: columns, order, batches, splits, checks, and every bad input with its message.
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { collect } from "../lib/compile/graph.js";
import { DataSet, fromArrays } from "../lib/data/index.js";
import { Generator, seed, tensor } from "../lib/ops/index.js";
import { useExecutor } from "../lib/run/index.js";
import { type Constant, Feed } from "../lib/tensor.js";
import { executors } from "./helpers.js";

const indices = (...list: number[]): Constant => tensor(list, [list.length], "i32");
/** n rows: x is [i, 10i], y is i. */
const counting = (n: number): DataSet =>
  fromArrays({
    x: Array.from({ length: n }, (_, i) => [i, 10 * i]),
    y: Array.from({ length: n }, (_, i) => i),
  });
const rowsOf = async (set: DataSet): Promise<number[]> =>
  (await set.batch(indices(...set.order())).y.array()) as number[];

describe.each(executors)("on %s", (executor) => {
  beforeAll(() => useExecutor(executor));

  describe("batch", () => {
    test("gathers both columns, labels as i32", async () => {
      const { x, y } = counting(5).batch(indices(3, 1, 1));
      expect([x.dtype, y.dtype]).toEqual(["f32", "i32"]);
      expect(await x.array()).toEqual([
        [3, 30],
        [1, 10],
        [1, 10],
      ]);
      expect(await y.array()).toEqual([3, 1, 1]);
    });

    test("reads bytes as x/255 and keeps them bytes", async () => {
      const set = fromArrays({ x: Uint8Array.of(0, 51, 102, 255), xShape: [2, 2], y: [0, 1] });
      expect(set.x.values).toBeInstanceOf(Uint8Array);
      expect(await set.batch(indices(1, 0)).x.array()).toEqual(
        [
          [Math.fround(102 / 255), 1],
          [0, Math.fround(51 / 255)],
        ].map((row) => row.map((v) => expect.closeTo(v, 6))),
      );
    });

    test("applies mean and std", async () => {
      const set = new DataSet(tensor([[1], [3]]), tensor([0.5, 1.5]), { mean: 1, std: 2 });
      const { x, y } = set.batch(indices(0, 1));
      expect(await x.array()).toEqual([[0], [1]]);
      expect(await y.array()).toEqual([0.5, 1.5]);
      expect(y.dtype).toBe("f32");
    });

    test("passes integer inputs as they are", () => {
      const set = fromArrays({ x: Int32Array.of(7, 8), y: [0, 1] });
      expect(set.batch(indices(0)).x.dtype).toBe("i32");
    });

    test("has one structure for all batches of one size, also for a feed and after a split", () => {
      const [part] = counting(8).split(6, { shuffle: false });
      const shape = (t: { x: Constant["inputs"][0] }): string =>
        collect({ outputs: [t.x] })
          .nodes.map((n) => `${n}${JSON.stringify(n.attrs)}`)
          .join();
      expect(shape(part.batch(indices(0, 1)))).toBe(shape(part.batch(indices(5, 3))));
      const feed = new Feed(() => [0, 1], Int32Array.of(0, 1), [2], "i32");
      const replayed = shape(part.batch(feed)).replace("feed", "constant");
      expect(replayed).toBe(shape(part.batch(indices(5, 3))));
    });

    test("refuses indices that are no i32 list", () => {
      const set = counting(3);
      expect(() => set.batch(tensor([0, 1]))).toThrow(
        'batch: indices must be an i32 tensor of one axis, got Tensor(f32[2] constant). Use tensor(list, [n], "i32")',
      );
      expect(() => set.batch([1] as never)).toThrow("got [1]");
    });

    test("refuses an index beyond the set when it is read", async () => {
      await expect(counting(3).batch(indices(0, 3)).x.data()).rejects.toThrow(
        "gather: index 3 at position 1 is out of range for size 3",
      );
    });
  });

  describe("order", () => {
    test("is a permutation that depends on the seed and the epoch alone", () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(), (n, value) => {
          const [a, b] = [new Generator(value), new Generator(value)];
          const set = counting(n);
          const first = set.order({ shuffle: true, generator: a });
          expect([...first].sort((p, q) => p - q)).toEqual([...set.order()]);
          expect(set.order({ shuffle: true, generator: b })).toEqual(first);
          expect(a.state()).toEqual(b.state());
        }),
        { numRuns: 30 },
      );
      const generator = new Generator(1);
      const set = counting(20);
      const epochs = [0, 1].map(() => set.order({ shuffle: true, generator }));
      expect(epochs[0]).not.toEqual(epochs[1]);
    });

    test("is uniform: every row comes first equally often", () => {
      const generator = new Generator(3);
      const first = [0, 0, 0, 0];
      for (let i = 0; i < 4000; i++) first[counting4.order({ shuffle: true, generator })[0]]++;
      // σ = √(4000·¼·¾) ≈ 27.4
      for (const count of first) expect(Math.abs(count - 1000)).toBeLessThan(5 * 27.4);
    });
    const counting4 = counting(4);

    test("draws from the default generator unless told", () => {
      seed(5);
      const a = counting(30).order({ shuffle: true });
      seed(5);
      expect(counting(30).order({ shuffle: true })).toEqual(a);
    });
  });

  describe("batches", () => {
    const collectRows = async (batches: AsyncIterable<{ y: Constant["inputs"][0] }>) => {
      const rows: number[][] = [];
      for await (const { y } of batches) rows.push((await y.array()) as number[]);
      return rows;
    };

    test("cover every row once, the last one smaller", async () => {
      const batches = counting(7).batches({ size: 3 });
      expect(batches.length).toBe(3);
      expect(await collectRows(batches)).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    });

    test("leave out the last one if told", async () => {
      const batches = counting(7).batches({ size: 3, dropLast: true });
      expect(batches.length).toBe(2);
      expect(await collectRows(batches)).toEqual([
        [0, 1, 2],
        [3, 4, 5],
      ]);
    });

    test("are shuffled anew in each epoch, equally for equal seeds", async () => {
      const epochs = async (): Promise<number[][]> => {
        const batches = counting(20).batches({ size: 20, shuffle: true, generator: new Generator(9) });
        return [...(await collectRows(batches)), ...(await collectRows(batches))];
      };
      const [one, two] = await epochs();
      expect(one).not.toEqual(two);
      expect(new Set(one).size).toBe(20);
      expect(await epochs()).toEqual([one, two]);
    });

    test("work with a plain for", () => {
      const shapes = [];
      for (const { x } of counting(5).batches({ size: 2 })) shapes.push(x.shape);
      expect(shapes).toEqual([
        [2, 2],
        [2, 2],
        [1, 2],
      ]);
    });

    test.each([
      [{ size: 8 }, "batches: size must be at most the 7 rows of the data set, got 8. Use a smaller batch"],
      [{ size: 0 }, "batches: size must be a whole number at least 1, got 0"],
      [{ size: 2.5 }, "batches: size must be a whole number at least 1, got 2.5"],
      [{}, "batches: size must be a whole number at least 1, got undefined"],
      [{ size: 2, shufle: true }, 'batches: unknown option "shufle". Did you mean "shuffle"?'],
      [{ size: 2, shuffle: 1 }, "batches: shuffle must be true or false, got 1"],
      [{ size: 2, dropLast: "yes" }, 'batches: dropLast must be true or false, got "yes"'],
      [{ size: 2, generator: 3 }, "batches: generator must be a Generator, got 3. Make one with new Generator(seed)"],
    ])("refuse %o", (options, message) => {
      expect(() => counting(7).batches(options as never)).toThrow(message);
    });

    test("refuse to be asked without options", () => {
      expect(() => counting(7).batches(undefined as never)).toThrow("batches: size must be a whole number");
    });
  });

  describe("split, take and rows", () => {
    test("fractions cover every row and share the columns", async () => {
      const set = counting(11);
      const parts = set.split(0.5, 0.3, 0.2, { generator: new Generator(2) });
      expect(parts.map((p) => p.size)).toEqual([6, 3, 2]);
      expect(parts.every((p) => p.x === set.x && p.y === set.y)).toBe(true);
      const rows = (await Promise.all(parts.map(rowsOf))).flat();
      expect(rows).not.toEqual([...set.order()]);
      expect(rows.sort((a, b) => a - b)).toEqual([...set.order()]);
    });

    test("what is left over becomes a last set", () => {
      expect(
        counting(10)
          .split(0.8)
          .map((p) => p.size),
      ).toEqual([8, 2]);
      expect(
        counting(10)
          .split(3, 4)
          .map((p) => p.size),
      ).toEqual([3, 4, 3]);
      expect(
        counting(10)
          .split(10)
          .map((p) => p.size),
      ).toEqual([10]);
    });

    test("fractions of any size of set add up", () => {
      fc.assert(
        fc.property(fc.integer({ min: 10, max: 500 }), (n) => {
          expect(
            counting(n)
              .split(0.7, 0.2, 0.1, { shuffle: false })
              .map((p) => p.size),
          ).toHaveLength(3);
        }),
        { numRuns: 40 },
      );
    });

    test("parts of parts read the right rows", async () => {
      const [, rest] = counting(10).split(4, { shuffle: false });
      const part = rest.rows([5, 0, 0]).take(2);
      expect(await rowsOf(part)).toEqual([9, 4]);
      expect(await part.batch(indices(1)).x.array()).toEqual([[4, 40]]);
    });

    test.each([
      [[], "split: wants at least one fraction or count, got none. Try split(0.9, 0.1)"],
      [[0.9, 0.2], "split: parts must sum to at most 1, got [0.9,0.2] with sum 1.1"],
      [[6, 7], "split: parts must sum to at most the 10 rows, got [6,7] with sum 13. Make one smaller"],
      [[0.5, 5], "split: parts must be all fractions below 1 or all whole numbers of rows, got [0.5,5]"],
      [[-1], "split: parts must be all fractions below 1 or all whole numbers of rows, got [-1]"],
      [[0.01, 0.99], "split: every part must have a row, got none for part 0 of 10 rows"],
      [["a"], 'split: parts must be numbers, got "a"'],
      [[0.5, { sufle: true }], 'split: unknown option "sufle"'],
    ])("split refuses %o", (parts, message) => {
      expect(() => counting(10).split(...(parts as number[]))).toThrow(message);
    });

    test("take and rows refuse what is not there", () => {
      expect(() => counting(3).take(4)).toThrow("take: n must be a whole number at least 1 and at most 3, got 4");
      expect(() => counting(3).rows([0, 3])).toThrow(
        "rows: rows must be whole numbers from 0 to 2, got 3 at position 1",
      );
      expect(() => counting(3).rows([])).toThrow("rows: must keep at least one row, got none");
      expect(() => counting(3).rows("01" as never)).toThrow('rows: rows must be a list of positions, got "01"');
    });
  });

  describe("check", () => {
    const dirty = (): DataSet =>
      fromArrays({
        x: [
          [1, 2],
          [3, Number.NaN],
          [5, Infinity],
        ],
        y: [0.5, 1, -Infinity],
      });

    test("names the column and the first row", async () => {
      await expect(dirty().check()).rejects.toThrow(
        "DataSet: x must be finite, got NaN or infinity in row 1. Remove the row with rows(…) or mend its values",
      );
      await expect(fromArrays({ x: [[1], [2]], y: [0.5, Infinity] }).check()).rejects.toThrow(
        "DataSet: y must be finite, got NaN or infinity in row 1",
      );
    });

    test("looks at the rows of the set alone, and passes when they are clean", async () => {
      await dirty().rows([0, 0]).check();
      await expect(dirty().rows([0, 2]).check()).rejects.toThrow("in row 1");
    });

    test("for await refuses before the first batch", async () => {
      const loop = async (): Promise<void> => {
        for await (const _ of dirty().batches({ size: 1 })) throw new Error("a batch came");
      };
      await expect(loop()).rejects.toThrow("x must be finite");
    });
  });

  describe("fromArrays", () => {
    test.each([
      ["whole numbers in a list", [0, 1], "i32"],
      ["a list with a fraction", [0, 1.5], "f32"],
      ["lists", [[0], [1]], "f32"],
      ["Int32Array", Int32Array.of(0, 1), "i32"],
      ["Uint8Array", Uint8Array.of(0, 1), "i32"],
      ["Int8Array", Int8Array.of(0, -1), "i32"],
      ["Uint32Array", Uint32Array.of(0, 1), "i32"],
      ["Float32Array", Float32Array.of(0, 1), "f32"],
      ["Float64Array", Float64Array.of(0, 1), "f32"],
      ["a tensor of integers", tensor([0, 1], [2], "i32"), "i32"],
      ["a tensor of floats", tensor([0, 1]), "f32"],
      ["flags", [true, false], "f32"],
    ])("y of %s", (_, y, dtype) => {
      expect(fromArrays({ x: [[1], [2]], y }).batch(indices(0)).y.dtype).toBe(dtype);
    });

    test("labels decides", async () => {
      const x = [[1], [2]];
      const targets = fromArrays({ x, y: Int32Array.of(3, 4), labels: false }).batch(indices(1)).y;
      expect([targets.dtype, await targets.array()]).toEqual(["f32", [4]]);
      const labels = fromArrays({ x, y: Float32Array.of(3, 4), labels: true }).batch(indices(1)).y;
      expect([labels.dtype, await labels.array()]).toEqual(["i32", [4]]);
      expect(() => fromArrays({ x, y: [0, 1.5], labels: true })).toThrow(
        "fromArrays: labels must be whole numbers, got 1.5 at position 1. Leave out labels: true",
      );
      expect(() => fromArrays({ x, y: Float32Array.of(0, 2 ** 31), labels: true })).toThrow("at position 1");
    });

    test("copies", () => {
      const x = Float32Array.of(1, 2);
      const set = fromArrays({ x, y: [0, 1] });
      x[0] = 9;
      expect(set.x.values[0]).toBe(1);
    });

    test.each([
      [undefined, "fromArrays: wants { x, y }, got undefined"],
      [{ x: [[1]] }, "fromArrays: y must be given, got undefined"],
      [{ x: [[1]], y: [0], labells: true }, 'fromArrays: unknown option "labells". Did you mean "labels"?'],
      [{ x: [[1]], y: [0], labels: 1 }, "fromArrays: labels must be true or false, got 1"],
      [{ x: [[1, 2], [3]], y: [0, 1] }, "fromArrays: x: tensor: rows must be of equal length"],
      [{ x: [["a"]], y: [0] }, 'fromArrays: x: tensor: values must be numbers, got "a"'],
      [{ x: [[1], [2]], y: [0] }, "DataSet: x and y must have equally many rows, got 2 of x [2,1] and 1 of y [1]"],
      [{ x: [], y: [] }, "DataSet: must have at least one row, got x [0]"],
      [{ x: 3, y: 4 }, "DataSet: x must have an axis of rows, got a scalar"],
      [
        { x: new Float32Array(6), y: [0, 1] },
        "fromArrays: x must have as many rows as y, got 6 numbers and 2 rows. Give xShape: [2, 3]",
      ],
      [
        { x: tensor([1, 2]).add(1), y: [0, 1] },
        "fromArrays: x must have its values, got the lazy Tensor(f32[2] add). Read it first with await t.data()",
      ],
      [{ x: tensor([1, 2, 3]), xShape: [2, 2], y: [0, 1] }, "fromArrays: xShape must hold 3 values, got [2,2] for [3]"],
    ])("refuses %o", (arrays, message) => {
      expect(() => fromArrays(arrays as never)).toThrow(message);
    });
  });

  describe("DataSet", () => {
    const x = tensor([[1], [2]]);
    test.each([
      [() => new DataSet(x.add(1), x), "DataSet: x must be a tensor of values, got Tensor(f32[2,1] add)."],
      [() => new DataSet(x, [1] as never), "DataSet: y must be a tensor of values, got [1]. Use data.fromArrays"],
      [() => new DataSet(x, x, { std: 0 }), "DataSet: std must be a number above 0"],
      [() => new DataSet(x, x, { mena: 0 } as never), 'DataSet: unknown option "mena". Did you mean "mean"?'],
      [
        () => new DataSet(tensor([1], [1], "i32"), tensor([1]), { std: 2 }),
        "DataSet: mean and std must be left out for integer x, got 0 and 2. Give x as f32",
      ],
      [
        () => new DataSet(x, x, { rows: Int32Array.of(2) }),
        "DataSet: rows must be whole numbers from 0 to 1, got 2 at position 0",
      ],
    ])("refuses %o", (make, message) => {
      expect(make).toThrow(message);
    });
  });
});

// Six million elements: too many for the reference.
test("check finds a row beyond the first part that is looked at", async () => {
  useExecutor("native");
  const wide = 2 ** 20;
  const x = new Float32Array(6 * wide);
  x[5 * wide + 7] = Number.NaN;
  const set = fromArrays({ x, xShape: [6, wide], y: [0, 0, 0, 0, 0, 0] });
  await expect(set.check()).rejects.toThrow("in row 5");
});

test("the targets of all rows are those of its batches", async () => {
  const x = tensor(new Float32Array(4), [4, 1]);
  const labels = new DataSet(x, tensor(Uint8Array.of(3, 1, 2, 0), [4], "u8"), { rows: Int32Array.of(2, 0) });
  expect(await labels.targets.data()).toEqual(Int32Array.of(2, 3));
  const numbers = new DataSet(x, tensor([1, 2, 3, 4]));
  expect(await numbers.targets.data()).toEqual(Float32Array.of(1, 2, 3, 4));
});
