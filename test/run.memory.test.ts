/** The memory that runs report, against graphs whose sizes are known. */
import { afterEach, describe, expect, test } from "vitest";
import {
  data,
  debugNonFinite,
  fit,
  grad,
  memory,
  nn,
  optim,
  type Tensor,
  tensor,
  useExecutor,
  zeros,
} from "../lib/index.js";

/** (64, 256) floats. */
const block = 64 * 256 * 4;
const leaf = (rows: number, columns: number): Tensor => tensor(new Float32Array(rows * columns), [rows, columns]);

afterEach(() => {
  useExecutor("native");
  debugNonFinite(false);
});

describe("memory", () => {
  test("of a product: what it is given and what it returns, with nothing in between", async () => {
    const [x, w] = [leaf(64, 256), leaf(256, 256)];
    const inputBytes = block + 4 * block;
    expect(await memory([x.matmul(w)])).toEqual({
      ...{ variableBytes: 0, inputBytes, arenaBytes: 0, outputBytes: block, peakBytes: inputBytes + block },
    });
  });

  test("of a chain of products: two values in between, however long it is", async () => {
    const w = leaf(256, 256);
    for (const length of [3, 9]) {
      let x = leaf(64, 256);
      for (let i = 0; i < length; i++) x = x.matmul(w);
      const { arenaBytes, inputBytes, outputBytes } = await memory([x]);
      expect({ arenaBytes, inputBytes, outputBytes }).toEqual({
        ...{ arenaBytes: 2 * block, inputBytes: 5 * block, outputBytes: block },
      });
    }
  });

  test("of a model: its parameters, though they have no values yet", async () => {
    const model = new nn.Linear(256, 256);
    const taken = await memory([model.forward(leaf(64, 256))]);
    expect(taken).toMatchObject({ variableBytes: 4 * block + 256 * 4, inputBytes: block, arenaBytes: 0 });
    expect(model.weight.storage).toBeUndefined();
  });

  test("counts bytes as bytes", async () => {
    const x = tensor(new Uint8Array(1000));
    expect(await memory([x.cast("f32")])).toMatchObject({ inputBytes: 1000, outputBytes: 4000, arenaBytes: 0 });
  });

  test("of the reference: every value, in double precision", async () => {
    useExecutor("reference");
    const [x, w] = [leaf(64, 256), leaf(256, 256)];
    expect(await memory([x.matmul(w).matmul(w)])).toMatchObject({ arenaBytes: 4 * block, outputBytes: block });
  });

  test("of the search for the first NaN: every node's value, that of a reshape too", async () => {
    debugNonFinite();
    const [x, w] = [leaf(64, 256), leaf(256, 256)];
    expect(await memory([x.matmul(w).matmul(w)])).toMatchObject({ arenaBytes: 14 * block });
  });

  test("grows by what a gradient keeps", async () => {
    const model = new nn.Sequential(new nn.Linear(256, 256), new nn.Tanh(), new nn.Linear(256, 256));
    const loss = model.forward(leaf(64, 256)).square().mean();
    const [forward, backward] = [await memory([loss]), await memory([loss, ...grad(loss, model.parameters())])];
    expect(backward.outputBytes - forward.outputBytes).toBe(forward.variableBytes);
    expect(backward.arenaBytes).toBeGreaterThanOrEqual(forward.arenaBytes);
  });

  test("says what it wants", async () => {
    await expect(memory(zeros([2]) as unknown as Tensor[])).rejects.toThrow(
      /^memory: wants a list of tensors, got .*\. Write memory\(\[x\]\)$/,
    );
    await expect(memory([1] as unknown as Tensor[])).rejects.toThrow(/^memory: wants a list of tensors, got \[1\]/);
  });
});

test("fit reports what its largest step took", async () => {
  const set = data.fromArrays({ x: new Float32Array(100 * 256), xShape: [100, 256], y: new Int32Array(100) });
  const model = new nn.Sequential(new nn.Linear(256, 32), new nn.ReLU(), new nn.Linear(32, 4));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
  const run = async (batchSize: number) =>
    (await fit(model, set, { loss: nn.crossEntropy, optimizer, batchSize })).memory ?? expect.fail("no memory");
  const [small, large] = [await run(10), await run(64)]; // 64 and then 36 rows
  const parameters = (256 * 32 + 32 + 32 * 4 + 4) * 4 + 1; // and whether a step was not finite
  expect(small.variableBytes).toBe(parameters);
  expect(large.variableBytes).toBe(parameters);
  const values = (100 * 256 + 100) * 4; // the data set
  expect(large.inputBytes).toBeGreaterThanOrEqual(values + 64 * 4); // and the batch's indices
  expect(large.inputBytes - small.inputBytes).toBe((64 - 10) * 4);
  expect(large.arenaBytes).toBeGreaterThan(small.arenaBytes);
  const { variableBytes, inputBytes, arenaBytes, outputBytes } = large;
  expect(large.peakBytes).toBe(variableBytes + inputBytes + arenaBytes + outputBytes);
});
