/** First values of variables: computed once, held by nobody else, and replaced by what is loaded meanwhile. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { debugNonFinite, ones, randn, type Tensor, tensor, useExecutor, Variable, zeros } from "../lib/index.js";
import { addon } from "../lib/run/addon.js";
import { initialize } from "../lib/run/index.js";
import { executors } from "./helpers.js";

/** Below and above the size from which outputs are allocated as storage is. */
const sizes = [7, 1023, 1024, 5000];

afterEach(() => {
  vi.restoreAllMocks();
  useExecutor("native");
  debugNonFinite(false);
});

test("storage of a large variable is what was computed, without a copy", async () => {
  const allocate = vi.spyOn(addon(), "alignedArray");
  const [drawn, given] = [randn([5000]), tensor(new Float32Array(6000).fill(2))];
  const variables = [drawn, zeros([7000]), given].map((initial) => new Variable(initial));
  await initialize(variables);
  expect(allocate.mock.calls.map(([, count]) => count)).toEqual([5000, 7000, 6000]);
  for (const [i, { storage }] of variables.entries()) expect(storage).toBe(allocate.mock.results[i].value);
});

test("storage of any variable is allocated as kernels like it, also when values are searched for a NaN", async () => {
  for (const search of [false, true]) {
    debugNonFinite(search);
    const variables = sizes.map((size) => new Variable(ones([size])));
    const allocate = vi.spyOn(addon(), "alignedArray");
    await initialize(variables);
    const made = allocate.mock.results.map(({ value }) => value);
    for (const { storage } of variables) expect(made).toContain(storage);
    allocate.mockRestore();
  }
});

describe.each(executors)("by %s", (name) => {
  test.each(sizes)("variables of %d elements share nothing", async (size) => {
    useExecutor(name);
    const first: Tensor[] = [randn([size]), tensor(new Float32Array(size).fill(3))];
    const variables = [...first, ...first].map((initial) => new Variable(initial));
    await initialize(variables);
    const values = await Promise.all(first.map((t) => t.data()));
    for (const [i, { storage, initial }] of variables.entries()) {
      expect(storage).toEqual(values[i % 2]);
      expect(initial).toBeUndefined();
      storage?.fill(i);
    }
    for (const [i, { storage }] of variables.entries()) expect(storage?.[size - 1]).toBe(i);
    expect(await first[1].data()).toEqual(values[1]);
  });

  test.each(sizes)("%d values that are loaded meanwhile count", async (size) => {
    useExecutor(name);
    const variable = new Variable(randn([size]));
    const loaded = tensor(new Float32Array(size).fill(4));
    const done = initialize([variable]);
    variable.initial = loaded;
    await done;
    expect(variable.storage).toEqual(loaded.values);
    variable.storage?.fill(5);
    expect(loaded.values[0]).toBe(4);
  });
});
