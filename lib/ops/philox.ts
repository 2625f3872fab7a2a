/** Philox 4x32-10 (Salmon et al., SC'11) and the distributions drawn from it: the oracle of the native sampler. */

// High word of a 32×32 → 64 bit product; the split keeps every partial product exact in a double.
function high(a: number, b: number): number {
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const cross = (a >>> 16) * bl + (((a & 0xffff) * bl) >>> 16);
  const middle = (a & 0xffff) * bh + (cross & 0xffff);
  return ((a >>> 16) * bh + Math.floor(cross / 0x10000) + Math.floor(middle / 0x10000)) >>> 0;
}

/** The four words of one block: counter (block, stream) under the key (seed). */
export function philox(key: ArrayLike<number>, block: number): [number, number, number, number] {
  let k0 = key[0] >>> 0;
  let k1 = key[1] >>> 0;
  let c0 = block >>> 0;
  let c1 = Math.floor(block / 2 ** 32) >>> 0;
  let c2 = key[2] >>> 0;
  let c3 = key[3] >>> 0;
  for (let round = 0; round < 10; round++) {
    // Without lists, which would be allocated in every round: an epoch of 60,000 rows takes 15,000 blocks.
    const h0 = high(0xd2511f53, c0);
    const h1 = high(0xcd9e8d57, c2);
    const l0 = Math.imul(0xd2511f53, c0) >>> 0;
    const l1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (h1 ^ c1 ^ k0) >>> 0;
    c1 = l1;
    c2 = (h0 ^ c3 ^ k1) >>> 0;
    c3 = l0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}
