// The counter-based generator against its published vector, exact integer arithmetic, and pinned permutations.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Generator } from "../lib/ops/index.js";
import { philox } from "../lib/ops/philox.js";

/** Philox 4x32-10 in integers of any size, from the paper. */
function exact(key: readonly number[], block: number): number[] {
  const word = (x: bigint): bigint => x & 0xffffffffn;
  let [k0, k1, c2, c3] = key.map((x) => word(BigInt(x)));
  let [c0, c1] = [word(BigInt(block)), BigInt(block) >> 32n];
  for (let round = 0; round < 10; round++) {
    const [p0, p1] = [0xd2511f53n * c0, 0xcd9e8d57n * c2];
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, word(p1), (p0 >> 32n) ^ c3 ^ k1, word(p0)];
    [k0, k1] = [word(k0 + 0x9e3779b9n), word(k1 + 0xbb67ae85n)];
  }
  return [c0, c1, c2, c3].map(Number);
}

test("gives the published answer for zeros", () => {
  // kat_vectors of Random123 (Salmon et al.): philox4x32 10, counter and key 0.
  expect(philox([0, 0, 0, 0], 0)).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
});

test("equals exact arithmetic for any key and block", () => {
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(fc.tuple(word, word, word, word), fc.maxSafeNat(), (key, block) => {
      expect(philox(key, block)).toEqual(exact(key, block));
    }),
    { numRuns: 500 },
  );
});

test("permutations of a seed are the same on every machine", () => {
  expect([...new Generator(0).permutation(8)]).toEqual([0, 2, 1, 5, 7, 4, 6, 3]);
  expect([...new Generator(2 ** 40 + 7).permutation(8)]).toEqual([2, 5, 4, 7, 3, 0, 6, 1]);
  expect([...new Generator(0).permutation(0)]).toEqual([]);
  expect(() => new Generator(0).permutation(-1)).toThrow("permutation: n must be a whole number at least 0");
});
